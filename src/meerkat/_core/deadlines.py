"""Many deadlines and one timer: a cancel scope for each call would cost more than the call."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final
from typing import Protocol as Interface

import anyio

from meerkat._core.background import Background
from meerkat._core.waiting import make_clock, make_waiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

GRANULE: Final = 0.005  # seconds from a look at all deadlines to the next one that it finds due, at least


class Sleeper(Interface):
    """Whatever is to be woken.

    Attributes:
        due: When, by the clock of `Deadlines`; infinity for never. Set by `Deadlines.set`; set back by anybody.
    """

    due: float

    def wake(self) -> None:
        """Wake it; must neither block nor raise."""


class Deadlines:
    """Wakes those whose time has come: never too early, and a few milliseconds late at most.

    Its timer runs in the background from the first deadline on, until `close`.

    Args:
        sleepers: Tells all who may have a deadline. They are not kept here: most are gone long before they are due.
        start: Starts the timer.
    """

    def __init__(
        self,
        sleepers: Callable[[], Iterable[Sleeper]],
        start: Callable[[Callable[[], Awaitable[None]], str], Background] = Background,
    ) -> None:
        self._sleepers = sleepers
        self._start = start
        self._now = make_clock()
        self._next = inf  # when to look again
        self._changed = make_waiter()
        self._timer: Background | None = None
        self._closed = False

    def set(self, sleeper: Sleeper, seconds: float) -> None:
        """Wake a sleeper after so many seconds."""
        due = sleeper.due = self._now() + seconds
        if due < self._next:
            self._next = due
            if self._timer is None and not self._closed:
                self._timer = self._start(self._run, "meerkat timer")
            self._changed.wake()

    async def close(self) -> None:
        """End the timer; nobody is woken any more."""
        self._closed = True
        self._changed.wake()
        if self._timer is not None:
            await self._timer.wait()

    async def _run(self) -> None:
        while not self._closed:
            if self._next == inf:
                await self._changed.wait()
            else:
                with anyio.move_on_after(max(self._next - self._now(), 0)):
                    await self._changed.wait()
            self._changed = make_waiter()
            if not self._closed:
                self._look()

    def _look(self) -> None:
        now = self._now()
        for sleeper in [sleeper for sleeper in self._sleepers() if sleeper.due <= now]:
            sleeper.due = inf
            sleeper.wake()
        # Waking may have changed who there is.
        self._next = max(min((sleeper.due for sleeper in self._sleepers()), default=inf), now + GRANULE)
