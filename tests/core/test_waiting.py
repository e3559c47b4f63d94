"""A waiter parks one task and lets it go on, whatever comes first."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from meerkat._core.waiting import make_waiter, serve_readable

if TYPE_CHECKING:
    from collections.abc import Generator

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


@contextmanager
def pipe() -> Generator[tuple[int, int]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


async def test_a_descriptor_is_served_until_its_reader_has_enough() -> None:
    taken: list[bytes] = []
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await anyio.lowlevel.checkpoint()

    with pipe() as (reader, writer), anyio.fail_after(LIMIT):

        def read() -> bool:
            taken.append(os.read(reader, 1))
            return taken[-1] != b"."

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            os.write(writer, b"abc")
            tasks.start_soon(serve_readable, reader, read)
            while len(taken) < 3:
                await anyio.lowlevel.checkpoint()
            seen = others
            os.write(writer, b"de.f")
            while taken[-1] != b".":
                await anyio.lowlevel.checkpoint()
            assert others > seen  # one read at a time, and everybody runs in between
            tasks.cancel_scope.cancel()
        assert b"".join(taken) == b"abcde."
        assert os.read(reader, 9) == b"f"


async def test_what_the_reader_raises_is_raised_to_whoever_serves() -> None:
    with pipe() as (reader, writer), anyio.fail_after(LIMIT):
        os.write(writer, b"a")
        with pytest.raises(ZeroDivisionError):
            await serve_readable(reader, lambda: bool(1 // 0))


async def test_a_descriptor_is_left_alone_after_the_server_is_cancelled() -> None:
    calls = 0

    def read() -> bool:
        nonlocal calls
        calls += 1
        return True

    with pipe() as (reader, writer), anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve_readable, reader, read)
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        os.write(writer, b"a")
        await anyio.wait_readable(reader)  # nobody else is registered for it
        assert calls == 0
