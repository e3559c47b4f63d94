"""Which events belong to whom: the runs of a session, and the turns that this client waits for. No I/O.

The runtime does not say which request a run belongs to. What ties them together is the prompt: the run of a turn is the
one whose ``run_started`` prompt is, or ends with, what was sent, since the runtime may put earlier text before it
(a deferred session's first prompt, events that were waiting). Other runs of the session, of peers, schedules or failed
inputs that the runtime tries again, are not the caller's.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

import anyio
import msgspec

from meerkat._core.framing import NO_VALUE, ErrorBody
from meerkat._generated.types.content import TextBlock
from meerkat._generated.types.events import (
    ExtractionFailed,
    ExtractionSucceeded,
    RunCompleted,
    RunFailed,
    RunStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meerkat._core.call import Call
    from meerkat._core.inbox import Inbox
    from meerkat._diagnostics import Tally
    from meerkat._generated.types.events import AgentEvent
    from meerkat._session_events import EventEnvelope

# How long after a turn's answer its last event may take, in seconds without any event of it.
GRACE_RUNNING: Final = 2.0
GRACE_FAILED: Final = 0.5
GRACE_CANCELLED: Final = 0.1
GRACE_ABANDONED: Final = 5.0  # for the answer itself: a turn that the runtime never started is not even cancelled

# How long a turn may show no sign of life before its run starts, while no other run of the session is under way.
STALLED: Final = 5.0

# A turn that is sent while a run of others is under way may never start, so it waits for that run: how long one that
# the client caused may take to start and may stay silent, and how long the runtime needs to put any of them away.
FOREIGN_START: Final = 2.0
FOREIGN_SILENCE: Final = 30.0
FOREIGN_END: Final = 0.1

# The runtime runs a failed input again, up to so many times in all: ahead of the next turn, and then right behind it.
ATTEMPTS: Final = 3
RERUN_START: Final = 0.5
FAILED_INPUTS: Final = 16  # that are remembered for one session

REQUEST_CANCELLED: Final = -32005
_REFUSED: Final = frozenset({-32600, -32601, -32602, -32001, -32002, -32004})


class EventGap(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Numbers are missing in the runtime's count of a session's events.

    The runtime drops events when it produces them faster than they are read, without saying so; events that it sends
    to subscriptions only take numbers too, so a gap is not always a loss. The final text is whole all the same.
    It is the last event of a stream whose run succeeded although its end never came. In a subscription it also stands
    for an event that could not be read.

    Attributes:
        missing: How many numbers are missing; at the end of a stream at least so many, since no number follows.
        after_seq: The last number before the gap.
    """

    missing: int
    after_seq: int


def prompt_text(prompt: object) -> str:
    """Text of a prompt as the runtime tells it again: text blocks joined by newlines, other blocks left out."""
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, list | tuple):
        return ""
    parts: list[str] = []
    for block in prompt:  # pyright: ignore[reportUnknownVariableType]  # whatever the caller gave
        if isinstance(block, TextBlock):
            parts.append(block.text)
        elif isinstance(block, dict) and isinstance(block.get("text"), str):  # pyright: ignore[reportUnknownMemberType]
            parts.append(block["text"])  # pyright: ignore[reportUnknownArgumentType]
    return "\n".join(parts)


class _Change:
    """Lets any number of tasks wait for the next change."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    async def wait(self) -> None:
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()

    def tell(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None


class Turn:
    """One turn that this client asked for, from before it is sent until its last event.

    Attributes:
        prompt: Text of its prompt.
        inbox: Takes its events, or ``None`` when nobody wants them.
        session_id: Its session; empty while a session that is being created is not known.
        failure: The event that tells why its run failed.
        over: Whether nothing more comes.
        last_seq: Number of its last event.
        on_started: Called when its run starts.
    """

    def __init__(self, prompt: str, inbox: Inbox[AgentEvent | EventGap] | None = None) -> None:
        self.prompt = prompt
        self.inbox = inbox
        self.session_id = ""
        self.failure: RunFailed | None = None
        self.over = False
        self.last_seq = 0
        self.on_started: Callable[[], None] | None = None
        self._call: Call | None = None
        self._started = False
        self._ended = False
        self._last_sign = time.monotonic()
        self._changed = _Change()

    def sent(self, call: Call) -> None:
        """Note the call that carries it."""
        self._call = call
        self._last_sign = time.monotonic()
        call.on_done += (self._answered,)

    @property
    def answered(self) -> bool:
        """Whether its call is settled."""
        return self._call is not None and self._call.done

    @property
    def patience(self) -> float | None:
        """Seconds that may still pass without an event before it is over; ``None`` while an answer is due."""
        if self.over:
            return 0.0
        call = self._call
        if call is None or not (call.done or call.abandoned):
            return None
        return max(0.0, self._grace(call) - (time.monotonic() - self._last_sign))

    def bind(self, session_id: str) -> None:
        """Its session is known."""
        self.session_id = session_id
        self._notify()

    async def wait_bound(self) -> None:
        """Wait until its session is known, or never will be."""
        while not (self.session_id or self.answered or self.over):
            await self._changed.wait()

    def started(self) -> None:
        """Its run has started."""
        self._started = True
        self._ended = False
        self._changed.tell()
        if self.on_started is not None:
            self.on_started()

    async def wait_started(self, last_sign: Callable[[], float]) -> bool:
        """Wait until its run starts or nobody waits for that any more; return false when it takes too long.

        Args:
            last_sign: When the session last showed that it has other things to do, on the monotonic clock.
        """
        while (call := self._call) is not None and not (self._started or self.over or call.done or call.abandoned):
            patience = max(self._last_sign, last_sign()) + STALLED - time.monotonic()
            if patience <= 0:
                return False
            with anyio.move_on_after(patience):
                await self._changed.wait()
        return True

    def take(self, event: AgentEvent | EventGap, size: int) -> None:
        """An event of its run."""
        self._last_sign = time.monotonic()
        if self.inbox is not None:
            self.inbox.put(event, size)

    def take_all(self, events: list[AgentEvent | EventGap], size: int) -> None:
        """Events of its run that came together."""
        self._last_sign = time.monotonic()
        if self.inbox is not None:
            self.inbox.put_all(events, size)

    def ended(self, failure: RunFailed | None) -> None:
        """Its run has ended."""
        self._ended = True
        self.failure = failure
        self._check()

    def abandon(self) -> None:
        """Nobody follows it any more; its call may have been cancelled, or goes on."""
        self.inbox = None
        self._last_sign = time.monotonic()
        self._notify()

    def finish(self) -> None:
        """Nothing more comes."""
        if not self.over and self._end_is_missing() and self.inbox is not None:
            self.inbox.put(EventGap(missing=1, after_seq=self.last_seq), 0)
        self.over = True
        # Its session may remember the turn for long, and must not keep the answer with it.
        self._call = self.on_started = None
        self._notify()

    async def wait_over(self) -> None:
        """Wait until it is over."""
        while not self.over:
            patience = self.patience
            if patience == 0.0:
                self.finish()
                return
            with anyio.move_on_after(patience):
                await self._changed.wait()

    def _answered(self) -> None:
        self._last_sign = time.monotonic()
        self._check()
        self._notify()

    def _check(self) -> None:
        if self._ended and self.answered:
            self.finish()

    def _end_is_missing(self) -> bool:
        call = self._call
        succeeded = call is not None and call.done and call.error is None and call.result is not NO_VALUE
        return succeeded and self._started and not self._ended

    def _notify(self) -> None:
        if self.inbox is not None:
            if self.over:
                self.inbox.close()
            self.inbox.wake()
        self._changed.tell()

    def _grace(self, call: Call) -> float:
        error = call.error
        if not call.done:
            return GRACE_ABANDONED
        if error is None:
            return 0.0 if call.result is NO_VALUE else GRACE_RUNNING  # without a result it never went out
        if not isinstance(error, ErrorBody):
            return 0.0
        if error.code == REQUEST_CANCELLED:
            return GRACE_CANCELLED
        if not self._started and error.code in _REFUSED:
            return 0.0
        return GRACE_FAILED


class SessionRuns:
    """The runs of one session as its events tell them, and the client's turns in it, one after the other."""

    def __init__(self, session_id: str, tally: Tally) -> None:
        self.session_id = session_id
        self._tally = tally
        self._last_seq: int | None = None
        self._waiting: list[Turn] = []  # turns whose run has not started, or may start again
        self._current: Turn | None = None  # the turn whose run is under way
        self._foreign = False  # a run of somebody else is under way
        self._expected = 0  # runs of others that this client caused and that have not ended
        self._last_foreign = -math.inf
        self._start_grace = FOREIGN_START  # how long the newest expected run may take to start
        self._text = ""  # prompt of the newest run
        self._failed: dict[str, int] = {}  # attempts so far at inputs that failed and are run again
        self._changed = _Change()
        self._entrance = anyio.Lock()
        self._previous: Turn | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is under way that this client has to do with."""
        turns = [*self._waiting, self._previous]
        if self._entrance.locked() or self._others_patience() > 0:
            return False
        return all(turn is None or turn.patience == 0.0 for turn in turns)

    @property
    def heard_of(self) -> bool:
        """Whether the runtime ever sent an event of it."""
        return self._last_seq is not None

    # One turn after the other

    async def enter(self, turn: Turn) -> None:
        """Wait until a turn may be sent; the caller sends it before it waits for anything else.

        The runtime would take a second turn and might never start it. So it waits for the answer and the last event of
        the turn before, and for the end of the runs of others that are under way or that the client caused.
        """
        async with self._entrance:
            if self._previous is not None:
                await self._previous.wait_over()
                self._forget(self._previous)
            await self._others_over()
            self.adopt(turn)

    def adopt(self, turn: Turn) -> None:
        """Take a turn that is sent now, or was sent before its session was known."""
        self._previous = turn
        self._waiting.append(turn)
        turn.bind(self.session_id)

    def _forget(self, turn: Turn | None) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        if self._current is turn:
            self._current = None
        if self._previous is turn:
            self._previous = None

    # Runs of others

    def last_sign(self) -> float:
        """When a run of others last showed that it is under way; now, as long as it is."""
        return time.monotonic() if self._foreign else self._last_foreign

    def expect_run(self) -> None:
        """Note that the client caused a run which is not a turn; a turn that is sent before its end may never start."""
        self._expect(FOREIGN_START)

    def _expect(self, grace: float) -> None:
        self._expected += 1
        self._start_grace = grace
        self._last_foreign = time.monotonic()

    async def _others_over(self) -> None:
        while (patience := self._others_patience()) > 0:
            with anyio.move_on_after(patience):
                await self._changed.wait()
        self._expected = 0

    def _others_patience(self) -> float:
        """Seconds that may still pass without a sign of a run of others."""
        if self._foreign:
            grace = FOREIGN_SILENCE if self._expected else FOREIGN_START
        else:
            grace = self._start_grace if self._expected else FOREIGN_END
        return self._last_foreign + grace - time.monotonic()

    # Events

    def receive(self, seq: int, event: AgentEvent, size: int) -> Turn | None:
        """Take the next event of the session; return the turn that it was given to."""
        gap = self._gap(seq)
        if isinstance(event, RunStarted):
            self._run_started(event)
            gap = None  # what is missing came before this run
        turn = self._current
        if turn is None and not self._foreign:
            turn = next((turn for turn in self._waiting if not turn.over), None)  # it is about the run that comes
        if turn is not None:
            if gap is not None:
                turn.take(gap, 0)
            turn.take(event, size)
            turn.last_seq = seq
        elif self._foreign:
            self._last_foreign = time.monotonic()
        if isinstance(event, _LAST_EVENTS) and not (isinstance(event, RunCompleted) and event.extraction_required):
            self._run_ended(event if isinstance(event, RunFailed) else None)
        return turn

    def receive_all(self, envelopes: list[EventEnvelope], size: int) -> Iterable[Turn | None]:
        """Take events of the session that came together, so many bytes in all; return the turns they were given to."""
        events: list[AgentEvent | EventGap] = [envelope.payload for envelope in envelopes]
        seqs = [envelope.seq for envelope in envelopes]
        turn = self._current
        if turn is not None and self._follow(seqs) and _TURNING_POINTS.isdisjoint(map(type, events)):
            self._last_seq = seqs[-1]
            turn.take_all(events, size)
            turn.last_seq = seqs[-1]
            return (turn,)
        each = size // len(envelopes)
        return {self.receive(envelope.seq, envelope.payload, each) for envelope in envelopes}

    def _follow(self, seqs: list[int]) -> bool:
        """Whether these numbers come next, without a gap."""
        return self._last_seq is not None and seqs == list(range(self._last_seq + 1, self._last_seq + 1 + len(seqs)))

    def end(self) -> None:
        """Take the end of the connection."""
        for turn in {*self._waiting, self._current, self._previous}:
            if turn is not None:
                turn.finish()
        self._waiting.clear()
        self._changed.tell()

    def _gap(self, seq: int) -> EventGap | None:
        last, self._last_seq = self._last_seq, seq
        if last is None or seq <= last + 1:  # numbers start again when the session's agent is built anew
            return None
        gap = EventGap(missing=seq - last - 1, after_seq=last)
        self._tally.gaps += 1
        self._tally.missing_events += gap.missing
        return gap

    def _run_started(self, event: RunStarted) -> None:
        text = self._text = prompt_text(event.prompt)
        self._current = None
        self._waiting = [turn for turn in self._waiting if not turn.over]
        turn = next((turn for turn in self._waiting if self._is_run_of(text, turn)), None)
        self._foreign = turn is None
        if turn is not None:
            self._current = turn
            turn.started()

    def _is_run_of(self, text: str, turn: Turn) -> bool:
        if text == turn.prompt:
            return True
        # A failed input that runs again may end with the same words by chance.
        return text.endswith(turn.prompt) and text not in self._failed

    def _run_ended(self, failure: RunFailed | None) -> None:
        turn, self._current = self._current, None
        if failure is not None:
            self._note_failure(self._text)
        if turn is not None:
            if ATTEMPTS - 1 in self._failed.values():
                self._expect(RERUN_START)
            turn.ended(failure)
            if turn.over:
                self._forget(turn)
        elif self._foreign:
            self._foreign = False
            if failure is None:
                self._failed.pop(self._text, None)
            if self._expected:
                self._expected -= 1
        self._changed.tell()

    def _note_failure(self, text: str) -> None:
        attempts = self._failed.pop(text, 0) + 1
        if attempts < ATTEMPTS:
            self._failed[text] = attempts
        if len(self._failed) > FAILED_INPUTS:
            del self._failed[next(iter(self._failed))]


_LAST_EVENTS: Final = (RunCompleted, RunFailed, ExtractionSucceeded, ExtractionFailed)
_TURNING_POINTS: Final[frozenset[type]] = frozenset((RunStarted, *_LAST_EVENTS))
