"""What somebody waits for: a value or an error, set once."""

from __future__ import annotations

from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Outcome(Generic[T]):
    """A value to come. The first thing that is set counts, the rest is ignored."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._value: T | None = None
        self._error: Exception | None = None

    @property
    def is_set(self) -> bool:
        """Whether it has come."""
        return self._event.is_set()

    def resolve(self, value: T) -> None:
        """Set the value."""
        if not self.is_set:
            self._value = value
            self._event.set()

    def fail(self, error: Exception) -> None:
        """Set the error that waiting raises."""
        if not self.is_set:
            self._error = error
            self._event.set()

    async def get(self) -> T:
        """Wait for it."""
        await self._event.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set by `resolve`, and T may be None itself
