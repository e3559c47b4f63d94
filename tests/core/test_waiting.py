"""A waiter parks one task and lets it go on, whatever comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from meerkat._core.waiting import make_waiter

if TYPE_CHECKING:
    from meerkat._core.waiting import Waiter

LIMIT = 10.0


async def test_woken_before_it_waits() -> None:
    waiter = make_waiter()
    waiter.wake()
    waiter.wake()
    others = 0

    async def other() -> None:
        nonlocal others
        others += 1

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            await waiter.wait()
            await waiter.wait()  # trio runs what is ready in any order, so one turn of the loop shows nothing
            assert others == 1  # it lets others run all the same


async def test_woken_while_it_waits_more_than_once() -> None:
    waiter = make_waiter()
    steps: list[str] = []

    async def wait() -> None:
        steps.append("waits")
        await waiter.wait()
        steps.append("goes on")

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            while not steps:
                await anyio.lowlevel.checkpoint()
            assert steps == ["waits"]
            waiter.wake()
            waiter.wake()
    assert steps == ["waits", "goes on"]
    waiter.wake()


async def test_woken_after_it_was_cancelled() -> None:
    waiter = make_waiter()
    with anyio.move_on_after(0.01) as scope:
        await waiter.wait()
    assert scope.cancelled_caught
    waiter.wake()
    await anyio.lowlevel.checkpoint()


async def test_cancelled_and_woken_at_once() -> None:
    waiters = [make_waiter() for _ in range(20)]
    ended = 0

    async def wait(waiter: Waiter) -> None:
        nonlocal ended
        try:
            await waiter.wait()
        finally:
            ended += 1

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            for waiter in waiters:
                tasks.start_soon(wait, waiter)
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
            for waiter in waiters:
                waiter.wake()
    assert ended == len(waiters)
