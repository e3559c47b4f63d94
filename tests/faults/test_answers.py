"""Answers that do not fit: each fails its own call with a typed error that names it, and harms nothing else."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from meerkat import (
    ContractMismatchError,
    DeadlineExceededError,
    InternalError,
    InvalidParamsError,
    InvalidResponseError,
    MeerkatError,
    ParseError,
    RuntimeStartError,
    SessionNotFoundError,
    TurnFailedError,
)
from tests.faults.conftest import LIMIT, misbehaving, talking
from tests.support.misbehaving import SESSION
from tests.support.tasks import background_tasks

RESULT_OF_NOBODY = json.dumps({"session_id": 5, "text": "", "turns": 0, "tool_calls": 0, "usage": {}})

WRONG: list[tuple[str, type[MeerkatError], str]] = [
    ("result:null", InvalidResponseError, r"got `null`"),
    ("result:17", InvalidResponseError, r"Expected `object`, got `int`"),
    ('result:"text"', InvalidResponseError, r"got `str`"),
    ("result:[]", InvalidResponseError, r"got `array`"),
    ("result:{}", InvalidResponseError, r"missing required field `sessions`"),
    ('result:{"sessions":5}', InvalidResponseError, r"\$\.sessions"),
    ('result:{"sessions":[{"session_id":7}]}', InvalidResponseError, r"\$\.sessions\[0\]"),
    ("neither", InvalidResponseError, "neither a result nor an error"),
    ("both", InternalError, "wrong"),
    ("stringerror", InvalidResponseError, "the runtime's answer was skipped"),
    ("coded", InvalidResponseError, "the runtime's answer was skipped"),
    ("error:-32001", SessionNotFoundError, r"wrong \(code -32001\)"),
    ("error:-32602", InvalidParamsError, "wrong"),
    ("error:-12345", MeerkatError, r"wrong \(code -12345\)"),
    ("stray:-32602", InvalidParamsError, "wrong"),
    ("stray:-32700", ParseError, "wrong"),
    ("stray:-32603", InternalError, "wrong"),
    ("forget", DeadlineExceededError, "no answer within"),
    ("textid", DeadlineExceededError, "no answer within"),
]
"""Faults in place of an answer, with the class and the words of the error that the caller gets."""


@pytest.mark.parametrize(("fault", "kind", "words"), WRONG, ids=[fault for fault, _, _ in WRONG])
@pytest.mark.requirement("C03", "C07", "T03", "T04")
async def test_a_wrong_answer_to_a_call(fault: str, kind: type[MeerkatError], words: str) -> None:
    deadline = {"timeout": 0.2} if kind is DeadlineExceededError else {}
    async with talking("call", fault, **deadline) as client:
        with anyio.fail_after(LIMIT), pytest.raises(kind, match=words) as caught:
            await client.list_sessions()
        assert type(caught.value) is kind
        assert caught.value.method == "session/list"
        assert "session/list" in str(caught.value)
        assert await client.list_sessions() == []
        assert client.diagnostics.pending_calls == (kind is DeadlineExceededError)
        assert client.diagnostics.strays == fault.startswith("stray")


@pytest.mark.requirement("T03")
async def test_an_answer_that_comes_twice_is_taken_once() -> None:
    async with talking("call", "twice") as client:
        assert await client.list_sessions() == []
        await client.call("runtime/health")
        assert client.diagnostics.late_answers == 1


GREETING: dict[str, Any] = {"server_info": {"name": "x", "version": "1"}, "contract_version": "0.6.5", "methods": []}

UNFRIENDLY: list[tuple[str, type[MeerkatError], str]] = [
    ("result:null", InvalidResponseError, "initialize"),
    ("result:{}", InvalidResponseError, "initialize"),
    ("result:" + json.dumps({**GREETING, "contract_version": 5}), InvalidResponseError, r"\$\.contract_version"),
    ("result:" + json.dumps({**GREETING, "server_info": None}), InvalidResponseError, r"\$\.server_info"),
    ("result:" + json.dumps({**GREETING, "contract_version": ""}), ContractMismatchError, "contract version ,"),
    ("result:" + json.dumps({**GREETING, "contract_version": "0.7.0"}), ContractMismatchError, r"0\.7\.0.*0\.6\.5"),
    ("neither", InvalidResponseError, "initialize"),
    ("stringerror", InvalidResponseError, "initialize"),
    ("error:-32603", InternalError, "initialize"),
    ("error:-32601", MeerkatError, "initialize"),
    ("stray:-32700", ParseError, "initialize"),
    ("forget", RuntimeStartError, "did not answer the handshake within"),
]


@pytest.mark.parametrize(("fault", "kind", "words"), UNFRIENDLY, ids=[fault[:60] for fault, _, _ in UNFRIENDLY])
@pytest.mark.requirement("C07", "C10", "T04", "T07")
async def test_a_wrong_answer_to_the_greeting(fault: str, kind: type[MeerkatError], words: str) -> None:
    client = misbehaving("handshake", fault, connect_timeout=0.3 if fault == "forget" else LIMIT)
    with anyio.fail_after(LIMIT), pytest.raises(kind, match=words):
        await client.connect()
    assert client.pid is None
    assert await background_tasks() == []


TURNS: list[tuple[str, type[MeerkatError], str]] = [
    ("result:null", InvalidResponseError, "turn/start"),
    ("result:{}", InvalidResponseError, "turn/start"),
    ("result:" + RESULT_OF_NOBODY, InvalidResponseError, r"\$\.session_id"),
    ("neither", InvalidResponseError, "turn/start"),
    ("stringerror", InvalidResponseError, "turn/start"),
    ("error:-32603", TurnFailedError, "turn/start"),
    ("error:-12345", MeerkatError, "-12345"),
    ("stray:-32700", ParseError, "turn/start"),
]


@pytest.mark.parametrize(("fault", "kind", "words"), TURNS, ids=[fault[:40] for fault, _, _ in TURNS])
@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "turn"])
@pytest.mark.requirement("C07", "C03", "T04")
async def test_a_wrong_answer_to_a_turn(fault: str, kind: type[MeerkatError], words: str, streaming: bool) -> None:
    async with talking("turn", fault) as client:
        session = client.session(SESSION)
        with anyio.fail_after(LIMIT), pytest.raises(kind, match=words) as caught:
            await (session.stream("x").collect() if streaming else session.turn("x"))
        assert type(caught.value) is kind
        assert (await session.turn("again")).text == "one two"
        assert client.diagnostics.pending_calls == 0


CREATIONS = ["result:null", "result:{}", "result:" + RESULT_OF_NOBODY, "neither", "stringerror", "error:-32603"]


@pytest.mark.parametrize("fault", CREATIONS, ids=[fault[:40] for fault in CREATIONS])
@pytest.mark.requirement("C07", "S03")
async def test_a_wrong_answer_to_a_creation(fault: str) -> None:
    """The next creation with the same words is not held up by the one that came to nothing."""
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
