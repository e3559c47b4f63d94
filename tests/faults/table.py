"""The fault matrix: what a user sees of each fault of a runtime, in each phase of a connection.

`test_matrix` plays every cell with a turn of somebody else under way, and looks at what is left afterwards. A new fault
is one more line of `MATRIX`, and a function in ``tests/support/misbehaving.py`` if the runtime cannot commit it yet.
"""

from __future__ import annotations

import inspect
import json
import re
import signal
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

from meerkat import (
    CONTRACT_VERSION,
    ContractMismatchError,
    DeadlineExceededError,
    InternalError,
    InvalidParamsError,
    InvalidResponseError,
    MeerkatClient,
    MeerkatError,
    MessageTooLargeError,
    MethodNotFoundError,
    ParseError,
    ProtocolViolationError,
    RuntimeExitedError,
    RuntimeStartError,
    SessionNotFoundError,
    SubscriptionEndedError,
    TurnFailedError,
)
from meerkat import _runs as runs
from meerkat._core import connection, process
from tests.support.misbehaving import GREETING, SESSION, USAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

PHASES: Final[Mapping[str, str]] = {
    "start": "before the runtime has read anything; the user connects",
    "handshake": "in place of the answer to `initialize`; the user connects",
    "idle": "when nothing new is asked; the user follows a subscription, and then asks something",
    "call": "in place of the answer to `session/list`; the user waits for it",
    "stream": "in the middle of the events of a turn; the user iterates over them",
    "turn": "in place of the answer to a turn whose events are all out; the user iterates, or waits for the result",
    "close": "when the runtime's input ends; the user closes the client",
}
"""The columns: when a fault is committed, and what the user does then."""


class Grace(Enum):
    """A time that the client gives the runtime. Its value is where it is set, and its length in seconds for users.

    A cell in which it passes names it: what a user waits there is at most the sum of those that it names, and all else
    is at once. When a cell is played, these are short and all others longer than it may take: none passes unnoticed.
    """

    CONNECT = (MeerkatClient, "connect_timeout", 30.0)  # to answer the handshake
    DEADLINE = (MeerkatClient, "timeout", 60.0)  # to answer a call; turns have none unless asked
    EXIT = (process.RuntimeProcess, "exit_grace", 1.0)  # to end, after it has closed a pipe
    DRAIN = (connection, "DRAIN_GRACE", 0.5)  # for output to come after its end, while others hold the pipe open
    RUNNING = (runs, "GRACE_RUNNING", 2.0)  # to write the last event of a run behind the answer to its turn
    ABANDONED = (runs, "GRACE_ABANDONED", 5.0)  # to answer a turn that was cancelled, before the session has another
    CANCEL = (connection, "CANCEL_GRACE", 1.0)  # to give up what is under way when the client is closed
    SHUTDOWN = (MeerkatClient, "shutdown_grace", 6.0)  # to end after its input has ended; then TERM
    SIGNAL = (process, "SIGNAL_GRACE", 2.0)  # to end after TERM; then KILL
    FLUSH = (connection, "FLUSH_GRACE", 0.5)  # for the last lines to reach the pipe when the client is closed
    FAILED = (runs, "GRACE_FAILED", 0.5)  # to write the last event of a run behind the error of its turn


def _length(grace: Grace) -> float:
    place, name, _ = grace.value
    default = inspect.signature(place).parameters[name].default if place is MeerkatClient else getattr(place, name)
    return float(default)


LENGTHS: Final[Mapping[Grace, float]] = {grace: _length(grace) for grace in Grace}
"""How long the graces really are: looked up before any test changes them."""

Harm = Literal["nobody", "own", "waiting", "everybody"]


@dataclass(frozen=True)
class Cell:
    """What a user sees of a fault.

    Attributes:
        harm: Who gets an error: nobody; the user's own call; whoever waits at that moment; or everybody, now and
            later, since the connection has ended. Whoever gets none goes on as if nothing had been.
        kind: The exact class of that error.
        waits: The graces that pass before the user knows, and before the client is closed.
        dumb: Whether nothing at all is answered any more, so that others wait for their deadlines too.
        end: Exit status of the runtime after closing, where that is the phase; ``None`` for what the row tells.
        impossible: Why there is nothing to play.
    """

    harm: Harm = "nobody"
    kind: type[MeerkatError] | None = None
    waits: frozenset[Grace] = frozenset()
    dumb: bool = False
    end: int | None = None
    impossible: str = ""

    def after(self, *graces: Grace) -> Cell:
        """The same after these graces."""
        return replace(self, waits=self.waits | set(graces))

    def in_phase(self, phase: str) -> Cell:
        """The same in a phase: without a handshake there is no connection, and so no call."""
        cell = self
        if phase in {"start", "handshake"} and self.harm != "nobody":
            kind = RuntimeStartError if self.kind in {RuntimeExitedError, DeadlineExceededError} else self.kind
            waits = {Grace.CONNECT if grace is Grace.DEADLINE else grace for grace in self.waits}
            cell = replace(self, harm="everybody", kind=kind, waits=frozenset(waits - {Grace.CANCEL}))
        if phase in {"stream", "turn"} and self.kind is DeadlineExceededError and not self.dumb:
            cell = cell.after(Grace.ABANDONED, Grace.CANCEL)
        return cell


def _own(kind: type[MeerkatError]) -> Cell:
    return Cell("own", kind)


_DIES = Cell("everybody", RuntimeExitedError)
_FLOODED = Cell("everybody", ProtocolViolationError)
_LOST = _own(DeadlineExceededError).after(Grace.DEADLINE)
_SILENT = replace(_LOST, dumb=True).after(Grace.CANCEL)
_STUBBORN = (Grace.SHUTDOWN, Grace.SIGNAL)

CELLS: Final[Mapping[str, Cell]] = {
    "fine": Cell(),
    # The connection has ended. While connecting, that is a RuntimeStartError; so it is when no answer comes in time.
    "dies": _DIES,
    "stays": _DIES.after(Grace.EXIT),
    "shuts": _DIES.after(Grace.EXIT, Grace.SHUTDOWN),
    "held": _DIES.after(Grace.DRAIN),
    "flooded": _FLOODED,
    "drowned": _FLOODED.after(*_STUBBORN),
    # No answer.
    "lost": _LOST,
    "silent": _SILENT,
    "frozen": _SILENT.after(*_STUBBORN),
    # An error for somebody.
    "all": Cell("waiting", MessageTooLargeError),
    "large": _own(MessageTooLargeError),
    "invalid": _own(InvalidResponseError),
    "unknown": _own(MeerkatError),
    "internal": _own(InternalError),
    "failed": _own(TurnFailedError),
    "missing": _own(SessionNotFoundError),
    "params": _own(InvalidParamsError),
    "method": _own(MethodNotFoundError),
    "parse": _own(ParseError),
    "version": _own(ContractMismatchError),
    "ended": _own(SubscriptionEndedError),
    # It takes longer.
    "later": Cell().after(Grace.RUNNING),
    "term": Cell(end=-signal.SIGTERM).after(Grace.SHUTDOWN),
    "kill": Cell(end=-signal.SIGKILL).after(*_STUBBORN),
    # Nothing to play.
    "(none)": Cell(impossible="nothing has been asked yet that could be answered"),
    "(done)": Cell(impossible="all that was asked is answered; `nobody` and `twice` answer more than that"),
    "(order)": Cell(impossible="no events are under way that could be in another order"),
    "(always)": Cell(impossible="in each of these cells a newer call is answered before an older one anyway"),
    "(greet)": Cell(impossible="a greeting answers nothing else"),
    "(list)": Cell(impossible="a list of sessions answers nothing else"),
    "(result)": Cell(impossible="the result of a turn answers nothing else"),
    "(sub)": Cell(impossible="no subscription is open that could end"),
}
"""What the words in the matrix mean."""

MATRIX: Final = r"""
fault              start    handshake idle     call     stream   turn     close    counted       says

# It ends, or does what comes to the same: T06 T07 T08
exit:3             dies     dies      dies     dies     dies     dies     fine     -             exited with status 3
exit:0             dies     dies      dies     dies     dies     dies     fine     -             exited with status 0
half exit:0        dies     dies      dies     dies     dies     dies     fine     -             exited with status 0
kill:SIGKILL       dies     dies      dies     dies     dies     dies     fine     -             ended by SIGKILL
kill:SIGSEGV       dies     dies      dies     dies     dies     dies     fine     -             ended by SIGSEGV
close              stays    stays     stays    stays    stays    stays    fine     -             closed its output but
shut               shuts    shuts     shuts    shuts    shuts    shuts    term     -             closed its input but
grandchild:7       held     held      held     held     held     held     fine     -             exited with status 7
daemon:7           held     held      held     held     held     held     fine     -             exited with status 7

# It lives and does not answer: C02 T07 T08 S06
mute               silent   silent    silent   silent   silent   silent   fine     -             within
half mute          silent   silent    silent   silent   silent   silent   fine     -             within
stop               frozen   frozen    frozen   frozen   frozen   frozen   kill     -             within
deaf               frozen   frozen    frozen   frozen   frozen   frozen   kill     -             within
forget             (none)   lost      (done)   lost     lost     lost     (done)   -             within
textid             (none)   lost      (done)   lost     lost     lost     (done)   1 bad         within

# It talks too much: T03 T05 T08
stderr flood       fine     fine      fine     fine     fine     fine     fine     -             -
slowly             fine     fine      fine     fine     fine     fine     fine     -             -
blank              fine     fine      fine     fine     fine     fine     fine     -             -
noise              fine     fine      fine     fine     fine     fine     fine     3 bad         -
scalars            fine     fine      fine     fine     fine     fine     fine     5 bad         -
arrays             fine     fine      fine     fine     fine     fine     fine     3 bad         -
utf8               fine     fine      fine     fine     fine     fine     fine     3 bad         -
objects            fine     fine      fine     fine     fine     fine     fine     4 bad         -
nulls              fine     fine      fine     fine     fine     fine     fine     2 bad         -
flood:1500         flooded  flooded   flooded  flooded  flooded  flooded  fine     -             1,001 lines that are
flood and deaf     drowned  drowned   drowned  drowned  drowned  drowned  kill     -             1,001 lines that are

# Lines over the limit: T02 T07
long:5000          all      all       all      all      all      all      fine     1 bad         over the limit of 4,096
longanswer:5000    (none)   large     (done)   large    large    large    (done)   1 bad         over the limit of 4,096
long:300000000     all      all       all      all      all      all      fine     1 bad         limit of 268,435,456
long 300 MB answer (none)   large     (done)   large    large    large    (done)   1 bad         limit of 268,435,456

# Answers to nobody, twice, late, or to whom they do not say: T03 T04 T07 S03
nobody             fine     fine      fine     fine     fine     fine     fine     4 late 1 bad  -
twice              (none)   fine      fine     fine     fine     fine     fine     1 late        -
late               (none)   fine      (always) (always) (always) (always) (always) -             -
stray:-32700       parse    parse     fine     parse    parse    parse    fine     1 stray       wrong
stray:-32602       params   params    fine     params   params   params   fine     1 stray       wrong
stray:-32603       internal internal  fine     internal failed   failed   fine     1 stray       wrong

# Answers that do not fit: C03 C04 C07 C10 T07
result:null        (none)   invalid   (done)   invalid  invalid  invalid  (done)   -             got `null`
result:17          (none)   invalid   (done)   invalid  invalid  invalid  (done)   -             got `int`
result:"text"      (none)   invalid   (done)   invalid  invalid  invalid  (done)   -             got `str`
result:[]          (none)   invalid   (done)   invalid  invalid  invalid  (done)   -             got `array`
result:{}          (none)   invalid   (done)   invalid  invalid  invalid  (done)   -             missing required field
mistyped list      (none)   (list)    (done)   invalid  (list)   (list)   (done)   -             \$\.sessions
mistyped item      (none)   (list)    (done)   invalid  (list)   (list)   (done)   -             \$\.sessions\[0\]
mistyped result    (none)   (result)  (done)   (result) invalid  invalid  (done)   -             \$\.session_id
mistyped greeting  (none)   invalid   (greet)  (greet)  (greet)  (greet)  (greet)  -             \$\.contract_version
nameless greeting  (none)   invalid   (greet)  (greet)  (greet)  (greet)  (greet)  -             \$\.server_info
unversioned        (none)   version   (greet)  (greet)  (greet)  (greet)  (greet)  -             contract version ,
other version      (none)   version   (greet)  (greet)  (greet)  (greet)  (greet)  -             0\.0\.1.*VERSION
neither            (none)   invalid   (done)   invalid  invalid  invalid  (done)   -             neither a result nor
both               (none)   internal  (done)   internal failed   failed   (done)   -             wrong
stringerror        (none)   invalid   (done)   invalid  invalid  invalid  (done)   1 bad         answer was skipped
coded              (none)   invalid   (done)   invalid  invalid  invalid  (done)   1 bad         answer was skipped
error:-32001       (none)   missing   (done)   missing  missing  missing  (done)   -             wrong \(code -32001\)
error:-32601       (none)   method    (done)   method   method   method   (done)   -             wrong
error:-32602       (none)   params    (done)   params   params   params   (done)   -             wrong
error:-32603       (none)   internal  (done)   internal failed   failed   (done)   -             wrong
error:-12345       (none)   unknown   (done)   unknown  unknown  unknown  (done)   -             wrong \(code -12345\)

# Events that are new, do not fit, belong to nobody, or come in another order: S03 S05 S09 S10 S11 S13 T03
new events         fine     fine      fine     fine     fine     fine     fine     3 homeless    -
malformed events   fine     fine      fine     fine     fine     fine     fine     3 homeless    -
new enum value     fine     fine      fine     fine     fine     fine     fine     1 homeless    -
new field          fine     fine      fine     fine     fine     fine     fine     1 homeless    -
broken envelopes   fine     fine      fine     fine     fine     fine     fine     6 bad         -
new notifications  fine     fine      fine     fine     fine     fine     fine     -             -
strange session    fine     fine      fine     fine     fine     fine     fine     1 unclaimed   -
gap:5              (order)  (order)   (order)  (order)  fine     (order)  (order)  1 gap         -
early              (order)  (order)   (order)  (order)  fine     (order)  (order)  -             -
backwards          (order)  (order)   (order)  (order)  fine     (order)  (order)  -             -
unfinished         (order)  (order)   (order)  (order)  later    (order)  (order)  -             -
endstream          (sub)    (sub)     ended    (sub)    (sub)    (sub)    (sub)    -             reader was too slow
"""

COUNTERS: Final[Mapping[str, str]] = {
    "bad": "bad_lines",
    "late": "late_answers",
    "stray": "strays",
    "gap": "gaps",
    "unclaimed": "unclaimed_events",
    "homeless": "unclaimed_events",  # but in the phases in which a run is under way that takes them
}
"""What is counted, and its name in `Diagnostics`."""


def _events(*payloads: object) -> list[str]:
    return ["event:" + json.dumps(payload) for payload in payloads]


def _notifications(*messages: object) -> list[str]:
    return ["notify:" + json.dumps(message) for message in messages]


def _in_envelope(payload: object, **changes: object) -> dict[str, Any]:
    event = {"event_id": "e", "source_id": "s", "source": {"type": "session", "session_id": SESSION}}
    return {"session_id": SESSION, "event": {**event, "seq": 4, "timestamp_ms": 1, "payload": payload, **changes}}


def _greeting(**changes: object) -> list[str]:
    return ["result:" + json.dumps({**GREETING, "contract_version": CONTRACT_VERSION, **changes})]


_TURN_STARTED = {"type": "turn_started", "turn_number": 0}

FAULTS: Final[Mapping[str, list[str]]] = {
    "stderr flood": ["stderr:10485760"],
    "flood and deaf": ["flood:20000", "deaf"],
    "long 300 MB answer": ["longanswer:300000000"],
    "mistyped list": ['result:{"sessions":5}'],
    "mistyped item": ['result:{"sessions":[{"session_id":7}]}'],
    "mistyped result": ['result:{"session_id":5,"text":"","turns":0,"tool_calls":0,"usage":{}}'],
    "mistyped greeting": _greeting(contract_version=5),
    "nameless greeting": _greeting(server_info=None),
    "unversioned": _greeting(contract_version=""),
    "other version": _greeting(contract_version="0.0.1"),
    "new events": _events({"type": "novel_event", "n": [1, {"a": None}]}, {"type": 7}, {"n": 1}),
    "malformed events": _events(
        {"type": "text_delta"}, {"type": "text_delta", "delta": 5}, {"type": "turn_completed", "stop_reason": None}
    ),
    "new enum value": _events({"type": "turn_completed", "stop_reason": "novel", "usage": USAGE}),
    "new field": _events({"type": "text_delta", "delta": "", "novel": {"a": 1}}),
    "broken envelopes": _notifications(
        {"method": "session/event", "params": {}},
        {"method": "session/event", "params": {"session_id": SESSION, "event": None}},
        {"method": "session/event", "params": _in_envelope(None)},
        {"method": "session/event", "params": {**_in_envelope({"type": "text_delta"}), "session_id": 5}},
        {"method": "session/event", "params": _in_envelope({"type": "text_delta"}, seq="four")},
        {"method": "session/stream_event", "params": {"stream_id": 3}},
    ),
    "new notifications": _notifications(
        *({"method": name, "params": [1]} for name in ("novel/notification", "cancel", "", "session/list"))
    ),
    "strange session": _notifications(
        {"method": "session/event", "params": {**_in_envelope(_TURN_STARTED), "session_id": "strange"}}
    ),
}
"""Faults of rows whose name is not their fault."""


@dataclass(frozen=True)
class Row:
    """A line of the matrix.

    Attributes:
        name: Its first column.
        faults: What the runtime does, in order, as ``tests/support/misbehaving.py`` names it.
        cells: What the user sees, by phase.
        counts: What is counted, by the words of `COUNTERS`.
        says: What the error says, as a regular expression.
        keeps: The promises that it is about.
    """

    name: str
    faults: list[str]
    cells: Mapping[str, Cell]
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    says: str = ""
    keeps: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Options of the client."""
        return {"max_line_bytes": 4096} if "4,096" in self.says else {}

    @property
    def ends(self) -> bool:
        """Whether the runtime ends or breaks off; it says some last words before."""
        return "exited" in self.says or "ended by" in self.says or "closed its" in self.says

    @property
    def status(self) -> int | None:
        """Exit status that the error tells."""
        if found := re.fullmatch(r"exited with status (\d)", self.says):
            return int(found[1])
        found = re.fullmatch(r"ended by (SIG\w+)", self.says)
        return -signal.Signals[found[1]] if found else None

    @property
    def alone(self) -> bool:
        """Whether no turn of somebody else is under way: what is about nobody can be about it."""
        return "stray" in self.counts


def read(text: str = MATRIX) -> list[Row]:
    """Read the matrix.

    Raises:
        ValueError: A line that is no row: with another number of columns, or words that mean nothing.
    """
    heading, *lines = [line for line in text.splitlines() if line]
    columns = [(found.start(), found[0]) for found in re.finditer(r"\S+", heading)]
    starts = [start for start, _ in columns]
    if [name for _, name in columns] != ["fault", *PHASES, "counted", "says"]:
        raise ValueError(f"the heading does not name the columns: {heading}")
    keeps: tuple[str, ...] = ()
    rows: list[Row] = []
    for line in lines:
        if line.startswith("#"):
            keeps = tuple(line.rpartition(": ")[2].split())
            continue
        values = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        name, *words, counted, says = values
        if any(line[start - 1] != " " for start in starts[1:]) or not all(values):
            raise ValueError(f"not in columns: {line}")
        if unknown := [word for word in words if word not in CELLS]:
            raise ValueError(f"{name}: no such cell: {', '.join(unknown)}")
        cells = {phase: CELLS[word].in_phase(phase) for phase, word in zip(PHASES, words, strict=True)}
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", counted)}
        says = "" if says == "-" else says.replace("VERSION", re.escape(CONTRACT_VERSION))
        rows.append(Row(name, FAULTS.get(name) or name.split(), cells, counts, says, keeps))
    return rows
