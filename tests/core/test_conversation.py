"""Calls, answers, losses and callers that leave, in any order, against a model of what was promised."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from meerkat._core.errors import MeerkatError, MessageTooLargeError, RequestLostError
from meerkat._core.framing import NO_VALUE, ErrorBody
from meerkat._core.protocol import Notifications, Protocol, Request
from tests.core.lossy import EVENT, PARSE_ERROR, PROBE, LossyRuntime, Message, Outcome, name_of

if TYPE_CHECKING:
    from meerkat._core.call import Call

MAX_LINE: Final = 5_000
PROBE_ROOM: Final = 256  # of the window, kept free
OVERHEAD: Final = 60  # bytes of a request beside its text, at least

# Of the window: small lines, those around it, and long ones.
SHARES = st.one_of(
    st.just(0.0),
    st.floats(0, 0.7),
    st.floats(0.6, 1.1),
    st.floats(1, 3.5),
    st.sampled_from([1.0, 2.0, 3.0]),  # the probe behind it is cut
)

NOISE = [b"garbage", b"[]", b"42", b'{"method":1}', b'{"id":"x","result":1}']


class Number(msgspec.Struct, forbid_unknown_fields=True):
    number: int


class EventLine(msgspec.Struct):
    method: Literal["session/event"]
    params: Number


class Written(msgspec.Struct):
    """A line that went out and is not known to be read, as far as the client can tell."""

    name: str
    size: int

    @property
    def is_probe(self) -> bool:
        return self.name.startswith("probe")


@settings(stateful_step_count=80, max_examples=300)
class Conversation(RuleBasedStateMachine):
    """Every call ends once, as it must; what ran did not run twice; nothing stays."""

    @initialize(window=st.sampled_from([None, 1000, 1000, 8192]))
    def start(self, window: int | None) -> None:
        self.window = window
        self.unit = window or 1000
        self.protocol = Protocol(probe=PROBE, window=window, max_line=MAX_LINE)
        self.protocol.decode_at_once(EVENT, msgspec.json.Decoder(EventLine).decode_lines)
        self.runtime = LossyRuntime(window or 10**6)
        self.calls: dict[int, Call] = {}
        self.null_id: set[int] = set()
        self.sent: set[int] = set()
        self.endings: dict[int, tuple[str, Outcome]] = {}
        self.queued: list[str] = []  # calls, notifications and answers in the order in which they were made
        self.unproved: list[Written] = []
        self.cancels: Counter[int] = Counter()
        self.asked: list[int] = []  # requests of the runtime that are not answered
        self.begun = 0  # bytes of the first line on the wire that were delivered
        self.arriving: list[Message] = []  # what becomes complete with the bytes that are being delivered
        self.ended_by: dict[int, int] = {}  # by call, the index in `arriving` of what ends it
        self.strays = self.bad_lines = self.notified = self.steps = 0
        self.failed = False

    # The client

    @precondition(lambda self: not self.failed)
    @rule(calls=st.lists(st.tuples(SHARES, st.booleans(), st.booleans()), min_size=1, max_size=4), flush=st.booleans())
    def call(self, calls: list[tuple[float, bool, bool]], flush: bool) -> None:
        for share, cancellable, null_id in calls:
            call = self.protocol.call("m", self.params(share), cancellable=cancellable, null_id_errors=null_id)
            self.calls[call.key] = call
            self.queued.append(f"call {call.key}")
            if null_id:
                self.null_id.add(call.key)
        if flush:
            self.write()

    @rule(share=SHARES)
    def notify(self, share: float) -> None:
        self.notified += 1
        number = self.notified
        self.protocol.notify("n", b'{"number":%d,%b' % (number, self.params(share)[1:]))
        if not self.failed:
            self.queued.append(f"notification {number}")

    @rule(share=SHARES, error=st.booleans())
    def answer_a_request(self, share: float, error: bool) -> None:
        if self.asked:
            key = self.asked.pop(0)
            if error:
                self.protocol.answer_error(key, -32000, "x" * int(share * self.unit))
            else:
                self.protocol.answer(key, self.params(share))
            if not self.failed:
                self.queued.append(f"answer {key}")

    @rule(data=st.data(), which=st.sampled_from(["sent", "unsent", "answered", "lost", "any"]))
    def leave(self, data: st.DataObject, which: str) -> None:
        """A deadline or a cancellation, at any moment in the life of a call."""
        answered = {message.key for message in self.runtime.wire}
        chosen = {
            "any": list(self.calls),
            "sent": [key for key in self.pending() if key in self.sent],
            "unsent": [key for key in self.pending() if key not in self.sent],
            "answered": [key for key in self.pending() if key in answered],
            "lost": [key for key in self.pending() if f"call {key}" in self.runtime.lost],
        }[which] or self.pending()
        if not chosen:
            return
        call = self.calls[data.draw(st.sampled_from(chosen))]
        if not call.done and not call.abandoned:
            if call.key not in self.sent:
                self.endings[call.key] = "withdrawn", None
                self.queued.remove(f"call {call.key}")
            elif call.cancellable:
                self.cancels[call.key] += 1
        self.protocol.abandon(call)

    @rule()
    def write(self) -> None:
        data = self.protocol.data_to_send()
        assert not data or data.endswith(b"\n")
        lines = data.splitlines(keepends=True)
        names = [name_of(json.loads(line)) for line in lines]
        self.unproved += [Written(name, len(line)) for name, line in zip(names, lines, strict=True)]
        calls = {int(name.split()[1]) for name in names if name.startswith("call")}
        assert calls.isdisjoint(self.endings)
        self.sent |= calls
        assert self.unproved or not self.protocol.waiting
        self.runtime.write(data)
        others = [line for line in self.unproved if not line.is_probe]
        if self.window is not None and len(others) > 1:
            probe = max((line.size for line in self.unproved if line.is_probe), default=0)
            assert sum(line.size for line in others) + probe <= self.window, self.unproved

    @rule(write=st.booleans())
    def probe_again(self, write: bool) -> None:
        """The driver's timer: the probe was lost, or its answer takes long."""
        self.protocol.probe_again()
        if write:
            self.write()

    @precondition(lambda self: self.steps > 74)
    @rule()
    def fault(self) -> None:
        self.failed = True
        self.protocol.fail(MeerkatError(message="gone"))
        for key in self.pending():
            self.endings[key] = "gone", None

    # The runtime

    @rule(busy=st.booleans(), half=st.booleans())
    def read(self, busy: bool, half: bool) -> None:
        self.runtime.read(busy=busy and self.window is not None, half=half)

    @rule(data=st.data(), what=st.sampled_from(["result", "error", "probe"]))
    def answer(self, data: st.DataObject, what: str) -> None:
        if what == "probe":
            if self.runtime.probes:
                self.runtime.answer_probe(overtaking=data.draw(st.booleans()))
        elif self.runtime.open:
            self.runtime.answer(data.draw(st.sampled_from(self.runtime.open)), error=what == "error")

    @rule(data=st.data())
    def answer_again(self, data: st.DataObject) -> None:
        done = [key for key, call in self.calls.items() if call.done and key not in self.runtime.open]
        if done:
            self.runtime.reply(data.draw(st.sampled_from(done)), error=False)

    @rule(
        what=st.sampled_from(["event", "event", "ask", "noise"]), count=st.integers(1, 5), line=st.sampled_from(NOISE)
    )
    def speak(self, what: str, count: int, line: bytes) -> None:
        for _ in range(count):
            if what == "event":
                self.runtime.event()
            elif what == "ask":
                self.runtime.ask()
            else:
                self.runtime.noise(line)

    @rule(
        kind=st.sampled_from(["event", "before", "behind"]),
        size=st.sampled_from([MAX_LINE, 2 * MAX_LINE]),
        piece=st.integers(1, 2 * MAX_LINE),
    )
    def too_long(self, kind: str, size: int, piece: int) -> None:
        self.deliver(None)
        self.runtime.too_long(kind, size)
        self.deliver(piece)
        self.deliver(None)

    @precondition(lambda self: not self.failed)
    @rule(code=st.sampled_from([-32602, -32603]))
    def refuse(self, code: int) -> None:
        """An error without an id: it is the oldest call's, and rather of one whose method is known for them."""
        self.deliver(None)
        sent = [key for key in self.pending() if key in self.sent]
        chosen = [key for key in sent if key in self.null_id]
        chosen = chosen or [key for key in sent if not self.calls[key].cancellable] or sent
        if chosen and chosen[0] in self.runtime.open:
            self.runtime.open.remove(chosen[0])
            self.runtime.stray(code)
            self.ends(chosen[0], "error", self.runtime.wire[-1].outcome)
            self.deliver(None)

    @precondition(lambda self: not self.failed)
    @rule()
    def lose_a_small_line(self) -> None:
        """What the window is there to prevent happens all the same: nobody waits for ever."""
        self.deliver(None)
        line = next((line for line in self.unproved if not line.is_probe), None)
        if self.window is None or line is None or line.size > self.window - PROBE_ROOM:
            return
        kind, key = line.name.split()
        if kind == "call" and int(key) in self.pending() and self.runtime.lose_first(line.name):
            self.ends(int(key), "error", self.runtime.wire[-1].outcome)
            self.deliver(None)

    # Between them

    @rule(size=st.one_of(st.none(), st.integers(1, 300), st.integers(1, 3 * MAX_LINE)))
    def deliver(self, size: int | None) -> None:
        """Let the client read so many bytes, or all."""
        wire = self.runtime.wire
        data = b"".join(message.data for message in wire)[self.begun :][:size]
        self.begun += len(data)
        self.arriving = []
        self.ended_by = {}
        while wire and self.begun >= len(wire[0].data):
            self.begun -= len(wire[0].data)
            self.arrives(wire.popleft())
        self.feed(data)

    @rule(busy=st.lists(st.booleans(), min_size=1, max_size=4), answers=st.integers(0, 2))
    def exchange(self, busy: list[bool], answers: int) -> None:
        """Rounds of all, so that a line can come through several losses within one example."""
        for is_busy in busy:
            self.write()
            self.read(is_busy, half=False)
            for _ in self.runtime.probes[:]:
                self.runtime.answer_probe()
            for key in self.runtime.open[:answers]:
                self.runtime.answer(key, error=False)
                self.runtime.event()
            self.deliver(None)
            if self.runtime.idle:
                self.probe_again(write=True)

    def feed(self, data: bytes) -> None:
        came: list[int] = []

        def take(request: Request) -> None:
            if isinstance(request, Notifications):
                came.extend(line.params.number for line in request.lines)
            elif request.id is not None:
                came.append(int(request.id))
            else:
                came.append(msgspec.json.decode(request.params)["number"])
            place = next(
                index
                for index, message in enumerate(self.arriving)
                if message.key == came[-1] and message.kind in {"event", "ask"}
            )
            for key, index in self.ended_by.items():
                assert self.calls[key].done == (index < place)

        assert self.protocol.receive(data, take) == []
        assert came == [message.key for message in self.arriving if message.kind in {"event", "ask"}]

    def arrives(self, message: Message) -> None:
        """Note what a message of the runtime must do."""
        self.arriving.append(message)
        match message.kind:
            case "answer":
                self.ends(message.key, "error" if isinstance(message.outcome, tuple) else "result", message.outcome)
            case "long":
                self.ends(message.key, "too long")
                self.bad_lines += 1
            case "unclear":
                for key in self.sent.intersection(self.pending()):
                    self.endings[key] = "too long", None
                    self.ended_by[key] = len(self.arriving) - 1
                self.bad_lines += 1
            case "probe":
                self.proved(f"probe {message.key}")
            case "stray":
                self.strays += 1
            case "noise":
                self.bad_lines += 1
            case "ask":
                self.asked.append(message.key)
            case _:
                pass

    def ends(self, key: int, kind: str, outcome: Outcome = None) -> None:
        if key in self.pending():
            self.endings[key] = kind, outcome
            self.ended_by[key] = len(self.arriving) - 1
            self.proved(f"call {key}")

    def proved(self, name: str) -> None:
        place = max((index for index, line in enumerate(self.unproved) if line.name == name), default=-1)
        del self.unproved[: place + 1]

    def pending(self) -> list[int]:
        return [key for key in self.calls if key not in self.endings]

    def params(self, share: float) -> bytes:
        return b'{"p":"%b"}' % (b"x" * max(0, int(share * self.unit) - OVERHEAD))

    # What was promised

    @invariant()
    def every_call_is_where_it_must_be(self) -> None:
        self.steps += 1
        for key, call in self.calls.items():
            if call.done and key not in self.endings:
                # Given up, so it was not sent again; anybody else's would have been.
                assert call.abandoned
                assert isinstance(call.error, RequestLostError)
                assert self.runtime.lost[f"call {key}"]
                self.endings[key] = "lost", None
                self.queued.remove(f"call {key}")
            assert call.done == (key in self.endings)
            if call.done:
                check_ending(call, *self.endings[key])
        assert self.protocol.pending == len(self.pending())

    @invariant()
    def nothing_runs_twice_or_out_of_order(self) -> None:
        assert all(count == 1 for count in self.runtime.ran.values()), self.runtime.ran
        places = {name: index for index, name in enumerate(self.queued)}
        order = [places[name] for name in self.runtime.taken]
        assert order == sorted(order)

    @invariant()
    def everything_odd_is_counted(self) -> None:
        counters = self.protocol.counters
        assert (counters.strays, counters.bad_lines) == (self.strays, self.bad_lines)

    def teardown(self) -> None:
        if not hasattr(self, "protocol"):
            return
        if self.failed:
            assert self.protocol.data_to_send() == b""
            assert (self.protocol.pending, self.protocol.waiting, self.protocol.probing) == (0, 0, False)
            return
        self.settle()
        self.everything_took_its_way()
        self.the_window_is_free()

    def settle(self) -> None:
        """Let a runtime that loses nothing more read and answer everything."""
        for _ in range(1000):
            self.write()
            self.runtime.read()
            for key in self.runtime.open[:]:
                self.runtime.answer(key, error=False)
            for _ in self.runtime.probes[:]:
                self.runtime.answer_probe()
            idle = self.runtime.idle and not self.runtime.wire
            self.deliver(None)
            self.every_call_is_where_it_must_be()
            if idle and not self.protocol.waiting and not self.protocol.probing:
                return
            if idle:
                self.probe_again(write=True)
        pytest.fail(f"{self.protocol.waiting} lines wait for ever")

    def everything_took_its_way(self) -> None:
        self.nothing_runs_twice_or_out_of_order()
        assert all(call.done for call in self.calls.values())
        assert (self.protocol.pending, self.protocol.waiting, self.protocol.probing) == (0, 0, False)
        assert self.runtime.cancels == self.cancels
        may_not_run = {f"call {key}" for key, (kind, _) in self.endings.items() if kind == "too long"}
        may_not_run |= {f"call {key}" for key, ending in self.endings.items() if is_parse_error(ending)}
        assert [name for name in self.queued if not self.runtime.ran[name] and name not in may_not_run] == []

    def the_window_is_free(self) -> None:
        """Everything that went out is known to be read once the last of it is."""
        self.call([(0.0, False, False)], flush=True)
        self.settle()
        half = (self.unit - PROBE_ROOM) // 2 - OVERHEAD - 5
        calls = [self.protocol.call("m", b'{"p":"%b"}' % (b"x" * half)) for _ in range(2)]
        lines = self.protocol.data_to_send().splitlines()
        assert [name_of(json.loads(line)) for line in lines] == [f"call {call.key}" for call in calls]


def is_parse_error(ending: tuple[str, Outcome]) -> bool:
    return ending[0] == "error" and isinstance(ending[1], tuple) and ending[1][0] == PARSE_ERROR


def check_ending(call: Call, kind: str, outcome: Outcome) -> None:
    """Whether a call ended as it must."""
    error = call.error
    match kind:
        case "result":
            assert error is None
            assert json.loads(bytes(call.result)) == outcome
        case "error":
            assert isinstance(error, ErrorBody)
            assert (error.code, error.message) == outcome
        case "too long":
            assert isinstance(error, MessageTooLargeError)
        case "lost":
            assert isinstance(error, RequestLostError)
        case "gone":
            assert isinstance(error, MeerkatError)
            assert error.message == "gone"
        case _:
            assert error is None
            assert call.result is NO_VALUE


TestConversation = pytest.mark.requirement("T15", "T03", "T04", "C01")(Conversation.TestCase)
