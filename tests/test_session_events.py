"""Events that come together are decoded and handed on together; nobody can tell, whatever is among them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meerkat import EventGap, RunStarted, TextDelta, UnknownEvent
from meerkat._core.call import Call
from meerkat._core.inbox import BATCH, Inbox
from meerkat._core.protocol import Notifications, Protocol
from meerkat._router import Router
from meerkat._runs import Turn

PROMPT = "hi"
SESSIONS = ("one", "two")
USAGE = {"input_tokens": 1, "output_tokens": 1}


def line(session_id: str, seq: int, payload: Any) -> dict[str, Any]:
    """A notification as the runtime writes it."""
    envelope = {
        "event_id": "e",
        "payload": payload,
        "seq": seq,
        "source": {"session_id": session_id, "type": "session"},
        "source_id": f"session:{session_id}",
        "timestamp_ms": 1,
    }
    params = {"event": envelope, "session_id": session_id}
    return {"jsonrpc": "2.0", "method": "session/event", "params": params}


def wire(*messages: Any) -> bytes:
    return b"".join(json.dumps(message, separators=(",", ":")).encode() + b"\n" for message in messages)


DELTA = {"delta": "text", "type": "text_delta"}
COMPLETED = {"session_id": "s", "result": "", "usage": USAGE, "extraction_required": False, "type": "run_completed"}
FAILED = {"session_id": "s", "error_class": "llm", "error": "no", "type": "run_failed"}
STARTED = {"prompt": PROMPT, "session_id": "s", "type": "run_started"}
PAYLOADS: list[Any] = [
    DELTA,
    {"delta": "\u00e9\U0001f600", "type": "text_delta"},
    STARTED,
    {"prompt": "of a peer", "session_id": "s", "type": "run_started"},
    COMPLETED,
    FAILED,
    {"type": "not_known_yet", "value": 1},
    {"type": "text_delta", "delta": 17},
]
OTHERS: list[Any] = [
    17,
    {"jsonrpc": "2.0", "id": 99, "result": {}},
    {"jsonrpc": "2.0", "method": "session/event"},
    {"jsonrpc": "2.0", "method": "session/event", "params": {"session_id": "one"}},
    {"jsonrpc": "2.0", "method": "not/known", "params": {}},
    {**line("one", 1, DELTA), "method": "session/stream_event"},
]


@dataclass
class Client:
    """A router with a turn in each session, fed with bytes.

    Args:
        together: Whether lines may be decoded together.
    """

    together: bool
    turns: list[Turn] = field(default_factory=list[Turn])
    batches: int = 0

    def __post_init__(self) -> None:
        self.protocol = Protocol(probe="runtime/health")
        self.router = Router(lambda _id, _params: None)
        self.router.attach(self.protocol)
        if not self.together:
            self.protocol.decode_at_once("never", list)
        for session_id in SESSIONS:
            turn = Turn(PROMPT, Inbox())
            self.router.session(session_id).adopt(turn)
            turn.sent(Call(b"", 1, method="turn/start", cancellable=True))
            self.turns.append(turn)

    def feed(self, *chunks: bytes) -> Client:
        for chunk in chunks:
            for request in self.protocol.receive(chunk):
                self.batches += isinstance(request, Notifications)
                self.router.receive(request)
            self.router.wake()
        return self

    def received(self) -> list[Any]:
        """All that can be told from outside."""
        return [[events(turn), turn.over, turn.failure] for turn in self.turns] + [
            self.router.tally,
            self.protocol.counters,
        ]


def events(turn: Turn) -> list[Any]:
    out: list[Any] = []
    inbox = turn.inbox
    while inbox is not None and (batch := inbox.take()):
        assert len(batch) <= BATCH
        out += batch
    return out


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(ends)]


@st.composite
def traffic(draw: st.DrawFn) -> list[bytes]:
    """What several reads bring: mostly events of one session, one after the other without gaps."""
    out = [wire(line("one", 1, STARTED), line("two", 1, STARTED))]
    seqs = dict.fromkeys(SESSIONS, 1)
    for _ in range(draw(st.integers(1, 6))):
        session_id = draw(st.sampled_from(SESSIONS))
        odd = draw(st.integers(0, 5))  # how often something else comes in between, of ten
        messages: list[Any] = []
        for _ in range(draw(st.integers(1, 12))):
            if draw(st.integers(0, 9)) >= odd:
                seqs[session_id] += 1
                messages.append(line(session_id, seqs[session_id], DELTA))
                continue
            if draw(st.booleans()):
                messages.append(draw(st.sampled_from(OTHERS)))
            if draw(st.booleans()):
                session_id = draw(st.sampled_from(SESSIONS))
            seqs[session_id] = max(1, seqs[session_id] + draw(st.sampled_from([1, 2, 5, 0, -3])))
            messages.append(line(session_id, seqs[session_id], draw(st.sampled_from(PAYLOADS))))
        out.append(wire(*messages))
    return out


@settings(max_examples=300)
@given(reads=traffic(), places=st.lists(st.integers(0, 20_000), max_size=3))
@pytest.mark.requirement("S03")
def test_together_or_one_by_one_is_the_same(reads: list[bytes], places: list[int]) -> None:
    chunks = cut(b"".join(reads), places) if places else reads
    assert Client(together=True).feed(*chunks).received() == Client(together=False).feed(*chunks).received()


def test_events_in_a_row_are_taken_together() -> None:
    client = Client(together=True)
    client.feed(wire(line("one", 1, STARTED)))
    client.feed(wire(*(line("one", n, DELTA) for n in range(2, 152))))
    assert client.batches == 2
    assert [type(event) for event in events(client.turns[0])] == [RunStarted] + [TextDelta] * 150


@pytest.mark.requirement("S05", "S09")
def test_one_odd_line_spoils_nothing() -> None:
    client = Client(together=True)
    client.feed(wire(line("one", 1, STARTED)))
    odd = line("one", 3, {"type": "not_known_yet", "value": 1})
    client.feed(wire(line("one", 2, DELTA), odd, line("one", 4, DELTA), 17, line("one", 6, DELTA)))
    assert client.batches == 1
    received = events(client.turns[0])
    assert [type(event) for event in received] == [RunStarted, TextDelta, UnknownEvent, TextDelta, EventGap, TextDelta]
    assert received[2].union == "EventEnvelope.payload"
    assert client.protocol.counters.bad_lines == 1


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.requirement("S05")
def test_what_no_stream_shows_of_an_envelope_may_be_odd(together: bool) -> None:
    client = Client(together=together)
    client.feed(wire(line("one", 1, STARTED)))
    odd, bare, placeless = (line("one", seq, DELTA) for seq in (2, 3, 4))
    odd["params"]["event"].update(timestamp_ms="later", source=17, event_id=None, source_id=[])
    bare["params"]["event"] = {"seq": 3, "payload": DELTA}
    del placeless["params"]["event"]["seq"]
    client.feed(wire(odd, bare, line("one", 4, DELTA)))
    assert [type(event) for event in events(client.turns[0])] == [RunStarted] + [TextDelta] * 3
    assert client.protocol.counters.bad_lines == 0
    client.feed(wire(line("one", 5, DELTA), placeless))
    assert len(events(client.turns[0])) == 1
    assert client.protocol.counters.bad_lines == 1


@pytest.mark.requirement("S08")
def test_what_is_dropped_is_counted_event_by_event() -> None:
    client = Client(together=True)
    block = wire(*(line("one", n, DELTA) for n in range(2, 102)))
    inbox: Inbox[Any] = Inbox(limit=len(block) // 2)
    client.turns[0].inbox = inbox
    client.feed(wire(line("one", 1, STARTED)))
    client.feed(block)
    assert inbox.lost in range(50, 53)
    assert len(events(client.turns[0])) == 101 - inbox.lost


@pytest.mark.parametrize("size", [1, 200, 401])
def test_a_line_in_pieces_is_one_line(size: int) -> None:
    data = wire(line("one", 1, STARTED), *(line("one", n, DELTA) for n in range(2, 30)))
    client = Client(together=True).feed(*(data[at : at + size] for at in range(0, len(data), size)))
    assert len(events(client.turns[0])) == 29
