"""Sessions and turns, on both runtimes and both backends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    DeadlineExceededError,
    InvalidArgumentError,
    InvalidParamsError,
    MeerkatError,
    RequestCancelledError,
    RunResult,
    Session,
    SessionNotFoundError,
    StreamNotConsumedError,
    TextBlock,
    TextDelta,
    TurnFailedError,
    to_builtins,
)
from tests.e2e.conftest import LIMIT

if TYPE_CHECKING:
    from meerkat import MeerkatClient

NOBODY = "00000000-0000-0000-0000-000000000000"


def script(*steps: dict[str, Any]) -> str:
    """A prompt that tells the model what to do."""
    return json.dumps({"script": list(steps)})


async def test_a_session_answers_and_remembers(client: MeerkatClient) -> None:
    session = await client.create_session("hello world")
    assert session.text == "echo: hello world"
    result = await session.turn("and again")
    assert result.text == "echo: and again"
    assert session.last_result is result
    assert result["session_id"] == session.id == result.session_id
    assert result.get("structured_output") is None
    assert session.ref is not None
    assert session.ref.endswith(session.id)
    assert (result.turns, result.tool_calls) == (1, 0)
    assert result.usage.input_tokens > 0
    assert to_builtins(result)["usage"]["input_tokens"] == result.usage.input_tokens

    history = await session.history()
    texts = [json.dumps(to_builtins(message)) for message in history.messages]
    for text in ("hello world", "echo: hello world", "and again", "echo: and again"):
        assert any(text in message for message in texts), (text, texts)
    assert history.message_count == len(history.messages)


async def test_reading_and_listing(client: MeerkatClient) -> None:
    one = await client.create_session("one", labels={"team": "a", "kind": "x"})
    await client.create_session("two", labels={"team": "b"})
    details = await client.read_session(one.id)
    assert details.session_id == one.id
    assert details.labels == {"team": "a", "kind": "x"}
    assert details.last_assistant_text == "echo: one"
    assert details.message_count > 0
    assert details.created_at > 1_500_000_000
    assert details.model
    assert details.provider
    (summary,) = await client.list_sessions(labels={"team": "a"})
    assert summary.session_id == one.id
    assert summary.labels == details.labels
    assert summary.total_tokens > 0
    assert len(await client.list_sessions()) == 2
    assert len(await client.list_sessions(limit=1)) == 1
    assert len(await client.list_sessions(offset=1, limit=5)) == 1
    assert await client.list_sessions(labels={"team": "nobody"}) == []


async def test_history_by_pages(client: MeerkatClient) -> None:
    session = await client.create_session("one")
    await session.turn("two")
    whole = await session.history()
    first = await session.history(limit=2)
    rest = await session.history(offset=2)
    assert [to_builtins(m) for m in [*first.messages, *rest.messages]] == [to_builtins(m) for m in whole.messages]
    assert first.has_more
    assert not rest.has_more


async def test_a_deferred_session(client: MeerkatClient) -> None:
    session = await client.create_deferred_session("first part")
    assert (await client.list_sessions())[0].session_id == session.id
    result = await session.start_turn("second part")
    assert result.text == "echo: first part\n\nsecond part"
    assert (await session.as_session().turn("third")).text == "echo: third"


async def test_content_blocks(client: MeerkatClient) -> None:
    session = await client.create_session([TextBlock(text="typed"), {"type": "text", "text": "plain"}])
    assert session.text == "echo: typed\nplain"


@pytest.mark.requirement("C05")
async def test_a_failed_turn_says_why_and_the_session_goes_on(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    with pytest.raises(TurnFailedError) as caught:
        await session.turn(script({"status": 400}))
    error = caught.value
    assert error.code == -32603
    assert error.method == "turn/start"
    assert error.report is not None
    assert error.report.class_ == "llm"
    assert error.report.message
    assert "turn/start" in str(error)
    assert (await session.turn("still there")).text == "echo: still there"


@pytest.mark.requirement("C04")
async def test_what_is_not_there(client: MeerkatClient) -> None:
    with pytest.raises(SessionNotFoundError) as caught:
        await client.session(NOBODY).turn("x")
    assert caught.value.code == -32001
    with pytest.raises(SessionNotFoundError):
        await client.read_session(NOBODY)
    with pytest.raises(SessionNotFoundError):
        await client.read_session_history(NOBODY)
    with pytest.raises(InvalidParamsError):
        await client.read_session("not a session id")
    with pytest.raises(InvalidParamsError):
        await client.get_blob("no such blob")


@pytest.mark.requirement("C04")
async def test_an_archived_session_can_be_read_and_takes_no_turns(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    await session.archive()
    assert (await session.read()).session_id == session.id
    assert (await session.history()).messages
    with pytest.raises(SessionNotFoundError):
        await session.turn("again")
    with pytest.raises(SessionNotFoundError):
        await session.archive()


async def test_interrupt(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    await session.interrupt()  # an idle session is no failure
    outcome: list[BaseException] = []

    async def turn() -> None:
        try:
            await session.turn(script({"text": "begun"}, {"sleep": 50}, {"text": "never"}))
        except MeerkatError as error:
            outcome.append(error)

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group, await session.subscribe_events() as events:
            group.start_soon(turn)
            async for event in events:
                if isinstance(event, TextDelta):
                    break
            await session.interrupt()
    assert isinstance(outcome[0], RequestCancelledError)
    assert outcome[0].code == -32005
    assert (await session.turn("next")).text == "echo: next"


@pytest.mark.requirement("C01", "C02")
async def test_a_deadline_cancels_the_turn_in_the_runtime(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        with pytest.raises(DeadlineExceededError):
            await client.with_timeout(0.3).start_turn(session.id, script({"sleep": 50}))
        # The runtime gave it up: otherwise this one would wait for it.
        assert (await session.turn("next")).text == "echo: next"


@pytest.mark.requirement("C01")
async def test_a_cancelled_create_leaves_no_session(client: MeerkatClient) -> None:
    with anyio.fail_after(LIMIT):
        with anyio.move_on_after(0.3) as scope:
            await client.create_session(script({"sleep": 50}))
        assert scope.cancelled_caught
        await client.create_session("other")
        assert [s.message_count > 0 for s in await client.list_sessions()] == [True]


@pytest.mark.requirement("C11")
async def test_sessions_run_at_the_same_time_and_turns_of_one_do_not(client: MeerkatClient) -> None:
    one = await client.create_session("one")
    two = await client.create_session("two")
    done: list[str] = []

    async def turn(session: Session, text: str, wait: float) -> None:
        result = await session.turn(script({"sleep": wait}, {"text": text}))
        done.append(result.text)

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            group.start_soon(turn, one, "slow", 1.0)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(turn, one, "after", 0.0)
            group.start_soon(turn, two, "beside", 0.0)
    assert done.index("beside") < done.index("slow") < done.index("after")


@pytest.mark.requirement("S02", "S03")
async def test_many_sessions_with_the_same_words_at_once(client: MeerkatClient) -> None:
    """Equal prompts in flight could not be told apart; each session must get its own events all the same."""
    seen: dict[str, set[str]] = {}

    async def one(number: int) -> None:
        async with client.create_session_streaming("same words") as events:
            ids = {events.session_id async for _ in events}
        seen[events.result.session_id] = ids

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(one, number)
    assert len(seen) == 4
    assert all(ids == {session_id} for session_id, ids in seen.items())


async def test_forks(client: MeerkatClient) -> None:
    session = await client.create_session("one")
    await session.turn("two")
    count = (await session.history()).message_count
    fork = await session.fork_at(count - 2)
    assert fork.source_session_id == session.id
    assert (await client.read_session_history(fork.session_id)).message_count == count - 2
    result = await client.session(fork.session_id).turn("elsewhere")
    assert result.text == "echo: elsewhere"
    assert (await session.history()).message_count == count


async def test_context_and_events_from_outside(client: MeerkatClient) -> None:
    session = await client.create_session("one")
    first = await session.inject_context("remember this", "notes", "key-1")
    assert first.status in {"applied", "staged"}
    assert (await client.inject_context(session.id, "remember this", "notes", "key-1")).status == "duplicate"
    outcome = await client.send_external_event(session.id, "webhook", {"n": 1})
    assert outcome.outcome_type == "accepted"
    # The event waits and joins the next turn.
    result = await session.turn("go on")
    assert result.text.startswith("echo: [EVENT via")
    assert result.text.endswith("go on")


async def test_help(client: MeerkatClient) -> None:
    result = await client.ask_help("How do I start?")
    assert isinstance(result, RunResult)
    assert result.text


@pytest.mark.requirement("C03", "C12")
async def test_raw_calls(client: MeerkatClient) -> None:
    await client.create_session("one")
    raw = await client.call("session/list", {"limit": 1})
    assert len(raw["sessions"]) == 1
    with pytest.raises(MeerkatError) as caught:
        await client.call("no/such_method")
    assert caught.value.code == -32601
    with pytest.raises(SessionNotFoundError):
        await client.call("session/read", {"session_id": NOBODY})


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"session_id": 5, "prompt": "x"}, r"\$\.session_id"),
        ({"session_id": NOBODY, "prompt": [{"type": "nonsense"}]}, r"\$\.prompt"),
        ({"session_id": NOBODY, "prompt": "\ud800"}, r"\$\.prompt"),
        (
            {"session_id": NOBODY, "prompt": "x", "provider_params": {"a": [float("nan")]}},
            r"\$\.provider_params\.a\[0\]",
        ),
        ({"session_id": NOBODY, "prompt": "x", "provider_params": {"a": object()}}, r"\$\.provider_params\.a"),
        ({"session_id": NOBODY, "prompt": "x", "no_such_option": 1}, "no_such_option"),
    ],
)
@pytest.mark.requirement("C06")
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    client: MeerkatClient, params: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=path):
        await client.start_turn(**params)


async def test_a_handle_without_a_result_says_so(client: MeerkatClient) -> None:
    with pytest.raises(StreamNotConsumedError):
        _ = client.session(NOBODY).text
