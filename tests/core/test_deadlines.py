"""Many deadlines share one timer: each is told in its time, never before, and nobody else is."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from meerkat._core.deadlines import Deadlines
from meerkat._core.waiting import make_clock, make_waiter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

LIMIT = 30.0


class Sleeper:
    """Notes when it is woken."""

    def __init__(self, seconds: float, then: Callable[[], None] | None = None) -> None:
        self.seconds = seconds
        self.late = -1.0
        self.woken = make_waiter()
        self._now = make_clock()
        self._due = self._now() + seconds
        self._then = then

    def wake(self) -> None:
        assert self.late == -1.0, "woken twice"
        self.late = self._now() - self._due
        self.woken.wake()
        if self._then is not None:
            self._then()


@asynccontextmanager
async def running() -> AsyncGenerator[Deadlines]:
    deadlines = Deadlines()
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(deadlines.run)
            yield deadlines
            tasks.cancel_scope.cancel()


async def test_each_is_woken_in_its_order_and_none_too_early() -> None:
    turns = 0
    woken: list[tuple[int, float]] = []

    async def count() -> None:
        nonlocal turns
        while len(woken) < len(sleepers):
            turns += 1
            await anyio.lowlevel.checkpoint()

    def sleeper(seconds: float) -> Sleeper:
        return Sleeper(seconds, lambda: woken.append((turns, seconds)))

    async with running() as deadlines:
        sleepers = [sleeper(seconds) for seconds in (0.2, 0.05, 0.1, 0.0, 0.15)]
        for each in sleepers:
            deadlines.add(each, each.seconds)
        await count()
    assert all(each.late >= 0 for each in sleepers)
    # Those whose time came while the machine did something else are woken at once, in any order.
    assert [seconds for _, seconds in sorted(woken)] == sorted(each.seconds for each in sleepers)


async def test_one_that_comes_later_and_is_due_sooner() -> None:
    async with running() as deadlines:
        deadlines.add(Sleeper(3600), 3600)
        await anyio.wait_all_tasks_blocked()  # the timer is set for that one
        soon = Sleeper(0.02)
        deadlines.add(soon, soon.seconds)
        await soon.woken.wait()


async def test_who_is_taken_off_is_not_woken() -> None:
    async with running() as deadlines:
        gone, last = Sleeper(0.01), Sleeper(0.05)
        for sleeper in (gone, last):
            deadlines.add(sleeper, sleeper.seconds)
        deadlines.discard(gone)
        deadlines.discard(gone)
        await last.woken.wait()
        assert gone.late == -1.0


async def test_waking_may_set_further_deadlines() -> None:
    async with running() as deadlines:
        second = Sleeper(0.01)
        first = Sleeper(0.01, lambda: deadlines.add(second, 0.01))
        deadlines.add(first, first.seconds)
        await second.woken.wait()
        assert first.late >= 0


async def test_it_sleeps_again_when_all_are_told() -> None:
    async with running() as deadlines:
        for _ in range(3):
            sleeper = Sleeper(0.01)
            deadlines.add(sleeper, sleeper.seconds)
            await sleeper.woken.wait()
