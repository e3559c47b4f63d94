"""A runtime that ends, or does something that comes to the same, at every moment of its life."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat import RuntimeExitedError, RuntimeStartError, TextDelta
from tests.faults.conftest import misbehaving, talking
from tests.support.misbehaving import SESSION
from tests.support.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meerkat import TransportError

pytestmark = pytest.mark.requirement("T06", "T08")

GRACE = 4.0  # seconds: the longest wait of the client for an exit status, and a slow machine

ENDS: Mapping[str, tuple[str, int | None]] = {
    "exit:3": ("exited with status 3", 3),
    "exit:0": ("exited with status 0", 0),
    "kill:SIGKILL": ("ended by SIGKILL", -signal.SIGKILL),
    "kill:SIGSEGV": ("ended by SIGSEGV", -signal.SIGSEGV),
    "close": ("closed its output but still runs", None),
    "shut": ("closed its input but still runs", None),
    "grandchild:7": ("exited with status 7", 7),
}
"""Faults that end the conversation: the words and the exit status that the user gets."""

each_end = pytest.mark.parametrize("fault", ENDS)


def check(error: TransportError, fault: str) -> None:
    words, code = ENDS[fault]
    assert words in str(error)
    assert error.return_code == code
    assert error.stderr_tail.startswith("e" * 10)
    assert "last words" in str(error)


@each_end
@pytest.mark.parametrize("moment", ["start", "handshake"])
@pytest.mark.requirement("T07")
async def test_before_it_is_ready(fault: str, moment: str) -> None:
    client = misbehaving(moment, "stderr:20", fault)
    with anyio.fail_after(GRACE), pytest.raises(RuntimeStartError) as caught:
        await client.connect()
    check(caught.value, fault)
    assert "handshake" in str(caught.value)
    assert await background_tasks() == []


@each_end
async def test_idle(fault: str) -> None:
    async with talking("idle", "stderr:20", fault) as client:
        await client.call("runtime/health")
        with anyio.fail_after(GRACE):
            while True:  # it may take a call that was on its way, and fails every later one
                try:
                    await client.list_sessions()
                except RuntimeExitedError as error:
                    check(error, fault)
                    break
        started = time.monotonic()
        with pytest.raises(RuntimeExitedError) as caught:
            await client.list_sessions()
        check(caught.value, fault)
        assert time.monotonic() - started < 0.1
        assert client.diagnostics.pending_calls == 0


@each_end
async def test_in_a_call(fault: str) -> None:
    errors: list[RuntimeExitedError] = []

    async def call() -> None:
        with pytest.raises(RuntimeExitedError) as caught:
            await client.list_sessions()
        errors.append(caught.value)

    async with talking("call", "stderr:20", fault) as client:
        with anyio.fail_after(GRACE):
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(call)
        for error in errors:
            check(error, fault)
            assert error.method == "session/list"
        assert len({id(error) for error in errors}) == 3
        assert client.diagnostics.pending_calls == 0


@each_end
async def test_in_a_stream(fault: str) -> None:
    async with talking("stream", "stderr:20", fault) as client:
        session = client.session(SESSION)
        seen = ""
        with anyio.fail_after(GRACE), pytest.raises(RuntimeExitedError) as caught:  # noqa: PT012  # read to its end
            async with session.stream("x") as events:
                async for event in events:
                    seen += event.delta if isinstance(event, TextDelta) else ""
        check(caught.value, fault)
        assert seen == "one "
        with pytest.raises(RuntimeExitedError):
            await session.turn("later")


@each_end
async def test_in_a_subscription(fault: str) -> None:
    async with talking("idle", "stderr:20", fault) as client:
        with anyio.fail_after(GRACE), pytest.raises(RuntimeExitedError) as caught:  # noqa: PT012  # likewise
            async with await client.subscribe_session_events(SESSION) as events:
                await client.call("runtime/health")
                async for _ in events:
                    pass
        check(caught.value, fault)


@each_end
async def test_while_it_is_closed(fault: str) -> None:
    async with talking("close", "stderr:20", fault, within=GRACE) as client:
        assert await client.list_sessions() == []
    code = ENDS[fault][1]
    # Who only closes a pipe at the end ends by itself, or by the signal that comes after the grace.
    assert client.return_code in ({code} if code is not None else {0, -signal.SIGTERM})
    assert "last words" in client.stderr_tail
