"""Who gets which event, as a state machine: whatever is interleaved, nothing is lost or gets to another's stream."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from meerkat import TextDelta
from meerkat._core.inbox import Inbox
from meerkat._core.protocol import Protocol
from meerkat._generated.types.streams import SessionStreamEventParams
from meerkat._router import Router
from meerkat._runs import Turn

if TYPE_CHECKING:
    from meerkat._core.call import Call

USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
RESULT = {"text": "", "turns": 1, "tool_calls": 0, "usage": USAGE}


@dataclass(eq=False)
class Ask:
    """A turn that the client asked for, and what the runtime has done about it."""

    prompt: str
    turn: Turn
    inbox: Inbox[Any]
    call: Call
    session: str = ""  # as the runtime knows it; a session that is being created has one, too
    created: bool = False
    answered: bool = False
    ran: bool = False
    left: bool = False
    wrote: list[str] = field(default_factory=list[str])
    got: list[str] = field(default_factory=list[str])


@dataclass(eq=False)
class Follow:
    """A subscription."""

    stream: str
    inbox: Inbox[Any]
    call: Call
    opened: bool = False
    wrote: list[str] = field(default_factory=list[str])
    got: list[str] = field(default_factory=list[str])


@settings(stateful_step_count=60)
class Routing(RuleBasedStateMachine):
    """Turns of several sessions, first turns, runs of others and subscriptions, in any order and any chunks."""

    @initialize()
    def start(self) -> None:
        self.protocol = Protocol(probe="runtime/health")
        self.router = Router(lambda request_id, params: None)
        self.router.attach(self.protocol)
        for session in ("s0", "s1"):
            self.router.session(session)
        self.number = 0
        self.seqs: dict[str, int] = {}
        self.asks: list[Ask] = []
        self.latest: dict[str, Ask] = {}
        self.running: dict[str, Ask | None] = {}  # runs under way by session; ``None`` is one of somebody else
        self.follows: list[Follow] = []
        self.wire = b""  # what the runtime has written and nobody has read

    def owners(self) -> list[Ask | Follow]:
        """Whoever gets events."""
        return [*self.asks, *self.follows] if hasattr(self, "asks") else []

    def next(self) -> int:
        self.number += 1
        return self.number

    def write(self, **message: Any) -> None:
        self.wire += json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n"

    def envelope(self, session: str, payload: dict[str, Any], seq: int) -> dict[str, Any]:
        source = {"type": "session", "session_id": session}
        return {
            "event_id": f"e{seq}", "source_id": session, "source": source, "seq": seq, "timestamp_ms": 1,
            "payload": payload,
        }  # fmt: skip

    def event(self, session: str, **payload: Any) -> None:
        seq = self.seqs[session] = self.seqs.get(session, 0) + 1
        params = {"session_id": session, "event": self.envelope(session, payload, seq)}
        self.write(method="session/event", params=params)

    def pick(self, data: st.DataObject, candidates: list[Any]) -> Any:
        return data.draw(st.sampled_from(candidates)) if candidates else None

    # What the client does

    def ask(self, method: str) -> Ask:
        prompt, inbox = f"p{self.next()}", Inbox[Any]()
        ask = Ask(prompt, Turn(prompt, inbox), inbox, self.protocol.call(method, b"{}", cancellable=True))
        self.asks.append(ask)
        return ask

    @rule(session=st.sampled_from(["s0", "s1"]))
    def turn(self, session: str) -> None:
        last = self.latest.get(session)
        if last is not None and not last.turn.over:
            return  # turns of one session wait for each other
        runs = self.router.session(session)
        if last is not None:
            runs._forget(last.turn)
        ask = self.ask("turn/start")
        ask.session = session
        self.latest[session] = ask
        runs.adopt(ask.turn)
        ask.turn.sent(ask.call)

    @rule()
    def create(self) -> None:
        ask = self.ask("session/create")
        ask.session = f"n{self.next()}"
        ask.created = True
        self.router.creating(ask.turn)
        ask.turn.sent(ask.call)

        def created() -> None:
            self.router.created(ask.turn, None if ask.call.error is not None else ask.session)

        ask.call.on_done = (created, *ask.call.on_done)

    @rule()
    def follow(self) -> None:
        inbox = Inbox[Any]()
        follow = Follow(f"f{self.next()}", inbox, self.protocol.call("session/stream_open", b"{}"))
        self.router.opening_stream()

        def opened() -> None:
            self.router.opened_stream(None if follow.call.error is not None else follow.stream, inbox)

        follow.call.on_done += (opened,)
        self.follows.append(follow)

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        ask = self.pick(data, [ask for ask in self.asks if not ask.created and not ask.left and not ask.turn.over])
        if ask is not None:
            self.read(len(self.wire))
            ask.left = True
            ask.turn.abandon()

    # What the runtime does

    @rule(data=st.data())
    def begin_run(self, data: st.DataObject) -> None:
        ask = self.pick(data, [a for a in self.asks if not a.ran and a.session not in self.running])
        if ask is not None and not (ask.answered and ask.call.error is not None):
            self.begin(ask)

    def begin(self, ask: Ask) -> None:
        ask.ran = True
        self.running[ask.session] = ask
        self.event(ask.session, type="run_started", session_id=ask.session, prompt=ask.prompt)

    @rule(session=st.sampled_from(["s0", "s1"]))
    def begin_run_of_others(self, session: str) -> None:
        if session not in self.running:
            self.running[session] = None
            self.event(session, type="run_started", session_id=session, prompt="of somebody else")

    @rule(data=st.data(), count=st.integers(1, 4))
    def go_on(self, data: st.DataObject, count: int) -> None:
        session = self.pick(data, sorted(self.running))
        if session is None:
            return
        ask = self.running[session]
        for _ in range(count):
            tag = f"{ask.prompt if ask else 'other'}:{self.next()}"
            if ask is not None and not ask.left:
                ask.wrote.append(tag)
            self.event(session, type="text_delta", delta=tag)

    @rule(data=st.data())
    def end_run(self, data: st.DataObject) -> None:
        session = self.pick(data, sorted(self.running))
        if session is not None:
            self.end_of(session)

    def end_of(self, session: str) -> None:
        del self.running[session]
        self.event(session, type="run_completed", session_id=session, result="", usage=USAGE, extraction_required=False)

    @rule(data=st.data())
    def answer_turn(self, data: st.DataObject) -> None:
        ask = self.pick(data, [ask for ask in self.asks if not ask.answered])
        if ask is not None:
            self.answer(ask)

    def answer(self, ask: Ask) -> None:
        ask.answered = True
        self.write(id=ask.call.key, result={**RESULT, "session_id": ask.session})

    @rule(data=st.data())
    def refuse_creation(self, data: st.DataObject) -> None:
        ask = self.pick(data, [ask for ask in self.asks if ask.created and not ask.answered and not ask.ran])
        if ask is not None:
            ask.answered = ask.ran = True
            self.write(id=ask.call.key, error={"code": -32602, "message": "no"})

    @rule(data=st.data(), count=st.integers(1, 3))
    def stream_event(self, data: st.DataObject, count: int) -> None:
        if not self.follows:
            return
        follow = data.draw(st.sampled_from(self.follows))
        for _ in range(count):
            tag = f"{follow.stream}:{self.next()}"
            follow.wrote.append(tag)
            event = self.envelope("s0", {"type": "text_delta", "delta": tag}, 1)
            params = {"session_id": "s0", "stream_id": follow.stream, "sequence": 1, "event": event}
            self.write(method="session/stream_event", params=params)

    @rule(data=st.data())
    def open_stream(self, data: st.DataObject) -> None:
        follow = self.pick(data, [follow for follow in self.follows if not follow.opened])
        if follow is not None:
            self.open(follow)

    def open(self, follow: Follow) -> None:
        follow.opened = True
        self.write(id=follow.call.key, result={"stream_id": follow.stream, "session_id": "s0", "opened": True})

    @rule(share=st.floats(0, 1))
    def deliver(self, share: float) -> None:
        self.read(round(len(self.wire) * share))

    def read(self, size: int) -> None:
        chunk, self.wire = self.wire[:size], self.wire[size:]
        for request in self.protocol.receive(chunk):
            self.router.receive(request)
        self.router.wake()
        for owner in self.owners():
            while batch := owner.inbox.take():
                owner.got += [tag for item in batch if (tag := _tag(item)) is not None]

    # What must be so

    @invariant()
    def everybody_gets_what_is_his_in_order(self) -> None:
        for owner in self.owners():
            assert owner.got == owner.wrote[: len(owner.got)]

    def teardown(self) -> None:
        if not hasattr(self, "asks"):
            return
        # The runtime does what is left to do.
        for session in sorted(self.running):
            self.end_of(session)
        for ask in self.asks:
            if not ask.ran:
                self.begin(ask)
                self.end_of(ask.session)
            if not ask.answered:
                self.answer(ask)
        for follow in self.follows:
            if not follow.opened:
                self.open(follow)
        self.read(len(self.wire))
        for owner in self.owners():
            assert owner.got == owner.wrote
        # What was refused never had a run, and is over when the grace for its last event has passed.
        assert [ask for ask in self.asks if not ask.turn.over and ask.call.error is None] == []
        # Nothing is kept of what is over.
        assert self.protocol.pending == 0
        assert self.router._creating == []
        for held in (self.router._held_events, self.router._held_stream_events):
            assert (held._claims, held._size, held._items) == (0, 0, {})
        for runs in self.router._sessions.values():
            assert runs._current is None
            assert [turn for turn in runs._waiting if not turn.over] == []
        assert self.router._streams.keys() == {follow.stream for follow in self.follows}
        for follow in self.follows:
            self.router.forget_stream(follow.stream)
        assert self.router._streams == {}
        assert self.router.tally.unclaimed_events == 0
        assert self.router.tally.gaps == 0
        assert self.protocol.counters.bad_lines == self.protocol.counters.late_answers == 0


def _tag(item: object) -> str | None:
    event = item.event.payload if isinstance(item, SessionStreamEventParams) else item
    return event.delta if isinstance(event, TextDelta) else None


TestRouting = pytest.mark.requirement("S03", "S04", "S14")(Routing.TestCase)
