"""What sessions do, on the embedded runtime and on the real one: the same test says so of both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded.helpers import SLOW, begin, create, logged, prompts, script, texts, turn

if TYPE_CHECKING:
    from tests.embedded.driver import Peer
    from tests.support.runtime import Runtime

PEER_RESPONSE = {
    "peer_id": "018f0000-0000-7000-8000-000000000001",
    "request_id": "018f0000-0000-7000-8000-000000000002",
    "status": "completed",
    "result": {"x": 1},
}


async def test_events_from_outside_wait_and_join_the_next_turn(peer: Peer) -> None:
    session = await create(peer)
    for kind, extra in (("a", {}), ("b", {}), ("c", {"blocks": [{"type": "text", "text": "BLOCK"}]})):
        outcome = await peer.call(
            "session/external_event", session_id=session, kind="generic_json", event_type=kind, payload=1, **extra
        )
        assert outcome["outcome_type"] == "accepted"
        assert outcome["state"]["current_state"] == "queued"

    await turn(peer, session, "own")

    assert prompts(peer, session) == ["hi", "[EVENT via a]\n[EVENT via b]\nBLOCK\nown"]


async def test_the_first_run_of_a_deferred_session_begins_with_its_prompt(peer: Peer) -> None:
    plain = await create(peer, "first", initial_turn="deferred")
    with_event = await create(peer, "first", initial_turn="deferred")
    await peer.call("session/external_event", session_id=with_event, kind="generic_json", event_type="a", payload=None)

    await turn(peer, plain, "second")
    await turn(peer, with_event, "second")

    assert prompts(peer, plain) == ["first\n\nsecond"]
    assert prompts(peer, with_event) == ["first\n[EVENT via a]\nsecond"]


async def answered_by_peer(peer: Peer) -> tuple[str, str]:
    """A session that a peer has answered, and a subscription to it from before."""
    session = await create(peer)
    stream = (await peer.call("session/stream_open", session_id=session))["stream_id"]
    await peer.call("session/peer_response_terminal", session_id=session, **PEER_RESPONSE)
    await peer.wait_event(session, "run_completed", 2)
    await peer.until(lambda: len(peer.stream_events(stream)) == 8)
    return session, stream


async def test_a_peer_response_runs_by_itself_and_tells_subscriptions_more(peer: Peer) -> None:
    session, stream = await answered_by_peer(peer)

    assert prompts(peer, session) == ["hi", ""]
    assert [event["seq"] for event in peer.events(session)] == [*range(1, 14)]
    followed = peer.stream_events(stream)
    assert [item["event"]["seq"] for item in followed] == [*range(8, 16)]
    assert [item["sequence"] for item in followed] == [*range(1, 9)]
    told = (str(PEER_RESPONSE["request_id"]), str(PEER_RESPONSE["status"]), '"x": 1')
    assert all(text in followed[6]["event"]["payload"]["prompt"] for text in told)
    # The real runtime stores the run a little later than it tells of its end.
    for _ in range(500):
        system = (await peer.call("session/history", session_id=session, limit=1))["messages"][0]["content"]
        if all(text in system for text in told):
            return
    pytest.fail("the system message never said what the peer answered")


async def test_a_turn_behind_a_peer_response_is_run(embedded_runtime: Runtime) -> None:
    # The real runtime may leave it waiting until another turn comes.
    async with begin(embedded_runtime) as peer:
        session = await create(peer)
        await peer.call("session/peer_response_terminal", session_id=session, **PEER_RESPONSE)
        assert (await turn(peer, session, "next"))["text"] == "echo: next"
        assert prompts(peer, session) == ["hi", "", "next"]
        seqs = [event["seq"] for event in peer.events(session)]
        assert seqs == [*range(1, 14), *range(16, 23)]


async def test_a_cancelled_turn_leaves_no_trace(peer: Peer) -> None:
    session = await create(peer)
    stream = (await peer.call("session/stream_open", session_id=session))["stream_id"]
    slow = await peer.ask("turn/start", session_id=session, prompt=SLOW)
    await peer.wait_event(session, "text_delta", 3)

    await peer.notify("cancel", request_id=slow)

    answer = await peer.answer(slow)
    assert answer["error"] == {"code": -32005, "message": "request cancelled before response publish"}
    end = await peer.wait_for(lambda line: line.get("method") == "session/stream_end")
    assert end["params"] == {"stream_id": stream, "session_id": session, "ended": True, "outcome": "remote_end"}
    assert await texts(peer, session) == ["hi", "echo: hi"]
    result = await turn(peer, session, "next")
    assert result["usage"] == {"input_tokens": 6, "output_tokens": 4, "total_tokens": 10}
    assert await texts(peer, session) == ["hi", "echo: hi", "next", "echo: next"]
    # A run that was cancelled has no terminal event, and the next one is numbered anew.
    kinds = [(event["seq"], event["payload"]["type"]) for event in peer.events(session)]
    assert kinds[10][0] == 1
    assert (8, "run_started") in kinds
    assert [kind for _, kind in kinds].count("run_completed") == 2


async def test_an_interrupted_turn_is_answered_as_such(peer: Peer) -> None:
    session = await create(peer)
    assert await peer.call("turn/interrupt", session_id=session) == {"interrupted": True}
    assert (await turn(peer, session, "next"))["text"] == "echo: next"
    slow = await peer.ask("turn/start", session_id=session, prompt=SLOW)
    await peer.wait_event(session, "text_delta", 5)

    assert await peer.call("turn/interrupt", session_id=session) == {"interrupted": True}

    assert (await peer.answer(slow))["error"] == {"code": -32005, "message": "request cancelled"}
    assert await texts(peer, session) == ["hi", "echo: hi", "next", "echo: next"]


async def test_stopping_a_run_drops_the_turns_behind_it(embedded_runtime: Runtime) -> None:
    # The real runtime does the same, but now and then leaves a dropped turn without an answer.
    async with begin(embedded_runtime) as peer:
        session = await create(peer)
        slow = await peer.ask("turn/start", session_id=session, prompt=SLOW)
        await peer.wait_event(session, "text_delta", 3)
        queued = [await peer.ask("turn/start", session_id=session, prompt=text) for text in ("one", "two")]

        await peer.call("turn/interrupt", session_id=session)

        assert (await peer.answer(slow))["error"]["code"] == -32005
        for request in queued:
            assert (await peer.answer(request))["error"]["code"] == -32001
        assert prompts(peer, session)[2:] == []
        assert (await turn(peer, session, "next"))["text"] == "echo: next"


async def test_a_cancelled_creation_leaves_no_session(peer: Peer) -> None:
    request = await peer.ask("session/create", prompt=SLOW)
    begun = await peer.wait_for(lambda line: line.get("method") == "session/event")

    await peer.notify("cancel", request_id=request)

    assert (await peer.answer(request))["error"]["message"] == "request cancelled before response publish"
    listed = (await peer.call("session/list"))["sessions"]
    assert begun["params"]["session_id"] not in [session["session_id"] for session in listed]


async def test_cancelling_what_is_done_or_cannot_be_cancelled_is_ignored(peer: Peer) -> None:
    session = await create(peer)
    ids: list[Any] = [1, "1", 99, 1.5, True, None, [], {}]
    for request_id in ids:
        await peer.notify("cancel", request_id=request_id)
    await peer.send({"jsonrpc": "2.0", "method": "cancel"})

    assert (await turn(peer, session, "next"))["text"] == "echo: next"


async def test_a_request_can_be_cancelled_in_the_same_breath(embedded_runtime: Runtime) -> None:
    async with begin(embedded_runtime) as peer:
        session = await create(peer)
        for method, params in (
            ("session/create", {"prompt": SLOW}),
            ("help/ask", {"question": SLOW}),
            ("turn/start", {"prompt": SLOW, "session_id": session}),
        ):
            request = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
            cancel = {"jsonrpc": "2.0", "method": "cancel", "params": {"request_id": method}}
            await peer.send_line(f"{json.dumps(request)}\n{json.dumps(cancel)}".encode())
            error = (await peer.answer(method))["error"]
            assert error == {"code": -32005, "message": "request cancelled before response publish"}
        assert [item["session_id"] for item in (await peer.call("session/list"))["sessions"]] == [session]
        assert (await turn(peer, session, "next"))["text"] == "echo: next"


async def test_a_run_can_be_stopped_while_a_tool_is_called(peer: Peer) -> None:
    tool = {"name": "add", "description": "Adds", "input_schema": {"type": "object"}}
    session = await create(peer, external_tools=[tool])
    request = await peer.ask("turn/start", session_id=session, prompt=script({"tool": "add"}, {"text": "never"}))
    asked = await peer.wait_for(lambda line: line.get("method") == "tool/execute")

    await peer.notify("cancel", request_id=request)

    assert (await peer.answer(request))["error"]["code"] == -32005
    await peer.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"content": "late"}})
    assert await texts(peer, session) == ["hi", "echo: hi"]


async def test_turns_of_one_session_queue_and_sessions_run_side_by_side(peer: Peer) -> None:
    first, second = await create(peer), await create(peer)
    blocked = await peer.ask("turn/start", session_id=first, prompt=SLOW)
    await peer.wait_event(first, "text_delta", 3)
    await peer.ask("turn/start", session_id=first, prompt="waits")

    assert (await turn(peer, second, "runs"))["text"] == "echo: runs"
    assert prompts(peer, first) == ["hi", SLOW]

    await peer.call("turn/interrupt", session_id=first)
    assert "error" in await peer.answer(blocked)


async def test_reading_waits_for_the_run(embedded_runtime: Runtime) -> None:
    # The real runtime waits too, unless it is asked at the very beginning of the run.
    async with begin(embedded_runtime) as peer:
        session = await create(peer)
        prompt = script({"sleep": 0.3}, {"text": "done"})
        running = await peer.ask("turn/start", session_id=session, prompt=prompt)

        history = await peer.call("session/history", session_id=session)

        assert history["message_count"] == 5
        assert (await peer.answer(running))["result"]["text"] == "done"


async def test_a_failed_turn_runs_again_before_and_after_the_next_one(peer: Peer) -> None:
    session = await create(peer)
    stream = (await peer.call("session/stream_open", session_id=session))["stream_id"]
    failing = script({"status": 400})
    failure = "Terminal failure: Failed (LlmFailure): LLM failure terminal turn"

    error = await peer.fault("turn/start", session_id=session, prompt=failing)

    assert error == {
        "code": -32603,
        "message": f"turn abandoned: apply failed: Apply failed: agent error: {failure}",
    }
    end = await peer.wait_for(lambda line: line.get("method") == "session/stream_end")
    assert end["params"]["stream_id"] == stream
    assert end["params"]["outcome"] == "remote_end"
    subscribing = await peer.fault("session/stream_open", session_id=session)
    assert subscribing["code"] == -32602
    await accepted_turn(peer, session, "next")
    await peer.wait_event(session, "run_failed", 3)
    assert prompts(peer, session) == ["hi", failing, failing, "next", failing]
    await accepted_turn(peer, session, "last")
    assert prompts(peer, session)[5:] == ["last"]
    assert await texts(peer, session) == ["hi", "echo: hi", "next", "echo: next", "last", "echo: last"]


async def accepted_turn(peer: Peer, session_id: str, prompt: str) -> None:
    """Start a turn; the real runtime refuses it for a moment after a failure, while it puts the session back."""
    for _ in range(200):
        answer = await peer.answer(await peer.ask("turn/start", session_id=session_id, prompt=prompt))
        if "result" in answer:
            return
        assert answer["error"]["code"] == -32001, answer
    pytest.fail("the session never took a turn again")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (500, 'Server error: 500 - {"error": {"message": "scripted failure", "type": "server_error"}}'),
        (503, "Server overloaded (503)"),
    ],
)
async def test_a_request_to_the_model_is_made_again_after_a_failure(peer: Peer, status: int, message: str) -> None:
    prompt = script({"status": status, "times": 1}, {"text": "fine"})
    session = await create(peer, prompt)

    retry = await peer.wait_event(session, "retrying")

    assert await texts(peer, session) == [prompt, "fine"]
    assert (retry["attempt"], retry["max_attempts"]) == (1, 3)
    assert retry["error"] == f"LLM error (self_hosted): {message}"
    assert retry["retry"]["failure"]["message"] == message
    assert retry["retry"]["plan"]["selected_delay_ms"] == retry["delay_ms"]
    assert retry["retry"]["failure"]["kind"] == "retryable_provider_error"


async def test_injected_context_is_told_once_per_key(peer: Peer) -> None:
    session = await create(peer)

    async def inject(session_id: str, text: str, **params: Any) -> Any:
        return await peer.call("session/inject_context", session_id=session_id, text=text, **params)

    assert await inject(session, "a") == {"status": "staged"}
    assert await inject(session, "a") == {"status": "staged"}
    assert await inject(session, "a", idempotency_key="k", source="s") == {"status": "staged"}
    assert await inject(session, "a", idempotency_key="k", source="s") == {"status": "duplicate"}
    conflict = await peer.fault("session/inject_context", session_id=session, text="b", idempotency_key="k")
    assert conflict == {"code": -32602, "message": "system-context idempotency conflict for key 'k'"}
    empty = await peer.fault("session/inject_context", session_id=session, text=" ")
    assert empty == {"code": -32602, "message": "system context text must not be empty"}
    await turn(peer, session, "next")
    assert await inject(session, "a", idempotency_key="k", source="s") == {"status": "duplicate"}
    assert prompts(peer, session) == ["hi", "next"]
    deferred = await create(peer, initial_turn="deferred")
    assert await inject(deferred, "a", idempotency_key="k") == {"status": "staged"}


async def test_archived_sessions_can_be_read_and_nothing_else(peer: Peer) -> None:
    session = await create(peer)
    stream = (await peer.call("session/stream_open", session_id=session))["stream_id"]

    assert await peer.call("session/archive", session_id=session) == {"archived": True}

    end = await peer.wait_for(lambda line: line.get("method") == "session/stream_end")
    assert (end["params"]["stream_id"], end["params"]["outcome"]) == (stream, "remote_end")
    assert await texts(peer, session) == ["hi", "echo: hi"]
    assert (await peer.call("session/read", session_id=session))["last_assistant_text"] == "echo: hi"
    assert (await peer.call("session/list"))["sessions"] == []
    scope = {"type": "session", "session_id": session}
    await logged(peer, session, 7)
    assert (await peer.call("events/latest_cursor", scope=scope))["cursor"]["sequence"] == 7
    assert (await peer.call("events/snapshot", scope=scope))["snapshot"]["session"]["message_count"] == 3
    gone = {"code": -32001, "message": f"session not found: {session}"}
    event = {"kind": "generic_json", "event_type": "a", "payload": 1}
    for method, params in (
        ("turn/start", {"prompt": "x"}),
        ("session/archive", {}),
        ("session/inject_context", {"text": "x"}),
        ("session/external_event", event),
        ("session/peer_response_terminal", PEER_RESPONSE),
        ("session/fork_at", {"message_index": 1}),
    ):
        assert await peer.fault(method, session_id=session, **params) == gone, method
    missing = {"code": -32001, "message": f"Session not found: {session}"}
    assert await peer.fault("turn/interrupt", session_id=session) == missing
    assert (await peer.fault("session/stream_open", session_id=session))["code"] == -32602


async def test_an_archived_session_that_never_ran_is_gone(peer: Peer) -> None:
    session = await create(peer, initial_turn="deferred")

    await peer.call("session/archive", session_id=session)

    missing = {"code": -32001, "message": f"Session not found: {session}"}
    for method in ("session/read", "session/history", "session/archive"):
        assert await peer.fault(method, session_id=session) == missing
    assert (await peer.fault("turn/start", session_id=session, prompt="x"))["code"] == -32001


async def test_sessions_are_found_by_their_labels(peer: Peer) -> None:
    made = [await create(peer, labels={"n": str(n), "g": "1"}, initial_turn="deferred") for n in range(3)]
    other = await create(peer, initial_turn="deferred")

    async def listed(**params: Any) -> list[str]:
        return [item["session_id"] for item in (await peer.call("session/list", **params))["sessions"]]

    assert sorted(await listed()) == sorted([*made, other])
    assert sorted(await listed(labels={"g": "1"})) == sorted(made)
    assert await listed(labels={"g": "1", "n": "2"}) == [made[2]]
    assert await listed(labels={"g": "2"}) == []
    assert await listed(limit=0) == []
    assert await listed(offset=4) == []
    assert len(await listed(limit=3)) == 3
    assert sorted(await listed(limit=2) + await listed(limit=2, offset=2)) == sorted([*made, other])
    assert sorted(await listed(limit=None, labels=None, offset=None)) == sorted([*made, other])


@pytest.mark.parametrize("key", ["mob_id", "role", "meerkat_id", "meerkat", "meerkat.x"])
async def test_reserved_labels_are_refused(peer: Peer, key: str) -> None:
    error = await peer.fault("session/create", prompt="x", labels={key: "x"})
    assert error["code"] == -32602
    assert error["message"].startswith(f"metadata label key '{key}' is reserved")


async def test_histories_are_read_in_pieces(peer: Peer) -> None:
    session = await create(peer)

    async def piece(**params: Any) -> tuple[Any, ...]:
        found = await peer.call("session/history", session_id=session, **params)
        return found["offset"], found.get("limit"), found["has_more"], len(found["messages"]), found["message_count"]

    assert await piece() == (0, None, False, 3, 3)
    assert await piece(offset=1, limit=0) == (1, 0, True, 0, 3)
    assert await piece(offset=1, limit=1) == (1, 1, True, 1, 3)
    assert await piece(offset=2, limit=5) == (2, 5, False, 1, 3)
    assert await piece(offset=99) == (3, None, False, 0, 3)


async def test_keeping_alive_answers_before_the_first_run(peer: Peer) -> None:
    result = await peer.call("session/create", prompt="hi", keep_alive=True, comms_name="name")

    assert (result["text"], result["turns"], result["usage"]["total_tokens"]) == ("", 0, 0)
    await peer.wait_event(result["session_id"], "run_completed")
    assert await texts(peer, result["session_id"]) == ["hi", "echo: hi"]
