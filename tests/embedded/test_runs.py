"""What happens within runs: tools, budgets, structured output, pictures, forks; on both runtimes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded.helpers import begin, create, logged, script, texts, turn

if TYPE_CHECKING:
    from tests.embedded.driver import Peer
    from tests.support.runtime import Runtime

TOOLS = [{"name": name, "description": "A tool", "input_schema": {"type": "object"}} for name in ("add", "sub")]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def called(peer: Peer, session_id: str, prompt: str, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Start a turn whose tools are answered so; returns what the history has of the results."""
    request = await peer.ask("turn/start", session_id=session_id, prompt=prompt)
    seen = sum(line.get("method") == "tool/execute" for line in peer.lines)
    for number, answer in enumerate(answers, start=seen + 1):
        asked = await peer.wait_for(lambda line: line.get("method") == "tool/execute", number)
        await peer.send({"jsonrpc": "2.0", "id": asked["id"], **answer})
    assert "result" in await peer.answer(request)
    messages = (await peer.call("session/history", session_id=session_id))["messages"]
    results: list[dict[str, Any]] = messages[-2]["results"]
    return [{"content": result["content"], "is_error": result["is_error"]} for result in results]


def failed(message: str) -> dict[str, Any]:
    text = json.dumps({"error": "execution_failed", "message": f"Tool execution failed: {message}"})
    return {"content": text.replace('": "', '":"').replace('", "', '","'), "is_error": True}


async def test_tools_answer_well_badly_or_not_at_all(peer: Peer) -> None:
    await peer.call("tools/register", tools=TOOLS)
    session = await create(peer)
    both = script({"tool": "add", "args": {"a": 1}}, {"tool": "sub"}, {"text": "done"})

    results = await called(
        peer,
        session,
        both,
        [{"result": {"content": "well"}}, {"result": {"content": "badly", "is_error": True}}],
    )
    assert results == [{"content": "well", "is_error": False}, {"content": "badly", "is_error": True}]

    results = await called(peer, session, both, [{"result": {}}, {"error": {"code": 1, "message": "broke"}}])
    assert results == [{"content": "", "is_error": False}, failed("broke")]

    results = await called(peer, session, both, [{"result": 5}, {"result": {"content": 5}}])
    assert [result["is_error"] for result in results] == [True, True]

    first = next(line for line in peer.lines if line.get("method") == "tool/execute")
    assert first["params"]["name"] == "add"
    assert first["params"]["arguments"] == {"a": 1}
    requested = [item for item in peer.payloads(session) if item["type"] == "tool_call_requested"]
    assert first["params"]["tool_use_id"] == requested[0]["id"]


async def test_a_session_prefers_its_own_tools(peer: Peer) -> None:
    own = {"name": "own", "description": "One of its own", "input_schema": {"type": "object"}}
    session = await create(peer, external_tools=[own])
    other = await create(peer)

    results = await called(peer, session, script({"tool": "own"}, {"text": "x"}), [{"result": {"content": "1"}}])

    assert results == [{"content": "1", "is_error": False}]
    error = await peer.fault("turn/start", session_id=other, prompt=script({"tool": "own"}))
    assert error["message"].endswith("Tool error: Tool not found: own")


@pytest.mark.parametrize(
    ("overlay", "outcome"),
    [
        ({"blocked_tools": ["add"]}, "Tool error: Tool 'add' is not allowed by policy"),
        ({"allowed_tools": ["sub"]}, "Tool error: Tool 'add' is not allowed by policy"),
        ({"allowed_tools": ["none"]}, 'Configuration error: Unknown tool(s) in filter: ["none"]'),
    ],
)
async def test_a_turn_can_be_denied_tools(peer: Peer, overlay: dict[str, Any], outcome: str) -> None:
    await peer.call("tools/register", tools=TOOLS)
    session = await create(peer)

    error = await peer.fault(
        "turn/start", session_id=session, prompt=script({"tool": "add"}), flow_tool_overlay=overlay
    )

    assert error == {"code": -32603, "message": f"turn abandoned: apply failed: Apply failed: agent error: {outcome}"}


async def test_arguments_of_tools_must_be_objects(peer: Peer) -> None:
    await peer.call("tools/register", tools=TOOLS)
    session = await create(peer)

    error = await peer.fault("turn/start", session_id=session, prompt=script({"tool": "add", "args": [1]}))

    assert "tool call arguments must be a JSON object, got array" in error["message"]
    assert "tool_call_requested" not in [payload["type"] for payload in peer.payloads(session)]


async def test_a_budget_of_tokens_ends_a_run_well(peer: Peer) -> None:
    result = await peer.call(
        "session/create", prompt=script({"text": "a b c d e f g"}), budget_limits={"max_tokens": 12}
    )
    assert "terminal_cause_kind" not in result

    result = await turn(peer, result["session_id"], "again")

    assert (result["text"], result["turns"], result["terminal_cause_kind"]) == ("a b c d e f g", 0, "budget_exhausted")
    payloads = peer.payloads(result["session_id"])
    warning = next(payload for payload in payloads if payload["type"] == "budget_warning")
    assert (warning["budget_type"], warning["used"], warning["limit"]) == ("tokens", 15, 12)
    assert [payload["type"] for payload in payloads][-2:] == ["budget_warning", "run_completed"]


async def test_a_budget_of_tool_calls_ends_a_run_well(peer: Peer) -> None:
    await peer.call("tools/register", tools=TOOLS)
    prompt = script({"tool": "add"}, {"tool": "sub"}, {"text": "said"})
    request = await peer.ask("session/create", prompt=prompt, budget_limits={"max_tool_calls": 1})
    for number in (1, 2):
        asked = await peer.wait_for(lambda line: line.get("method") == "tool/execute", number)
        await peer.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"content": "x"}})

    result = (await peer.answer(request))["result"]

    assert (result["text"], result["turns"], result["tool_calls"]) == ("said", 1, 2)
    assert result["terminal_cause_kind"] == "budget_exhausted"
    warning = await peer.wait_event(result["session_id"], "budget_warning")
    assert (warning["budget_type"], warning["used"], warning["limit"]) == ("tool_calls", 2, 1)


async def test_structured_output_is_asked_for_until_it_fits(peer: Peer) -> None:
    prompt = script({"text": "said"}, {"json": {"nam": "x"}}, {"json": "text"}, {"json": {"name": "y"}})

    result = await peer.call("session/create", prompt=prompt, output_schema=SCHEMA)

    assert (result["text"], result["turns"], result["structured_output"]) == ("said", 4, {"name": "y"})
    assert "extraction_error" not in result
    session = result["session_id"]
    succeeded = await peer.wait_event(session, "extraction_succeeded")
    assert succeeded["structured_output"] == {"name": "y"}
    kinds = [payload["type"] for payload in peer.payloads(session)]
    assert kinds[kinds.index("run_completed") + 1 : -1] == ["text_delta"] * (
        len(kinds) - kinds.index("run_completed") - 2
    )
    said = await texts(peer, session)
    assert said[:2] == [prompt, "said"]
    assert [json.loads(text) for text in said[3::2]] == [{"nam": "x"}, "text", {"name": "y"}]
    assert '"name" is a required property' in said[4]
    assert '"text" is not of type "object"' in said[6]


async def test_structured_output_may_never_fit(peer: Peer) -> None:
    schema = {"schema": SCHEMA, "name": "wrapped", "strict": True}

    result = await peer.call(
        "session/create",
        prompt=script({"text": "said"}, {"json": 5}),
        output_schema=schema,
        structured_output_retries=0,
    )

    fault = {
        "last_output": "said",
        "attempts": 1,
        "reason": 'Schema validation failed: 5 is not of type "object"',
    }
    assert result["extraction_error"] == fault
    assert result["turns"] == 2
    payload = await peer.wait_event(result["session_id"], "extraction_failed")
    assert {key: payload[key] for key in fault} == fault


@pytest.mark.parametrize("schema", [5, "text", [], {"schema": 5}])
async def test_an_output_schema_is_an_object(peer: Peer, schema: Any) -> None:
    error = await peer.fault("session/create", prompt="x", output_schema=schema)
    assert error["code"] == -32602
    assert error["message"].startswith("Invalid output_schema: ")


@pytest.mark.parametrize(
    ("finish", "stop_reason"), [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "content_filter")]
)
async def test_the_model_says_why_it_stops(peer: Peer, finish: str, stop_reason: str) -> None:
    session = await create(peer, script({"text": "cut"}, {"finish": finish}))

    assert (await peer.wait_event(session, "turn_completed"))["stop_reason"] == stop_reason
    messages = (await peer.call("session/history", session_id=session))["messages"]
    assert messages[-1]["stop_reason"] == stop_reason


async def test_silence_is_an_answer_too(peer: Peer) -> None:
    result = await peer.call("session/create", prompt=script({"finish": "stop"}))

    assert result["text"] == ""
    await peer.wait_event(result["session_id"], "run_completed")
    kinds = [payload["type"] for payload in peer.payloads(result["session_id"])]
    assert kinds == ["run_started", "turn_started", "turn_completed", "run_completed"]
    messages = (await peer.call("session/history", session_id=result["session_id"]))["messages"]
    assert messages[-1]["blocks"] == []


async def test_reasoning_comes_before_text_in_the_history(peer: Peer) -> None:
    session = await create(peer, script({"reason": "hm"}, {"text": "so"}))

    messages = (await peer.call("session/history", session_id=session))["messages"]
    assert [block["block_type"] for block in messages[-1]["blocks"]] == ["reasoning", "text"]
    kinds = [payload["type"] for payload in peer.payloads(session)]
    assert kinds[2:6] == ["reasoning_delta", "text_delta", "reasoning_complete", "text_complete"]


async def test_pictures_keep_a_prompt_in_blocks_and_become_blobs(peer: Peer) -> None:
    picture = {"type": "image", "media_type": "image/png", "source": "inline", "data": PIXEL}
    around = [{"type": "text", "text": "a"}, picture, {"type": "text", "text": "b"}]

    session = await create(peer, around)

    assert peer.payloads(session)[0]["prompt"] == around
    content = (await peer.call("session/history", session_id=session, offset=1, limit=1))["messages"][0]["content"]
    assert content[0] == around[0]
    assert content[2] == around[2]
    assert content[1].keys() == {"type", "media_type", "source", "blob_id"}
    blob = await peer.call("blob/get", blob_id=content[1]["blob_id"])
    assert blob == {"blob_id": content[1]["blob_id"], "media_type": "image/png", "data": PIXEL}
    assert (await peer.fault("blob/get", blob_id="none"))["message"] == "blob not found: none"


@pytest.mark.parametrize(
    ("prompt", "text"),
    [([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"), ([], ""), ("", "")],
)
async def test_text_blocks_become_one_string(peer: Peer, prompt: Any, text: str) -> None:
    session = await create(peer, prompt)
    assert peer.payloads(session)[0]["prompt"] == text


async def test_videos_are_refused(peer: Peer) -> None:
    video = {"type": "video", "media_type": "video/mp4", "duration_ms": 1, "source": "inline", "data": "AAAA"}
    error = await peer.fault("session/create", prompt=[video])
    assert error == {
        "code": -32602,
        "message": "inline video input is not supported by model 'fake' on provider 'self_hosted' "
        "(capability: inline_video, reason: capability_disabled)",
    }


async def test_a_fork_begins_with_what_was_before(peer: Peer) -> None:
    session = await create(peer, labels={"a": "b"})

    fork = await peer.call("session/fork_at", session_id=session, message_index=2, running_behavior="reject")

    assert (fork["source_session_id"], fork["message_count"]) == (session, 2)
    described = await peer.call("session/read", session_id=fork["session_id"])
    assert (described["labels"], described["message_count"]) == ({"a": "b"}, 2)
    assert (await peer.fault("session/stream_open", session_id=fork["session_id"]))["code"] == -32602
    await turn(peer, fork["session_id"], "other")
    assert await texts(peer, fork["session_id"]) == ["hi", "other", "echo: other"]
    assert await texts(peer, session) == ["hi", "echo: hi"]
    assert peer.events(fork["session_id"])[0]["seq"] == 1


async def test_a_fork_can_replace_its_last_message(peer: Peer) -> None:
    session = await create(peer)

    async def replaced(index: int, **replacement: Any) -> list[Any]:
        fork = await peer.call("session/fork_replace", session_id=session, message_index=index, replacement=replacement)
        return await texts(peer, fork["session_id"])

    async def refused(index: int, **replacement: Any) -> str:
        error = await peer.fault(
            "session/fork_replace", session_id=session, message_index=index, replacement=replacement
        )
        assert error["code"] == -32602
        message: str = error["message"]
        return message

    text = {"block_type": "text", "data": {"text": "new"}}
    message = {"role": "user", "content": "new", "created_at": "2026-01-01T00:00:00Z"}
    assert await replaced(1, type="message", message=message) == ["new"]
    assert await replaced(2, type="message", message=message) == ["hi", "new"]
    assert await replaced(2, type="assistant_block", block_index=0, block=text) == ["hi", "new"]
    block = {"type": "text", "text": "new"}
    assert await replaced(1, type="user_content_block", block_index=0, block=block) == ["new"]
    prefix = "agent error: Configuration error: "
    assert await refused(2, type="user_content_block", block_index=0, block=block) == (
        prefix + "replacement expected user at message index 2, found block_assistant"
    )
    assert await refused(1, type="assistant_block", block_index=0, block=text) == (
        prefix + "replacement expected block_assistant at message index 1, found user"
    )
    assert await refused(2, type="assistant_block", block_index=5, block=text) == (
        prefix + "assistant block index 5 out of bounds for 1 blocks"
    )
    assert await refused(9, type="message", message=message) == (
        prefix + "message index 9 out of bounds for 3 messages"
    )
    assert (await refused(1, type="nonsense")).startswith("Invalid params: ")


async def test_a_deferred_session_cannot_be_forked(peer: Peer) -> None:
    session = await create(peer, initial_turn="deferred")
    error = await peer.fault("session/fork_at", session_id=session, message_index=0)
    assert error["code"] == -32002
    assert "is not materialized" in error["message"]


async def test_state_outlives_the_process(runtime: Runtime) -> None:
    async with begin(runtime) as peer:
        session = await create(peer, labels={"a": "b"})
        await peer.call("session/inject_context", session_id=session, text="x", idempotency_key="k")
        deferred = await create(peer, initial_turn="deferred")
        archived = await create(peer)
        await peer.call("session/archive", session_id=archived)
        await peer.call("config/patch", patch={"agent": {"max_turns": 7}})
        events = await logged(peer, session, 7)

    async with begin(runtime) as peer:
        listed = (await peer.call("session/list"))["sessions"]
        assert [item["session_id"] for item in listed] == [session]
        assert (listed[0]["labels"], listed[0]["total_tokens"]) == ({"a": "b"}, 5)
        assert (await peer.fault("session/read", session_id=deferred))["code"] == -32001
        assert (await peer.fault("turn/start", session_id=archived, prompt="x"))["code"] == -32001
        config = await peer.call("config/get")
        assert (config["generation"], config["config"]["agent"]["max_turns"]) == (1, 7)
        assert await logged(peer, session, 7) == events
        assert (await peer.fault("session/stream_open", session_id=session))["code"] == -32602
        duplicate = await peer.call("session/inject_context", session_id=session, text="x", idempotency_key="k")
        assert duplicate == {"status": "duplicate"}

        result = await turn(peer, session, "later")

        assert result["usage"]["total_tokens"] == 10
        assert await texts(peer, session) == ["hi", "echo: hi", "later", "echo: later"]
        assert peer.events(session)[0]["seq"] == 1
        await logged(peer, session, 14)


async def test_events_are_replayed_in_pages(peer: Peer) -> None:
    session = await create(peer)
    await logged(peer, session, 7)
    other = await create(peer, initial_turn="deferred")
    scope = {"type": "session", "session_id": session}

    async def page(**params: Any) -> tuple[list[int], bool]:
        found = await peer.call("events/list_since", scope=scope, **params)
        return [event["cursor"]["sequence"] for event in found.get("events", [])], found["has_more"]

    assert await page() == ([1, 2, 3, 4, 5, 6, 7], False)
    assert await page(limit=0) == ([1], True)
    assert await page(limit=2, cursor={"scope": scope, "sequence": 4}) == ([5, 6], True)
    assert await page(cursor={"scope": scope, "sequence": 7}) == ([], False)
    ahead = await peer.fault("events/list_since", scope=scope, cursor={"scope": scope, "sequence": 8})
    assert ahead == {"code": -32602, "message": "event replay cursor sequence 8 is ahead of latest sequence 7"}
    foreign = {"scope": {"type": "session", "session_id": other}, "sequence": 0}
    mismatch = await peer.fault("events/list_since", scope=scope, cursor=foreign)
    assert mismatch == {"code": -32602, "message": "event replay cursor scope does not match requested scope"}
    replayed = await peer.call("events/list_since", scope=scope)
    assert [item["event"] for item in replayed["events"]] == peer.payloads(session)


async def test_closing_a_subscription(peer: Peer) -> None:
    session = await create(peer)
    stream = (await peer.call("session/stream_open", session_id=session))["stream_id"]

    assert await peer.call("session/stream_close", stream_id=stream) == {
        "stream_id": stream,
        "closed": True,
        "already_closed": False,
    }
    assert (await peer.call("session/stream_close", stream_id=stream))["already_closed"] is True
    end = await peer.wait_for(lambda line: line.get("method") == "session/stream_end")
    assert end["params"]["outcome"] == "explicit_close"
    await turn(peer, session, "next")
    assert peer.stream_events(stream) == []
    assert (await peer.fault("session/stream_close", stream_id="bad"))["message"] == "Invalid stream_id: bad"
