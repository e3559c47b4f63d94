"""Many deadlines share one timer: each is told in its time, never before, and nobody else is."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from math import inf
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from meerkat._core.deadlines import Deadlines
from meerkat._core.waiting import make_clock, make_waiter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

LIMIT = 30.0


class Sleeper:
    """Notes when it is woken."""

    def __init__(self, seconds: float, then: Callable[[], object] | None = None) -> None:
        self.seconds = seconds
        self.late = -1.0
        self.woken = make_waiter()
        self.due = inf
        self._now = make_clock()
        self._due = self._now() + seconds
        self._then = then

    def wake(self) -> None:
        assert self.late == -1.0, "woken twice"
        self.late = self._now() - self._due
        self.woken.wake()
        if self._then is not None:
            self._then()


class Sleepers:
    """Some sleepers and their deadlines."""

    def __init__(self) -> None:
        self.all: list[Sleeper] = []
        self.deadlines = Deadlines(lambda: self.all)

    def set(self, sleeper: Sleeper) -> Sleeper:
        self.all.append(sleeper)
        self.deadlines.set(sleeper, sleeper.seconds)
        return sleeper


@asynccontextmanager
async def running() -> AsyncGenerator[Sleepers]:
    sleepers = Sleepers()
    with anyio.fail_after(LIMIT):
        try:
            yield sleepers
        finally:
            await sleepers.deadlines.close()


async def test_each_is_woken_in_its_order_and_none_too_early() -> None:
    turns = 0
    woken: list[tuple[int, float]] = []

    async def count() -> None:
        nonlocal turns
        while len(woken) < len(sleepers.all):
            turns += 1
            await anyio.lowlevel.checkpoint()

    def sleeper(seconds: float) -> Sleeper:
        return Sleeper(seconds, lambda: woken.append((turns, seconds)))

    async with running() as sleepers:
        for seconds in (0.2, 0.05, 0.1, 0.0, 0.15):
            sleepers.set(sleeper(seconds))
        await count()
    assert all(each.late >= 0 for each in sleepers.all)
    # Those whose time came while the machine did something else are woken at once, in any order.
    assert [seconds for _, seconds in sorted(woken)] == sorted(each.seconds for each in sleepers.all)


async def test_one_that_comes_later_and_is_due_sooner() -> None:
    async with running() as sleepers:
        sleepers.set(Sleeper(3600))
        await anyio.wait_all_tasks_blocked()  # the timer is set for that one
        await sleepers.set(Sleeper(0.02)).woken.wait()


async def test_who_has_no_deadline_any_more_is_not_woken() -> None:
    async with running() as sleepers:
        gone, left, last = (sleepers.set(Sleeper(seconds)) for seconds in (0.01, 0.01, 0.05))
        gone.due = inf
        sleepers.all.remove(left)
        await last.woken.wait()
        assert gone.late == left.late == -1.0


async def test_waking_may_set_further_deadlines() -> None:
    async with running() as sleepers:
        second = Sleeper(0.01)
        first = sleepers.set(Sleeper(0.01, lambda: sleepers.set(second)))
        await second.woken.wait()
        assert first.late >= 0


async def test_it_sleeps_again_when_all_are_told() -> None:
    async with running() as sleepers:
        for _ in range(3):
            await sleepers.set(Sleeper(0.01)).woken.wait()


async def test_nobody_is_woken_after_the_end() -> None:
    async with running() as sleepers:
        early = sleepers.set(Sleeper(0.01))
        await sleepers.deadlines.close()
        late = sleepers.set(Sleeper(0.0))
        await anyio.wait_all_tasks_blocked()
        assert early.late == late.late == -1.0


async def test_the_end_without_a_beginning() -> None:
    async with running() as sleepers:
        assert not sleepers.all


@pytest.mark.parametrize("backend", ["trio", "asyncio"])
def test_the_clock_of_the_event_loop_counts(backend: str) -> None:
    """Programs are tested with clocks that jump: an hour there is an hour here."""
    begun = time.monotonic()

    async def main() -> None:
        sleepers = Sleepers()
        sleeper = sleepers.set(Sleeper(3600))
        await anyio.wait_all_tasks_blocked()  # the timer is set
        jump(4000)
        passes = 0
        while sleeper.late < 0 and passes < 1000:  # instead of waiting for an hour where it is another clock
            await anyio.lowlevel.checkpoint()
            passes += 1
        assert sleeper.late >= 400
        await sleepers.deadlines.close()

    if backend == "trio":
        from trio.testing import MockClock  # the tests of asyncio are run where there is none

        clock = MockClock()
        jump = clock.jump
        anyio.run(main, backend=backend, backend_options={"clock": clock})
    else:
        import asyncio  # the tests of trio are run where there is none

        class Loop(asyncio.SelectorEventLoop):
            ahead = 0.0

            def time(self) -> float:
                return super().time() + self.ahead

            def jump(self, seconds: float) -> None:
                self.ahead += seconds

        with asyncio.Runner(loop_factory=Loop) as runner:
            loop = runner.get_loop()
            assert isinstance(loop, Loop)
            jump = loop.jump
            runner.run(main())
    assert time.monotonic() - begun < 3600
