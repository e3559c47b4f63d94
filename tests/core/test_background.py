"""Tasks without a task group: how they begin and end."""

from __future__ import annotations

import logging
import sys

import anyio
import pytest

from meerkat import CONTRACT_VERSION, MeerkatClient
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
