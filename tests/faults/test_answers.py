"""Answers that do not fit, to calls that keep a place for what follows; and requests of the runtime that do not fit."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import InvalidResponseError, MeerkatError
from tests.faults.clients import LIMIT, talking
from tests.faults.table import Grace
from tests.support.misbehaving import SESSION

if TYPE_CHECKING:
    from collections.abc import Callable

RESULT_OF_NOBODY = json.dumps({"session_id": 5, "text": "", "turns": 0, "tool_calls": 0, "usage": {}})
CREATIONS = ["result:null", "result:{}", "result:" + RESULT_OF_NOBODY, "neither", "stringerror", "error:-32603"]


@pytest.mark.parametrize("fault", CREATIONS, ids=[fault[:40] for fault in CREATIONS])
@pytest.mark.requirement("C07", "S03")
async def test_a_wrong_answer_to_a_creation(fault: str, shorten: Callable[..., None]) -> None:
    """The next creation with the same words is not held up by the one that came to nothing."""
    shorten(Grace.FAILED)
    async with talking("create", fault) as client:
        with anyio.fail_after(LIMIT):
            with pytest.raises(MeerkatError, match="session/create") as caught:
                await client.create_session("x")
            assert isinstance(caught.value, InvalidResponseError) == (not fault.startswith("error"))
            assert (await client.create_session("x")).id == SESSION
        link = client._state.link
        assert link is not None
        assert not link.router._creating
        assert not link.router._held_events._claims


@pytest.mark.requirement("C01", "S03")
async def test_an_answer_to_a_creation_that_its_caller_has_left() -> None:
    """Nobody knows the session, so nothing is kept of it."""
    async with talking("create", "stop") as client:
        link = client._state.link
        assert link is not None
        async with anyio.create_task_group() as group:
            group.start_soon(client.create_session, "x")
            while not link.router._sessions:  # its run began; the answer does not come before it is let go on
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        with anyio.fail_after(LIMIT):
            while client.diagnostics.pending_calls:
                assert client.pid is not None
                os.kill(client.pid, signal.SIGCONT)
                await anyio.lowlevel.checkpoint()
            while link.router._sessions:
                await client.call("runtime/health")
        assert not link.router._creating
        assert not link.router._held_events._claims
        assert (await client.create_session("x")).id == SESSION


@pytest.mark.parametrize("fault", ["result:null", "result:{}", "neither", "stringerror", "error:-32001"])
@pytest.mark.requirement("C07")
async def test_a_wrong_answer_to_a_subscription(fault: str) -> None:
    async with talking("subscribe", fault) as client:
        with anyio.fail_after(LIMIT), pytest.raises(MeerkatError, match="session/stream_open"):
            await client.subscribe_session_events(SESSION)
        async with await client.subscribe_session_events(SESSION):
            pass
        link = client._state.link
        assert link is not None
        assert not link.router._streams
        assert not link.router._held_stream_events._claims


@pytest.mark.parametrize("fault", ["result:null", "error:-32603", "neither"])
@pytest.mark.requirement("P01", "C07")
async def test_a_wrong_answer_to_the_registration_of_tools(fault: str) -> None:
    """Before the tools are known no turn may start, so the failure is that of the call; the next one tries again."""
    async with talking("register", fault) as client:

        @client.tool
        async def nothing() -> None:
            """Do nothing."""

        with anyio.fail_after(LIMIT), pytest.raises(MeerkatError, match="tools/register"):
            await client.create_session("x")
        assert (await client.create_session("x")).id == SESSION


REQUESTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"id": "a", "method": "novel/request", "params": {}},
        {"id": "a", "error": {"code": -32601, "message": "Method not found: novel/request"}},
    ),
    (
        {"id": 7, "method": "tool/execute", "params": {"tool_use_id": "t", "name": "unknown", "arguments": {}}},
        {"id": 7, "result": {"content": "Unknown tool: unknown (known: none)", "is_error": True}},
    ),
    ({"id": "b", "method": "tool/execute", "params": {"name": 5}}, {"id": "b", "error": {"code": -32602}}),
    ({"id": "c", "method": "tool/execute", "params": None}, {"id": "c", "error": {"code": -32602}}),
    ({"id": "d", "method": "session/event", "params": {}}, {"id": "d", "error": {"code": -32602}}),
]
"""Requests of the runtime, and what it must be answered."""


@pytest.mark.parametrize(("request_", "expected"), REQUESTS, ids=[str(r["id"]) for r, _ in REQUESTS])
@pytest.mark.requirement("P03")
async def test_a_wrong_request_of_the_runtime_is_answered(request_: dict[str, Any], expected: dict[str, Any]) -> None:
    """It would wait for its time-out otherwise."""
    async with talking("idle", "notify:" + json.dumps(request_)) as client:
        with anyio.fail_after(LIMIT):
            while not (replies := (await client.call("runtime/health"))["replies"]):
                await anyio.lowlevel.checkpoint()
    (reply,) = replies
    assert reply["id"] == expected["id"]
    assert reply.get("result") == expected.get("result")
    error = expected.get("error", {})
    assert {key: reply.get("error", {}).get(key) for key in error} == error
