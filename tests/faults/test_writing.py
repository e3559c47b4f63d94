"""Requests on their way to a runtime that does not read for a while."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat import DeadlineExceededError
from tests.faults.clients import LIMIT, talking
from tests.faults.table import Grace

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("window", [None, 8192], ids=["unlimited", "window"])
@pytest.mark.requirement("T11")
async def test_a_caller_that_leaves_never_leaves_half_a_line(window: int | None) -> None:
    """The pipe takes only the beginning of a large line, and its caller leaves; the rest of it follows all the same."""
    async with talking("idle", "stop", flow_window=window) as client:
        await client.call("runtime/health")
        with pytest.raises(DeadlineExceededError):
            await client.call("large", {"text": "x" * 2_000_000}, timeout=0.05)
        with anyio.move_on_after(0.05) as scope:
            await client.call("other", {"text": "y" * 500_000})
        assert scope.cancelled_caught
        assert client.pid is not None
        os.kill(client.pid, signal.SIGCONT)
        # The runtime takes every line for JSON, and would end at half a one.
        with anyio.fail_after(LIMIT):
            assert (await client.call("next"))["method"] == "next"


@pytest.mark.requirement("T11")
async def test_a_thousand_calls_to_a_runtime_that_does_not_read_yet() -> None:
    async with talking("idle", "stop") as client:
        await client.call("runtime/health")
        answers: list[int] = []

        async def one(number: int) -> None:
            answers.append((await client.call("m", {"n": number, "text": "x" * 500}))["params"]["n"])

        with anyio.fail_after(LIMIT):
            async with anyio.create_task_group() as group:
                for number in range(1000):
                    group.start_soon(one, number)
                await anyio.wait_all_tasks_blocked()
                assert client.pid is not None
                os.kill(client.pid, signal.SIGCONT)
        assert sorted(answers) == list(range(1000))


@pytest.mark.requirement("T08")
async def test_closing_while_nobody_reads(shorten: Callable[..., None]) -> None:
    shorten(Grace.FLUSH, Grace.SHUTDOWN, Grace.SIGNAL)
    async with talking("idle", "stop") as client:
        await client.call("runtime/health")
        with pytest.raises(DeadlineExceededError):
            await client.call("large", {"text": "x" * 2_000_000}, timeout=0.05)
    assert client.return_code == -signal.SIGKILL
