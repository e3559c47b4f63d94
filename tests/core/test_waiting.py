"""A waiter parks one task and lets it go on, whatever comes first."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from meerkat._core.framing import NO_VALUE
from meerkat._core.waiting import call_waiting, make_waiter, serve_readable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from meerkat._core.call import Call
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


async def test_a_call_is_waited_for_until_it_is_settled() -> None:
    call_type, wait_for = call_waiting()
    call = call_type(b"", 1)
    steps: list[str] = []

    async def wait() -> None:
        steps.append("waits")
        await wait_for(call)
        steps.append("goes on")

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            while not steps:
                await anyio.lowlevel.checkpoint()
            call.on_done += (lambda: steps.append("done"),)
            call.settle(NO_VALUE, None)
            call.settle(NO_VALUE, None)
            call.wake()
            assert steps == ["waits", "done"]
        assert steps == ["waits", "done", "goes on"]
        await wait_for(call)  # it is settled


async def test_a_call_is_woken_before_it_is_settled_and_waited_for_again() -> None:
    call_type, wait_for = call_waiting()
    call = call_type(b"", 1)
    waits = 0

    async def wait() -> None:
        nonlocal waits
        while not call.done:
            waits += 1
            await wait_for(call)

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            while waits < 3:
                await anyio.lowlevel.checkpoint()
                call.wake()
            call.settle(NO_VALUE, None)
    assert call.done


async def test_the_wait_for_a_call_is_cancelled_and_woken_at_once() -> None:
    call_type, wait_for = call_waiting()
    calls = [call_type(b"", key) for key in range(1, 21)]
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            for call in calls:
                tasks.start_soon(wait_for_one, wait_for, call)
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
            for call in calls:
                call.settle(NO_VALUE, None)
        for call in calls:
            await wait_for(call)


async def wait_for_one(wait_for: Callable[[Call], Awaitable[None]], call: Call) -> None:
    await wait_for(call)


class Reading:
    """Serves a descriptor with a function; gathers when told so."""

    def __init__(self, read: Callable[[], bool], gathered: Callable[[], None] = lambda: None) -> None:
        self.gathering = False
        self._read = read
        self._gathered = gathered

    def read(self) -> bool:
        return self._read()

    def gathered(self) -> None:
        self.gathering = False
        self._gathered()


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
            tasks.start_soon(serve_readable, reader, Reading(read))
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
            await serve_readable(reader, Reading(lambda: bool(1 // 0)))


async def test_a_descriptor_is_left_alone_after_the_server_is_cancelled() -> None:
    calls = 0

    def read() -> bool:
        nonlocal calls
        calls += 1
        return True

    with pipe() as (reader, writer), anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve_readable, reader, Reading(read))
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        os.write(writer, b"a")
        await anyio.wait_readable(reader)  # nobody else is registered for it
        assert calls == 0


async def test_what_was_gathered_is_told_after_those_who_were_woken_have_run() -> None:
    ran: list[str] = []
    waiters = [make_waiter() for _ in range(5)]

    async def wait(waiter: Waiter) -> None:
        await waiter.wait()
        ran.append("woken")

    def read() -> bool:
        if os.read(reader, 1) == b".":
            return False
        for waiter in waiters:
            waiter.wake()
        reading.gathering = True
        return True

    reading = Reading(read, lambda: ran.append("gathered"))
    with pipe() as (reader, writer), anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            for waiter in waiters:
                tasks.start_soon(wait, waiter)
            tasks.start_soon(serve_readable, reader, reading)
            await anyio.wait_all_tasks_blocked()
            os.write(writer, b"a")
            while len(ran) < len(waiters) + 1:
                await anyio.lowlevel.checkpoint()
            os.write(writer, b".")
    assert ran == ["woken"] * len(waiters) + ["gathered"]


async def test_what_the_gatherer_raises_is_raised_to_whoever_serves() -> None:
    def read() -> bool:
        reading.gathering = os.read(reader, 1) == b"a"
        return True

    reading = Reading(read, lambda: ran.append(1 // 0))
    ran: list[int] = []
    with pipe() as (reader, writer), anyio.fail_after(LIMIT):
        os.write(writer, b"a")
        with pytest.raises(ZeroDivisionError):
            await serve_readable(reader, reading)
