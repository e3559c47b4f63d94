"""Many deadlines and one timer: a cancel scope for each call would cost more than the call."""

from __future__ import annotations

from typing import Final
from typing import Protocol as Interface

import anyio

from meerkat._core.waiting import make_clock, make_waiter

GRANULE: Final = 0.005  # seconds between two looks at all deadlines, at least


class Sleeper(Interface):
    """Whatever is to be woken."""

    def wake(self) -> None:
        """Wake it; must neither block nor raise."""


class Deadlines:
    """Wakes those whose time has come: never too early, and a few milliseconds late at most.

    `run` must run in the background.
    """

    def __init__(self) -> None:
        self._now = make_clock()
        self._due: dict[Sleeper, float] = {}
        self._next = 0.0  # when to look again; 0 while nothing is due
        self._changed = make_waiter()

    def add(self, sleeper: Sleeper, seconds: float) -> None:
        """Wake a sleeper after so many seconds."""
        due = self._due[sleeper] = self._now() + seconds
        if due < self._next or not self._next:
            self._next = due
            self._changed.wake()

    def discard(self, sleeper: Sleeper) -> None:
        """Forget a sleeper."""
        self._due.pop(sleeper, None)

    async def run(self) -> None:
        """Wake sleepers in time, for ever."""
        while True:
            if not self._next:
                await self._changed.wait()
            else:
                with anyio.move_on_after(max(self._next - self._now(), 0)):
                    await self._changed.wait()
            self._changed = make_waiter()
            now = self._now()
            for sleeper in [sleeper for sleeper, due in self._due.items() if due <= now]:
                self._due.pop(sleeper, None)
                sleeper.wake()
            self._next = max(min(self._due.values()), now + GRANULE) if self._due else 0.0
