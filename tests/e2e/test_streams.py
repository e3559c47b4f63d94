"""Streams and subscriptions, on both runtimes and both backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    DeadlineExceededError,
    EventGap,
    EventsSnapshotBodySession,
    MeerkatClient,
    RequestCancelledError,
    RunCompleted,
    RunFailed,
    RunStarted,
    StreamNotConsumedError,
    StreamNotOpenError,
    StreamOverflowError,
    TextComplete,
    TextDelta,
    ToolCallRequested,
    TurnCompleted,
    TurnFailedError,
    TurnStarted,
)
from tests.e2e.conftest import LIMIT, connect, make_client
from tests.e2e.test_sessions import script

if TYPE_CHECKING:
    from tests.support.runtime import Runtime


@pytest.mark.requirement("S01", "S12")
async def test_a_stream_gives_typed_events_in_order(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    stream = session.stream("one two")
    with pytest.raises(StreamNotConsumedError):
        _ = stream.result
    text = ""
    kinds: list[type[object]] = []
    async with stream as events:
        async for event in events:
            kinds.append(type(event))
            match event:
                case TextDelta(delta=chunk):
                    text += chunk
                case RunStarted(prompt=prompt):
                    assert prompt == "one two"
                case _:
                    pass
    assert text == events.result.text == "echo: one two"
    assert session.last_result is events.result
    assert kinds == [RunStarted, TurnStarted, *[TextDelta] * 3, TextComplete, TurnCompleted, RunCompleted]
    assert events.session_id == session.id


@pytest.mark.requirement("S02")
async def test_create_streaming_knows_its_session_from_the_first_event(client: MeerkatClient) -> None:
    stream = client.create_session_streaming("one two")
    assert stream.session_id == ""
    async with stream as events:
        first = await anext(events)
        assert isinstance(first, RunStarted)
        assert events.session_id == first.session_id
        result = await events.collect()
    assert result.session_id == first.session_id
    assert (await client.session(result.session_id).turn("more")).text == "echo: more"


@pytest.mark.requirement("S01")
async def test_events_come_while_the_turn_runs(client: MeerkatClient) -> None:
    """The first text is here long before the end."""
    async with client.create_session_streaming(script({"text": "begun "}, {"sleep": 50}, {"text": "never"})) as events:
        with anyio.fail_after(LIMIT / 2):
            async for event in events:
                if isinstance(event, TextDelta):
                    break


async def test_collecting(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    assert (await session.stream("one").collect()).text == "echo: one"
    text, result = await session.stream(script({"deltas": 500})).collect_text()
    assert text == result.text
    assert len(text.split()) == 500


async def test_batches_hold_all_events(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    text = ""
    async with session.stream(script({"deltas": 300})) as events:
        while batch := await events.batches():
            text += "".join(event.delta for event in batch if isinstance(event, TextDelta))
    assert text == events.result.text


@pytest.mark.requirement("S09", "S13")
async def test_a_burst_is_delivered_whole_or_its_gaps_are_told(client: MeerkatClient) -> None:
    """Most of a burst comes after the answer; what the runtime drops shows as a gap, and the text is whole."""
    session = await client.create_session("hello")
    count = 2000
    deltas = missing = 0
    last: object = None
    with anyio.fail_after(LIMIT):
        async with session.stream(script({"deltas": count})) as events:
            async for event in events:
                deltas += isinstance(event, TextDelta)
                missing += event.missing if isinstance(event, EventGap) else 0
                last = event
    assert isinstance(last, RunCompleted)
    assert count - missing <= deltas <= count
    assert len(events.result.text.split()) == count


async def test_tools_in_a_stream(client: MeerkatClient) -> None:
    @client.tool("weather", description="Tell the weather")
    async def weather(arguments: dict[str, Any]) -> str:
        return f"sunny in {arguments['city']}"

    async with client.create_session_streaming(
        script({"tool": "weather", "args": {"city": "Oslo"}}, {"text": "done"})
    ) as events:
        calls = [event async for event in events if isinstance(event, ToolCallRequested)]
    assert [(call.name, call.args) for call in calls] == [("weather", {"city": "Oslo"})]
    assert events.result.tool_calls == 1


@pytest.mark.requirement("C05", "S12")
async def test_a_failed_turn_ends_the_stream_with_its_error(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    seen: list[object] = []
    events = session.stream(script({"status": 400}))
    with pytest.raises(TurnFailedError) as caught:  # noqa: PT012  # the stream must be drained inside
        async with events:
            while batch := await events.batches():
                seen += batch
    assert isinstance(seen[-1], RunFailed)
    assert caught.value.report == seen[-1].error_report
    with pytest.raises(StreamNotConsumedError):
        _ = events.result
    assert (await session.stream("next").collect()).text == "echo: next"


@pytest.mark.requirement("S06")
async def test_leaving_a_stream_cancels_the_turn(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        async with session.stream(script({"text": "begun"}, {"sleep": 50})) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        assert (await session.turn("next")).text == "echo: next"


@pytest.mark.requirement("S06")
async def test_an_exception_in_the_block_passes_and_cancels_the_turn(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  # raised by the body itself
            async with session.stream(script({"text": "begun"}, {"sleep": 50})) as events:
                await anext(events)
                raise ZeroDivisionError
        assert (await session.turn("next")).text == "echo: next"


@pytest.mark.requirement("S06")
async def test_a_turn_can_be_left_alone(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        async with session.stream(script({"sleep": 0.5}, {"text": "finished alone"}), cancel_on_exit=False) as events:
            await anext(events)
        await session.turn("next")
    history = str((await session.history()).messages)
    assert "finished alone" in history


@pytest.mark.requirement("S11")
async def test_an_interrupted_stream_ends(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        with pytest.raises(RequestCancelledError):  # noqa: PT012  # the stream must be drained inside
            async with session.stream(script({"text": "begun"}, {"sleep": 50})) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        await session.interrupt()


@pytest.mark.requirement("C02", "S06")
async def test_a_stream_with_a_deadline(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        with pytest.raises(DeadlineExceededError, match=r"0\.5 seconds"):
            await client.with_timeout(0.5).stream_turn(session.id, script({"text": "begun"}, {"sleep": 50})).collect()
        assert (await session.turn("next")).text == "echo: next"


@pytest.mark.requirement("S07")
async def test_misuse_of_a_stream_is_told(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    stream = session.stream("one")
    with pytest.raises(StreamNotOpenError, match="async with"):
        await anext(stream)
    async with stream:
        await stream.collect()
    with pytest.raises(StreamNotOpenError, match="once"):
        async with stream:
            pass
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@pytest.mark.requirement("S08")
async def test_a_slow_consumer_learns_what_it_lost(runtime: Runtime) -> None:
    client = make_client(runtime, stream_buffer_bytes=8_000)
    await connect(client, runtime)
    async with client:
        session = await client.create_session("hello")
        before = (await client.read_session(session.id)).message_count
        with anyio.fail_after(LIMIT):
            with pytest.raises(StreamOverflowError) as caught:  # noqa: PT012  # the stream must be drained inside
                async with session.stream(script({"deltas": 100, "every": 0.001})) as events:
                    # Calls go on while this stream is not read; the run ends with its prompt and its answer kept.
                    while (await client.read_session(session.id)).message_count < before + 2:
                        pass
                    async for _ in events:
                        pass
            assert caught.value.lost > 50
            assert (await session.turn("next")).text == "echo: next"


@pytest.mark.requirement("S04")
async def test_a_subscription_sees_all_turns_and_streams_do_not_share(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    async with await session.subscribe_events() as subscription:
        async with session.stream("one") as events:
            own = [event async for event in events]
        await session.turn("two")
        seen: list[object] = []
        completed = 0
        with anyio.fail_after(LIMIT):
            async for event in subscription:
                seen.append(event)
                completed += isinstance(event, RunCompleted)
                if completed == 2:
                    break
        assert seen[: len(own)] == own
        assert [e.prompt for e in seen if isinstance(e, RunStarted)] == ["one", "two"]
    assert subscription.terminal_outcome is not None
    assert subscription.terminal_outcome.outcome == "explicit_close"
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)
    await subscription.close()


@pytest.mark.requirement("S10")
async def test_a_subscription_ends_with_its_session(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    async with await session.subscribe_events() as subscription:
        await session.archive()
        with anyio.fail_after(LIMIT):
            assert [event async for event in subscription] == []
        assert subscription.terminal_outcome is not None
        assert subscription.terminal_outcome.outcome == "remote_end"


async def test_replaying_events(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    scope = {"type": "session", "session_id": session.id}
    await session.turn("more")
    with anyio.fail_after(LIMIT):
        # The runtime writes its log beside the run: the end of it may come later than the answer.
        while True:
            replay = await client.list_events_since({"scope": scope})
            events = [entry.event for entry in replay.events]
            last = events[-1] if events else None
            if isinstance(last, RunCompleted) and last.result == "echo: more":
                break
    assert [e.prompt for e in events if isinstance(e, RunStarted)] == ["hello", "more"]
    latest = await client.latest_event_cursor({"scope": scope})
    assert latest.cursor.scope == replay.events[-1].cursor.scope
    rest = await client.list_events_since({"scope": scope, "cursor": replay.events[1].cursor, "limit": 2})
    assert [entry.cursor for entry in rest.events] == [entry.cursor for entry in replay.events[2:4]]
    assert rest.has_more
    snapshot = await client.event_snapshot({"scope": scope})
    assert isinstance(snapshot.snapshot, EventsSnapshotBodySession)
    assert snapshot.snapshot.session.session_id == session.id
