"""Tasks without a task group: how they begin and end."""

from __future__ import annotations

import contextvars
import logging
import sys
from typing import Any

import anyio
import pytest

from meerkat import CONTRACT_VERSION, MeerkatClient, ToolExecutionCompleted
from meerkat._core.background import Background
from tests.support import misbehaving
from tests.support.tasks import background_tasks

LIMIT = 10

pytestmark = pytest.mark.requirement("T08")


@pytest.mark.requirement("T07")
async def test_tasks_that_are_cancelled_before_they_began_touch_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A descriptor that they would use is closed by then, and its number may be that of another one."""
    args = ["-I", "-S", str(misbehaving.__file__), CONTRACT_VERSION, "never"]
    for _ in range(5):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await MeerkatClient(sys.executable, args=args).connect()
        assert scope.cancelled_caught
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert await background_tasks() == []


async def test_one_that_runs_is_cancelled() -> None:
    running = anyio.Event()
    ended: list[str] = []

    async def function() -> None:
        running.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("ended")

    task = Background(function, "meerkat test")
    with anyio.fail_after(LIMIT):
        await running.wait()
        task.cancel()
        task.cancel()
        await task.wait()
    task.cancel()
    assert ended == ["ended"]
    assert await background_tasks() == []


async def test_one_that_was_cancelled_before_it_began_runs_nothing() -> None:
    ran: list[str] = []

    async def function() -> None:
        ran.append("ran")

    task = Background(function, "meerkat test")
    task.cancel()
    with anyio.fail_after(LIMIT):
        await task.wait()
    assert ran == []
    assert await background_tasks() == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)  # which cancels all tasks when its loop ends
async def test_one_that_the_event_loop_cancels_before_it_began_has_ended() -> None:
    import asyncio  # the tests of trio are run where there is none

    async def function() -> None:
        raise AssertionError("it runs")

    task = Background(function, "meerkat test")
    (native,) = (each for each in asyncio.all_tasks() if each.get_name() == "meerkat test")
    native.cancel()
    with anyio.fail_after(LIMIT):
        await task.wait()
    assert await background_tasks() == []


async def nothing() -> None:
    """End at once."""


async def fail() -> None:
    raise ZeroDivisionError("on purpose")


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("function", [nothing, fail, anyio.sleep_forever])
async def test_its_end_is_told_once(function: Any, begun: bool, caplog: pytest.LogCaptureFixture) -> None:
    told: list[object] = []
    task = Background(function, "meerkat test", failed=told.append, ended=lambda: told.append("ended"))
    with anyio.fail_after(LIMIT):
        if begun:
            await anyio.wait_all_tasks_blocked()
        task.cancel()
        await task.wait()
    assert await background_tasks() == []
    assert told[-1] == "ended"
    failures = ["on purpose"] if begun and function is fail else []
    assert list(map(str, told[:-1])) == failures
    assert [record.getMessage() for record in caplog.records] == ["the task meerkat test failed"] * len(failures)


async def test_it_runs_in_its_own_context_or_in_a_given_one() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")
    given = contextvars.Context()  # an empty one is one, too
    seen: list[str] = []

    async def note() -> None:
        seen.append(variable.get())
        variable.set("changed")

    variable.set("of the caller")
    for context in (None, given, given):
        await Background(note, "meerkat test", context=context).wait()
    assert seen == ["of the caller", "", "changed"]
    assert variable.get() == "of the caller"


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_an_event_loop_that_begins_tasks_at_once() -> None:
    import asyncio  # the tests of trio are run where there is none

    if sys.version_info < (3, 12):
        pytest.skip("asyncio begins no task at once before Python 3.12")
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    async with MeerkatClient(runtime="embedded") as client:

        @client.tool
        async def add(a: int, b: int) -> int:
            return a + b

        with anyio.fail_after(LIMIT):
            session = await client.create_session(
                '{"script": [{"tool": "add", "args": {"a": 1, "b": 2}}, {"text": "x"}]}'
            )
            assert session.text == "x"
            turn = session.stream('{"script": [{"tool": "add", "args": {"a": 3, "b": 4}}, {"text": "y"}]}')
            async with turn as events:
                results = [event async for event in events if isinstance(event, ToolExecutionCompleted)]
        assert events.result.text == "y"
        assert [result.is_error for result in results] == [False]
