"""What the driver needs of whatever carries the bytes: two descriptors, and ways to end."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meerkat._core.errors import TransportError


class Transport(ABC):
    """A way to a runtime.

    Attributes:
        reader: Descriptor to read answers from; non-blocking.
        writer: Descriptor to write requests to; non-blocking.
        exit_grace: Seconds that may pass between the end of the answers and the end of the runtime, at most.
    """

    exit_grace: ClassVar[float] = 0.0

    reader: int
    writer: int

    def __init__(self) -> None:
        self._owner = os.getpid()

    @property
    def ours(self) -> bool:
        """Whether this process opened it. One that was forked has a copy, with which it must not end what is in use."""
        return os.getpid() == self._owner

    @property
    def pid(self) -> int | None:
        """Process id of the runtime, where it is a child of this process."""
        return None

    @property
    def return_code(self) -> int | None:
        """Exit status of such a runtime, negative for a signal; ``None`` while it runs."""
        return None

    @property
    def stderr_tail(self) -> str:
        """The end of what such a runtime wrote to its standard error."""
        return ""

    def hide(self, text: str) -> str:
        """Return a text of the runtime without the secrets that are known to be its own."""
        return text

    @abstractmethod
    def describe(self) -> str:
        """Say in a few words what is at the other end."""

    @abstractmethod
    def fault(self, living: str) -> TransportError:
        """Make the error for its end, or, if the runtime lives on, for having done what ``living`` says."""

    def tasks(self) -> list[tuple[Callable[[], Awaitable[None]], str]]:
        """Functions to run in the background for the life of the connection, with their names."""
        return []

    async def watch(self) -> None:
        """Wait for the end of the runtime and note it, where that can be told; for one task, once."""
        await anyio.sleep_forever()

    @abstractmethod
    def unwatched(self) -> None:
        """Take note that nobody will notice the end of the runtime any more: `watch` has ended, or never ran."""

    async def ended(self) -> None:
        """Wait until the end of the runtime is noted, or nobody can note it any more."""
        await anyio.sleep_forever()

    async def input_broken(self) -> None:
        """Wait until nobody reads requests any more, where that can be told apart from the end of the answers."""
        await anyio.sleep_forever()

    @abstractmethod
    def close_input(self) -> None:
        """Tell the other end that no more requests come."""

    @abstractmethod
    async def end(self, grace: float) -> None:
        """See to the end of the runtime within bounded time, where it is ours; its input is closed.

        Args:
            grace: Seconds that it gets to end by itself.
        """

    @abstractmethod
    def release(self) -> None:
        """Close all descriptors. The tasks that use them must have ended."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, without waiting for anything that needs an event loop."""
