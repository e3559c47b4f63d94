"""Handles against a runtime with prepared answers: channels that open, events that overtake, subscriptions that end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    AttributedEvent,
    EventSourceIdentitySession,
    LiveChannel,
    LiveTransportBootstrapWebsocket,
    MeerkatError,
    RuntimeExitedError,
    ScopedEvent,
    SubscriptionEndedError,
    TextDelta,
    UnknownEvent,
    parse_event,
)
from tests.support.answers import Answers, notification, result

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 30
SESSION = "018f0000-0000-7000-8000-000000000001"
CHANNEL = "018f0000-0000-7000-8000-000000000002"
STREAM = "018f0000-0000-7000-8000-000000000003"

OPENED = {
    "channel_id": CHANNEL,
    "transport": {"transport": "websocket", "url": "ws://127.0.0.1:1/live/ws", "token": "t"},
    "capabilities": {
        "audio_in": True, "audio_out": True, "text_in": True, "text_out": True, "image_in": False, "video_in": False,
        "transcript_supported": True, "barge_in_supported": True, "provider_native_resume": False,
    },
    "continuity": {"mode": "fresh"},
}  # fmt: skip
LIVE = {
    "live/open": [result(OPENED)],
    "live/status": [result({"channel_id": CHANNEL, "status": {"status": "ready"}})],
    "live/send_input": [result({"sent": True})],
    "live/commit_input": [result({"committed": True})],
    "live/interrupt": [result({"interrupted": True})],
    "live/truncate": [result({"truncated": True})],
    "live/refresh": [result({"status": "queued", "refresh_enqueued": True})],
    "live/close": [result({"closed": True})],
}


def envelope(payload: dict[str, Any], seq: int = 1) -> dict[str, Any]:
    """An event as it is on the wire."""
    return {
        "event_id": f"e{seq}",
        "source": {"type": "session", "session_id": SESSION},
        "source_id": f"session:{SESSION}",
        "seq": seq,
        "timestamp_ms": 1_751_900_000_123,
        "payload": payload,
    }


def delta(text: str, seq: int = 1) -> dict[str, Any]:
    return envelope({"type": "text_delta", "delta": text}, seq)


def of_member(identity: str, event: dict[str, Any]) -> dict[str, Any]:
    """An event with the member that it happened with."""
    return {
        "source": {"identity": identity, "generation": 0},
        "source_fence_token": 1,
        "role": "worker",
        "envelope": event,
    }


def on_stream(event: dict[str, Any], sequence: int = 1, stream_id: str = STREAM) -> dict[str, Any]:
    params = {"stream_id": stream_id, "sequence": sequence, "event": event}
    return notification("mob/stream_event", params)


def end_of_stream(**more: Any) -> dict[str, Any]:
    return notification("mob/stream_end", {"stream_id": STREAM, "ended": True, "outcome": "remote_end", **more})


OPEN_STREAM = result({"stream_id": STREAM, "opened": True})
CLOSE_STREAM = result({"stream_id": STREAM, "closed": True, "already_closed": False})


async def test_a_live_channel_from_end_to_end(tmp_path: Path) -> None:
    runtime = Answers(tmp_path, LIVE)
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            channel = LiveChannel.session(client, SESSION, turning_mode="explicit_commit")
            assert (channel.client, channel.session_id, channel.channel_id) == (client, SESSION, None)
            opened = await channel.open()
            assert isinstance(opened.transport, LiveTransportBootstrapWebsocket)
            assert opened["channel_id"] == channel.channel_id == CHANNEL
            assert opened.capabilities.audio_in
            assert (await channel.send_input_text("hello")).sent
            assert (await channel.send_input_audio("AAAA", 24_000, 1)).sent
            assert (await channel.send_input_image("image/png", "AAAA")).sent
            assert (await channel.send_input_video_frame("jpeg", "AAAA", 40)).sent
            assert (await channel.commit_input(response_modality="text")).committed
            assert (await channel.commit_input()).committed
            assert (await channel.status()).status["status"] == "ready"
            assert (await channel.interrupt()).interrupted
            assert (await channel.truncate("item", 0, 100)).truncated
            assert (await channel.refresh()).status == "queued"
            assert (await channel.close()).closed
            assert channel.channel_id == CHANNEL
            assert (await channel.status()).channel_id == CHANNEL
    mine = {"channel_id": CHANNEL}
    assert runtime.requests() == [
        ("live/open", {"session_id": SESSION, "turning_mode": "explicit_commit"}),
        ("live/send_input", {**mine, "chunk": {"kind": "text", "text": "hello"}}),
        (
            "live/send_input",
            {**mine, "chunk": {"kind": "audio", "data": "AAAA", "sample_rate_hz": 24_000, "channels": 1}},
        ),
        ("live/send_input", {**mine, "chunk": {"kind": "image", "mime": "image/png", "data": "AAAA"}}),
        (
            "live/send_input",
            {**mine, "chunk": {"kind": "video_frame", "codec": "jpeg", "data": "AAAA", "timestamp_ms": 40}},
        ),
        ("live/commit_input", {**mine, "response_modality": {"modality": "text"}}),
        ("live/commit_input", mine),
        ("live/status", mine),
        ("live/interrupt", mine),
        ("live/truncate", {**mine, "item_id": "item", "content_index": 0, "audio_played_ms": 100}),
        ("live/refresh", mine),
        ("live/close", mine),
        ("live/status", mine),
    ]


async def test_a_live_channel_as_a_block(tmp_path: Path) -> None:
    runtime = Answers(tmp_path, LIVE)
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            async with LiveChannel(client, SESSION) as channel:
                assert channel.channel_id == CHANNEL
                assert CHANNEL in repr(channel)
            with pytest.raises(RuntimeError, match="of the body"):
                async with channel:
                    raise RuntimeError("of the body")
            async with channel:
                await channel.close()
    methods = [method for method, _ in runtime.requests()]
    assert methods == ["live/open", "live/close"] * 3
    assert runtime.requests()[0] == ("live/open", {"session_id": SESSION})


async def test_a_fault_in_closing_does_not_hide_that_of_the_body(tmp_path: Path) -> None:
    refusal = {"jsonrpc": "2.0", "id": "$id", "error": {"code": -32603, "message": "cannot close"}}
    runtime = Answers(tmp_path, {**LIVE, "live/close": [refusal]})
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            with pytest.raises(RuntimeError, match="of the body"):
                async with LiveChannel(client, SESSION):
                    raise RuntimeError("of the body")
            with pytest.raises(MeerkatError, match="cannot close"):
                async with LiveChannel(client, SESSION):
                    pass


@pytest.mark.requirement("S03")
async def test_events_of_a_mob_that_overtake_the_answer_are_not_lost(tmp_path: Path) -> None:
    early = [on_stream(of_member("ada", delta("one", 1)), 1), on_stream(of_member("bob", delta("two", 1)), 2)]
    table = {
        "mob/stream_open": [*early, OPEN_STREAM, on_stream(of_member("ada", delta("three", 2)), 3), end_of_stream()]
    }
    runtime = Answers(tmp_path, table)
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client, await client.subscribe_mob_events("team") as events:
            items = [item async for item in events if isinstance(item, AttributedEvent)]
            assert [item async for item in events] == []
    assert [(item.source.identity, item.envelope.payload) for item in items] == [
        ("ada", TextDelta(delta="one")),
        ("bob", TextDelta(delta="two")),
        ("ada", TextDelta(delta="three")),
    ]
    assert isinstance(items[0].envelope.source, EventSourceIdentitySession)
    assert events.terminal_outcome is not None
    assert events.terminal_outcome.outcome == "remote_end"
    assert runtime.requests()[0] == ("mob/stream_open", {"mob_id": "team"})


async def test_events_of_a_member_come_without_their_envelope(tmp_path: Path) -> None:
    runtime = Answers(tmp_path, {"mob/stream_open": [OPEN_STREAM, on_stream(delta("one")), end_of_stream()]})
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client, await client.mob("team").member("ada").events() as events:
            assert [event async for event in events] == [TextDelta(delta="one")]
    assert runtime.requests()[0] == ("mob/stream_open", {"mob_id": "team", "agent_identity": "ada"})


@pytest.mark.requirement("S05")
async def test_events_of_a_newer_runtime_are_values(tmp_path: Path) -> None:
    new = envelope({"type": "daydream", "about": ["sheep"]}, 1)
    broken = envelope({"type": "text_delta", "delta": 5}, 2)
    table = {
        "mob/stream_open": [
            OPEN_STREAM,
            on_stream({**of_member("ada", {**new, "more": 1}), "more": 2}, 1),
            on_stream(of_member("ada", broken), 2),
            end_of_stream(),
        ]
    }
    with anyio.fail_after(LIMIT):
        async with Answers(tmp_path, table).client() as client, await client.subscribe_mob_events("team") as events:
            payloads = [item.envelope.payload async for item in events if isinstance(item, AttributedEvent)]
    assert all(isinstance(payload, UnknownEvent) for payload in payloads)
    assert [(p.type, p.data) for p in payloads if isinstance(p, UnknownEvent)] == [
        ("daydream", {"type": "daydream", "about": ["sheep"]}),
        ("text_delta", {"type": "text_delta", "delta": 5}),
    ]


@pytest.mark.requirement("S10")
async def test_a_subscription_to_a_mob_that_fails_says_why(tmp_path: Path) -> None:
    failure = {"outcome": "terminal_error", "error": {"code": "stream_queue_overflow", "message": "too slow"}}
    runtime = Answers(tmp_path, {"mob/stream_open": [OPEN_STREAM, end_of_stream(**failure)]})
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client, await client.subscribe_mob_events("team") as events:
            with pytest.raises(SubscriptionEndedError, match="too slow"):
                await anext(events)
            assert [item async for item in events] == []


@pytest.mark.parametrize("order", ["notice first", "answer first"])
async def test_closing_waits_for_the_notice_of_the_end(tmp_path: Path, order: str) -> None:
    end = end_of_stream(outcome="explicit_close")
    closing = [end, CLOSE_STREAM] if order == "notice first" else [CLOSE_STREAM, end]
    runtime = Answers(tmp_path, {"mob/stream_open": [OPEN_STREAM], "mob/stream_close": closing})
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            events = await client.subscribe_mob_events("team")
            await events.close()
            assert events.terminal_outcome is not None
            assert events.terminal_outcome.outcome == "explicit_close"
            await events.close()
    assert [method for method, _ in runtime.requests()] == ["mob/stream_open", "mob/stream_close"]


async def test_closing_goes_on_without_a_notice_of_the_end(tmp_path: Path) -> None:
    runtime = Answers(tmp_path, {"mob/stream_open": [OPEN_STREAM], "mob/stream_close": [CLOSE_STREAM]})
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            events = await client.subscribe_mob_events("team")
            await events.close()
            assert events.terminal_outcome is None
            assert [item async for item in events] == []


@pytest.mark.requirement("C12", "C08")
async def test_a_method_that_the_contract_does_not_list_can_be_called(tmp_path: Path) -> None:
    """What is given is sent as it is, and what comes back is not interpreted."""
    answered = {"novel": [1, None, {"a": ""}], "session_id": 5}
    refusal = {"jsonrpc": "2.0", "id": "$id", "error": {"code": -31999, "message": "not today", "data": [1]}}
    table = {"novel/method": [result(answered)], "novel/nothing": [result(None)], "novel/refusal": [refusal]}
    runtime = Answers(tmp_path, table)
    given: dict[str, Any] = {"text": "", "number": 0, "flag": False, "list": [], "object": {}, "nothing": None}
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            assert await client.call("novel/method", given) == answered
            assert await client.call("novel/nothing") is None
            with pytest.raises(MeerkatError, match="not today") as caught:
                await client.call("novel/refusal", {})
            assert type(caught.value) is MeerkatError
            assert (caught.value.code, caught.value.details, caught.value.method) == (-31999, [1], "novel/refusal")
    assert runtime.requests() == [("novel/method", given), ("novel/nothing", {}), ("novel/refusal", {})]


@pytest.mark.requirement("T06")
async def test_the_end_of_the_connection_reaches_subscriptions_to_mobs(tmp_path: Path) -> None:
    runtime = Answers(tmp_path, {"mob/stream_open": [OPEN_STREAM]})
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            events = await client.subscribe_mob_events("team")
            with pytest.raises(RuntimeExitedError):
                await client.call("exit")
            with pytest.raises(RuntimeExitedError):
                await anext(events)
            await events.close()


async def test_a_notification_that_belongs_to_no_subscription_is_skipped(tmp_path: Path) -> None:
    stray = [
        notification("mob/stream_event", {"stream_id": CHANNEL, "sequence": 1, "event": delta("lost")}),
        notification("mob/no_such_thing", {"stream_id": STREAM}),
        on_stream(of_member("ada", delta("mine"))),
        end_of_stream(),
    ]
    with anyio.fail_after(LIMIT):
        async with (
            Answers(tmp_path, {"mob/stream_open": [OPEN_STREAM, *stray]}).client() as client,
            await client.subscribe_mob_events("team") as events,
        ):
            (item,) = [item async for item in events]
            assert isinstance(item, AttributedEvent)
            assert item.envelope.payload == TextDelta(delta="mine")


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "text_delta", "delta": "x"},
        delta("x"),
        of_member("ada", delta("x")),
        {"session_id": SESSION, "event": delta("x")},
        {"stream_id": STREAM, "sequence": 1, "event": of_member("ada", delta("x"))},
    ],
    ids=["event", "envelope", "with its member", "session/event", "mob/stream_event"],
)
def test_parsing_events(raw: dict[str, Any]) -> None:
    assert parse_event(raw) == TextDelta(delta="x")


def test_parsing_scoped_events() -> None:
    frame = {"scope": "mob_member", "flow_run_id": SESSION, "agent_identity": "ada"}
    inner = {"type": "text_delta", "delta": "x"}
    for event in (inner, delta("x")):
        scoped = parse_event({"scope_id": "s", "scope_path": [frame, {"scope": "new"}], "event": event})
        assert isinstance(scoped, ScopedEvent)
        assert scoped.scope_id == "s"
        assert scoped.event == TextDelta(delta="x")
        assert len(scoped.scope_path) == 2
        assert scoped.scope_path[0]["agent_identity"] == "ada"
    assert isinstance(parse_event({"scope_id": None, "event": inner}), TextDelta)


def test_parsing_what_is_not_known() -> None:
    unknown = parse_event({"type": "daydream", "about": 1})
    assert isinstance(unknown, UnknownEvent)
    assert (unknown.type, unknown.data, unknown.error) == ("daydream", {"type": "daydream", "about": 1}, None)
    malformed = parse_event({"type": "text_delta"})
    assert isinstance(malformed, UnknownEvent)
    assert malformed.error is not None
    assert isinstance(parse_event({}), UnknownEvent)
    for nothing in ("text_delta", None, [{"type": "text_delta"}]):
        with pytest.raises(MeerkatError, match=r"`\$`"):
            parse_event(nothing)  # type: ignore[arg-type]  # what a program may pass on
