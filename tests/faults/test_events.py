"""Events that do not fit, come in the wrong order, twice, not at all, or belong to nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    EventGap,
    RunCompleted,
    RunStarted,
    StreamNotConsumedError,
    SubscriptionEndedError,
    TextDelta,
    TurnCompleted,
    UnknownEvent,
    to_builtins,
)
from tests.faults.clients import LIMIT, talking
from tests.faults.table import Grace
from tests.support.misbehaving import SESSION, STREAM, USAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from meerkat import EventStream


def event(**payload: Any) -> str:
    """The fault of one more event in the middle of a run."""
    return "event:" + json.dumps(payload)


async def collect(events: EventStream) -> list[Any]:
    """All events of a turn that must come to its end."""
    with anyio.fail_after(LIMIT):
        async with events:
            seen = [event async for event in events]
    assert events.result.text == "one two"
    return seen


def unknown(found: Any, tag: object, *, listed: bool) -> None:
    assert isinstance(found, UnknownEvent)
    assert found.tag == tag
    assert (found.error is not None) == listed


def has_enum(found: Any) -> None:
    assert isinstance(found, TurnCompleted)
    assert found.stop_reason == "novel"
    assert not found.stop_reason.is_known


def has_field(found: Any) -> None:
    assert found == TextDelta(delta="more")


ODD: list[tuple[dict[str, Any], Callable[[Any], None]]] = [
    ({"type": "novel_event", "n": [1, {"a": None}]}, lambda found: unknown(found, "novel_event", listed=False)),
    ({"type": "text_delta"}, lambda found: unknown(found, "text_delta", listed=True)),
    ({"type": "text_delta", "delta": 5}, lambda found: unknown(found, "text_delta", listed=True)),
    ({"type": "turn_completed", "stop_reason": None}, lambda found: unknown(found, "turn_completed", listed=True)),
    ({"type": 7}, lambda found: unknown(found, 7, listed=False)),
    ({"n": 1}, lambda found: unknown(found, None, listed=False)),
    ({"type": "turn_completed", "stop_reason": "novel", "usage": USAGE}, has_enum),
    ({"type": "text_delta", "delta": "more", "novel": {"a": 1}}, has_field),
]


@pytest.mark.parametrize(("payload", "check"), ODD, ids=[json.dumps(payload)[:50] for payload, _ in ODD])
@pytest.mark.requirement("S05")
async def test_an_event_that_is_new_or_malformed_is_a_value(
    payload: dict[str, Any], check: Callable[[Any], None]
) -> None:
    async with talking("stream", event(**payload)) as client:
        seen = await collect(client.session(SESSION).stream("x"))
        (odd,) = seen[3:4]
        check(odd)
        if isinstance(odd, UnknownEvent):
            assert to_builtins(odd) == payload
        assert isinstance(seen[-1], RunCompleted)
        assert client.diagnostics.bad_lines == 0


ENVELOPE: dict[str, Any] = {
    "event_id": "e",
    "source_id": "s",
    "source": {"type": "session"},
    "seq": 4,
    "timestamp_ms": 1,
}


@pytest.mark.requirement("S09")
async def test_a_gap_is_a_value_and_the_text_is_whole() -> None:
    async with talking("stream", "gap:5") as client:
        seen = await collect(client.session(SESSION).stream("x"))
        assert [e for e in seen if isinstance(e, EventGap)] == [EventGap(missing=5, after_seq=3)]
        assert client.diagnostics.gaps == 1
        assert client.diagnostics.missing_events == 5
        assert (await client.session(SESSION).stream("x").collect_text())[0] == "one two"


@pytest.mark.requirement("S03", "S13")
async def test_an_answer_that_overtakes_the_events() -> None:
    async with talking("stream", "early") as client:
        assert len(await collect(client.session(SESSION).stream("x"))) == 7


@pytest.mark.requirement("S03")
async def test_events_in_reverse_behind_the_answer() -> None:
    """Nothing can be made of such an order, but the stream ends, its result is there, and the next one is whole."""
    async with talking("stream", "backwards") as client:
        await collect(client.session(SESSION).stream("x"))
        seen = (await collect(client.session(SESSION).stream("y")))[-7:]
        assert isinstance(seen[0], RunStarted)
        assert seen[0].prompt == "y"
        assert isinstance(seen[-1], RunCompleted)


@pytest.mark.requirement("S09", "S11")
async def test_a_run_without_a_last_event(shorten: Callable[..., None]) -> None:
    """It succeeded, so its end was lost, and the stream says so."""
    shorten(Grace.RUNNING)
    async with talking("stream", "unfinished") as client:
        *seen, last = await collect(client.session(SESSION).stream("x"))
        assert len(seen) == 3
        assert isinstance(last, EventGap)
        assert len(await collect(client.session(SESSION).stream("y"))) == 7


@pytest.mark.requirement("S12")
async def test_no_result_before_the_end() -> None:
    async with talking("never") as client, client.session(SESSION).stream("x") as events:
        await anext(events)
        with pytest.raises(StreamNotConsumedError, match="when the iteration over the stream has ended"):
            _ = events.result
        await events.collect()
        assert events.result.text == "one two"


@pytest.mark.requirement("S10")
async def test_a_subscription_that_the_runtime_ends_with_an_error() -> None:
    async with talking("idle", "endstream") as client:
        events = await client.subscribe_session_events(SESSION)
        await client.call("runtime/health")
        with anyio.fail_after(LIMIT), pytest.raises(SubscriptionEndedError, match="the reader was too slow") as caught:
            await anext(events)
        assert events.terminal_outcome is not None
        assert events.terminal_outcome is caught.value.details
        assert events.terminal_outcome.outcome == "terminal_error"
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        await events.close()


@pytest.mark.requirement("S04", "S05")
async def test_a_subscription_takes_what_is_new_or_malformed_as_values() -> None:
    payloads: list[dict[str, Any]] = [
        {"type": "novel_event"},
        {"type": "text_delta"},
        {"type": "text_delta", "delta": "x"},
    ]
    faults: list[str] = []
    for payload in payloads:
        params = {"session_id": SESSION, "stream_id": STREAM, "sequence": 1, "event": {**ENVELOPE, "payload": payload}}
        faults.append("notify:" + json.dumps({"method": "session/stream_event", "params": params}))
    async with talking("subscribe", *faults) as client:
        # They overtake the answer that tells whose they are.
        async with await client.subscribe_session_events(SESSION) as events:
            with anyio.fail_after(LIMIT):
                seen = [await anext(events) for _ in faults]
        unknown(seen[0], "novel_event", listed=False)
        unknown(seen[1], "text_delta", listed=True)
        assert seen[2] == TextDelta(delta="x")
