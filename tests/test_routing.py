"""Answers and events of several sessions and subscriptions in any order: each gets its own, whole and in order."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meerkat import RunCompleted, RunStarted, TextDelta
from meerkat._core.inbox import Inbox
from meerkat._core.protocol import Protocol
from meerkat._router import Router
from meerkat._runs import Turn

USAGE: Final = {"input_tokens": 1, "output_tokens": 1}


class Story:
    """Something that is under way, and all that the runtime writes about it, in its own order.

    Args:
        number: Its number among all.
        deltas: How many deltas it has.
        answered_after: How many events come before the answer.
    """

    def __init__(self, number: int, deltas: int, answered_after: int) -> None:
        self.number = number
        self.session_id = f"session-{number}"
        self.prompt = f"prompt {number % 2}"
        self.texts = [f"{number}:{index}" for index in range(deltas)]
        self.answered_after = answered_after
        self.inbox: Inbox[Any] = Inbox()

    def begin(self, protocol: Protocol, router: Router) -> list[dict[str, Any]]:
        """Ask for it; return what the runtime writes."""
        raise NotImplementedError

    def payloads(self) -> list[dict[str, Any]]:
        usual = {"session_id": self.session_id}
        return [
            {"type": "run_started", "prompt": self.prompt, **usual},
            *({"type": "text_delta", "delta": text} for text in self.texts),
            {"type": "run_completed", "result": "", "usage": USAGE, "extraction_required": False, **usual},
        ]

    def envelopes(self) -> list[dict[str, Any]]:
        return [
            {
                "event_id": "e", "source_id": "s", "source": {"type": "session", "session_id": self.session_id},
                "seq": seq, "timestamp_ms": 1, "payload": payload,
            }
            for seq, payload in enumerate(self.payloads(), start=1)
        ]  # fmt: skip

    def with_answer(self, events: list[dict[str, Any]], key: int, result: Any) -> list[dict[str, Any]]:
        place = min(self.answered_after, len(events))
        return [*events[:place], {"jsonrpc": "2.0", "id": key, "result": result}, *events[place:]]

    def taken(self) -> list[Any]:
        """The events that its consumer gets."""
        out: list[Any] = []
        while batch := self.inbox.take():
            out += batch
        return out

    def check(self) -> None:
        """It got all that is its own, in order, and is over."""
        first, *deltas, last = self.taken()
        assert isinstance(first, RunStarted)
        assert first.session_id == self.session_id
        assert [event.delta for event in deltas if isinstance(event, TextDelta)] == self.texts
        assert len(deltas) == len(self.texts)
        assert isinstance(last, RunCompleted)


class AnotherTurn(Story):
    """A turn of a session that is known."""

    def begin(self, protocol: Protocol, router: Router) -> list[dict[str, Any]]:
        self.turn = Turn(self.prompt, self.inbox)
        router.session(self.session_id).adopt(self.turn)
        return self.send(protocol, "turn/start")

    def send(self, protocol: Protocol, method: str) -> list[dict[str, Any]]:
        self.call = protocol.call(method, b"{}", cancellable=True)
        self.turn.sent(self.call)
        events = [
            {"jsonrpc": "2.0", "method": "session/event", "params": {"session_id": self.session_id, "event": event}}
            for event in self.envelopes()
        ]
        return self.with_answer(events, self.call.key, {"session_id": self.session_id})

    def check(self) -> None:
        super().check()
        assert self.turn.over
        assert self.turn.session_id == self.session_id


class FirstTurn(AnotherTurn):
    """The first turn of a session whose id only the runtime knows. No two begin with the same words."""

    def begin(self, protocol: Protocol, router: Router) -> list[dict[str, Any]]:
        self.prompt = f"first of {self.number}"
        self.turn = Turn(self.prompt, self.inbox)
        router.creating(self.turn)
        written = self.send(protocol, "session/create")
        self.call.on_done = (lambda: router.created(self.turn, self.session_id), *self.call.on_done)
        return written


class Subscription(Story):
    """A subscription to a session, whose stream has an id that only the runtime knows."""

    def begin(self, protocol: Protocol, router: Router) -> list[dict[str, Any]]:
        stream_id = f"stream-{self.number}"
        router.opening_stream()
        call = protocol.call("session/stream_open", b"{}")
        call.on_done += (lambda: router.opened_stream(stream_id, self.inbox),)
        events = [
            {
                "jsonrpc": "2.0", "method": "session/stream_event",
                "params": {"session_id": "session-0", "stream_id": stream_id, "sequence": 1, "event": event},
            }
            for event in self.envelopes()
        ]  # fmt: skip
        return self.with_answer(events, call.key, {"stream_id": stream_id})

    def taken(self) -> list[Any]:
        return [params.event.payload for params in super().taken()]


KINDS: Final = [AnotherTurn, FirstTurn, Subscription]


@st.composite
def stories(draw: st.DrawFn) -> list[Story]:
    """Several of them at once."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=6))
    return [kind(number, draw(st.integers(0, 6)), draw(st.integers(0, 9))) for number, kind in enumerate(kinds)]


@pytest.mark.requirement("S03", "S04")
@settings(max_examples=300)
@given(under_way=stories(), data=st.data())
def test_each_gets_its_own_in_any_order(under_way: list[Story], data: st.DataObject) -> None:
    """The runtime keeps the order of each; how they come among each other, and where the answers stand, is open."""
    protocol = Protocol(probe="runtime/health")
    router = Router(lambda _id, _params: None)
    router.attach(protocol)
    written = [story.begin(protocol, router) for story in under_way]
    protocol.data_to_send()
    turns = data.draw(st.permutations([index for index, lines in enumerate(written) for _ in lines]))
    sources = [iter(lines) for lines in written]
    wire = b"".join(json.dumps(next(sources[index])).encode() + b"\n" for index in turns)
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=8))
    for start, end in pairwise(sorted({0, len(wire), *cuts})):
        for request in protocol.receive(wire[start:end]):
            router.receive(request)
        router.wake()
    for story in under_way:
        story.check()
    assert router.tally.unclaimed_events == router.tally.gaps == 0
    assert protocol.pending == protocol.counters.bad_lines == 0
