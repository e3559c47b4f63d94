"""What comes for a subscription and cannot be read leaves a gap there, or ends it; nothing is lost silently."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import AttributedEvent, EventGap, SubscriptionEndedError, TextDelta
from tests.faults.clients import LIMIT, talking
from tests.support.misbehaving import SESSION, STREAM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meerkat import EventSubscription, MeerkatClient


def envelope(text: str) -> dict[str, Any]:
    return {
        "event_id": "e",
        "source_id": "s",
        "source": {"type": "session", "session_id": SESSION},
        "seq": 4,
        "timestamp_ms": 1,
        "payload": {"type": "text_delta", "delta": text},
    }


def of_session(number: int) -> dict[str, Any]:
    return {"stream_id": STREAM, "session_id": SESSION, "sequence": number, "event": envelope(str(number))}


def of_member(number: int) -> dict[str, Any]:
    return {"stream_id": STREAM, "sequence": number, "event": envelope(str(number))}


def of_mob(number: int) -> dict[str, Any]:
    attributed = {
        "source": {"identity": "worker", "generation": 0},
        "role": "worker",
        "envelope": envelope(str(number)),
        "source_fence_token": 1,
    }
    return {"stream_id": STREAM, "sequence": number, "event": attributed}


def by_session(client: MeerkatClient) -> Awaitable[EventSubscription[Any]]:
    return client.subscribe_session_events(SESSION)


def by_member(client: MeerkatClient) -> Awaitable[EventSubscription[Any]]:
    return client.mob("team").subscribe_member_events("worker")


def by_mob(client: MeerkatClient) -> Awaitable[EventSubscription[Any]]:
    return client.mob("team").subscribe_events()


Kind = tuple["Callable[[MeerkatClient], Awaitable[EventSubscription[Any]]]", str, "Callable[[int], dict[str, Any]]"]

KINDS: dict[str, Kind] = {
    "session": (by_session, "session/stream_event", of_session),
    "member": (by_member, "mob/stream_event", of_member),
    "mob": (by_mob, "mob/stream_event", of_mob),
}

SPOILT: dict[str, dict[str, Any]] = {
    "no envelope": {"event": None},
    "an envelope of another kind": {"event": ["payload"]},
    "an envelope without its parts": {"event": {"payload": {"type": "text_delta", "delta": "x"}}},
    "an odd number": {"sequence": "three"},
    "no number": {"sequence": None},
}

each_kind = pytest.mark.parametrize("kind", KINDS)
# Before the answer that tells whose they are, and after it.
each_moment = pytest.mark.parametrize("moment", ["subscribe", "idle"])


def notify(method: str, params: object) -> str:
    return "notify:" + json.dumps({"method": method, "params": params})


def shown(item: Any) -> object:
    """The text of an event, or what stands in its place."""
    payload = item.envelope.payload if isinstance(item, AttributedEvent) else item
    return payload.delta if isinstance(payload, TextDelta) else item


async def seen(client: MeerkatClient, events: EventSubscription[Any], count: int) -> list[object]:
    await client.call("runtime/health")
    with anyio.fail_after(LIMIT):
        return [shown(await anext(events)) for _ in range(count)]


@each_moment
@each_kind
@pytest.mark.parametrize("spoilt", SPOILT)
async def test_an_event_that_cannot_be_read_leaves_a_gap(kind: str, spoilt: str, moment: str) -> None:
    subscribe, method, params = KINDS[kind]
    faults = [notify(method, values) for values in (params(1), {**params(2), **SPOILT[spoilt]}, params(3))]
    async with talking(moment, *faults) as client, await subscribe(client) as events:
        assert await seen(client, events, 3) == ["1", EventGap(missing=1, after_seq=1), "3"]
        assert client.diagnostics.bad_lines == 1


@each_kind
async def test_each_event_that_cannot_be_read_has_its_own_gap(kind: str) -> None:
    subscribe, method, params = KINDS[kind]
    odd = {"stream_id": STREAM}
    faults = [notify(method, values) for values in (odd, odd, params(3), odd, params(5))]
    async with talking("idle", *faults) as client, await subscribe(client) as events:
        first, second = EventGap(missing=1, after_seq=0), EventGap(missing=1, after_seq=1)
        assert await seen(client, events, 5) == [first, second, "3", EventGap(missing=1, after_seq=3), "5"]
        assert client.diagnostics.bad_lines == 3


@each_moment
@each_kind
@pytest.mark.parametrize("stream_id", [None, 5, "another"])
async def test_what_does_not_say_whose_it_is_is_counted(kind: str, stream_id: object, moment: str) -> None:
    subscribe, method, params = KINDS[kind]
    odd = {**params(1), "stream_id": stream_id, "event": None}
    faults = [notify(method, values) for values in (odd, params(1))]
    async with talking(moment, *faults) as client, await subscribe(client) as events:
        assert await seen(client, events, 1) == ["1"]
        assert client.diagnostics.bad_lines == 1


@each_moment
@each_kind
async def test_an_end_that_cannot_be_read_is_an_end(kind: str, moment: str) -> None:
    subscribe, method, params = KINDS[kind]
    end = notify(method.replace("event", "end"), {"stream_id": STREAM, "ended": "yes"})
    async with talking(moment, notify(method, params(1)), end) as client, await subscribe(client) as events:
        assert await seen(client, events, 1) == ["1"]
        with anyio.fail_after(LIMIT), pytest.raises(SubscriptionEndedError, match="does not fit the contract"):
            await anext(events)
        outcome = events.terminal_outcome
        assert outcome is not None
        assert outcome.error is not None
        assert (outcome.stream_id, outcome.outcome, outcome.error.code) == (
            STREAM, "terminal_error", "unreadable_notice",
        )  # fmt: skip
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        assert client.diagnostics.bad_lines == 1
