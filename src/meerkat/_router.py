"""Where the runtime's notifications and requests go: sessions, subscriptions, tools. Never waits, runs no user code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from meerkat._core.protocol import Notifications
from meerkat._diagnostics import Tally
from meerkat._generated import contract
from meerkat._generated.methods.streams import SESSION_EVENT
from meerkat._generated.methods.tools import TOOL_EXECUTE
from meerkat._generated.types.events import RunStarted
from meerkat._runs import SessionRuns, prompt_text
from meerkat._session_events import lines_decoder, params_decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meerkat._core.codec import Decoder
    from meerkat._core.errors import MeerkatError
    from meerkat._core.inbox import Inbox
    from meerkat._core.protocol import Protocol, Request
    from meerkat._generated.types.tools import ToolExecuteParams
    from meerkat._runs import Turn
    from meerkat._session_events import SessionEventLine, SessionEventParams

logger = logging.getLogger("meerkat.protocol")

E = TypeVar("E")
K = TypeVar("K")

SESSIONS: Final = 4096  # sessions whose runs are followed; past that those with nothing under way are forgotten
HELD: Final = 4 * 1024 * 1024  # bytes of events that wait for the answer that tells whose they are


class Unreadable(NamedTuple):
    """Stands in a subscription for what came for it and does not fit the contract.

    Attributes:
        method: Name of the notification.
        reason: What is wrong with it.
    """

    method: str
    reason: str


class _Addressed(msgspec.Struct, gc=False):
    stream_id: str


class Held(Generic[K, E]):
    """Events of sessions or streams that nobody has claimed yet: they may overtake the answer that names them.

    Kept only while such an answer is due, and up to a limit; what nobody claims is counted.
    """

    def __init__(self, tally: Tally, limit: int = HELD) -> None:
        self._tally = tally
        self._limit = limit
        self._items: dict[K, list[tuple[E, int]]] = {}
        self._size = 0
        self._claims = 0

    def expect(self) -> None:
        """An answer is due that may name a session or stream."""
        self._claims += 1

    def settled(self) -> None:
        """It has come."""
        self._claims -= 1
        if not self._claims:
            self._tally.unclaimed_events += sum(map(len, self._items.values()))
            self._items.clear()
            self._size = 0

    def put(self, key: K, item: E, size: int) -> None:
        """Keep an event, or drop it when nobody can claim it."""
        if not self._claims or self._size + size > self._limit:
            self._tally.unclaimed_events += 1
            return
        self._size += size
        self._items.setdefault(key, []).append((item, size))

    def claim(self, key: K) -> list[tuple[E, int]]:
        """Take what was kept for a session or stream."""
        items = self._items.pop(key, [])
        self._size -= sum(size for _, size in items)
        return items


class Router:
    """Gives every notification to the session or subscription that it belongs to, and every tool call to the tools.

    Args:
        on_tool: Starts the execution of a tool, in the background.

    Attributes:
        tally: Counts of what was noticed on the way.
    """

    def __init__(self, on_tool: Callable[[int | str, ToolExecuteParams], None]) -> None:
        self._on_tool = on_tool
        self._protocol: Protocol | None = None
        self._sessions: dict[str, SessionRuns] = {}
        self._ended_sessions: set[str] = set()  # those of them that have ended, until nothing of them is under way
        self._creating: list[Turn] = []  # first turns of sessions whose id is not known yet
        self.tally = Tally()
        self._held_events: Held[str, SessionEventParams] = Held(self.tally)
        self._streams: dict[str, Inbox[Any]] = {}
        self._held_stream_events: Held[str, Any] = Held(self.tally)
        self._touched: set[Inbox[Any]] = set()
        self._ended = False
        self._routes: dict[str, Callable[[Request], None]] = {
            SESSION_EVENT.name: self._session_event,
            TOOL_EXECUTE.name: self._tool_execute,
        }
        self._stream_decoders: dict[str, Decoder[Any]] = {}

    def attach(self, protocol: Protocol) -> None:
        """Say which protocol the requests come from."""
        self._protocol = protocol
        # Making the decoder takes milliseconds: now, while the runtime starts, and not in the middle of a stream.
        protocol.decode_at_once(SESSION_EVENT.name, lines_decoder())

    # Receiver

    def receive(self, request: Request) -> None:
        """Take one notification or request of the runtime, or notifications that came together."""
        if isinstance(request, Notifications):
            self._session_events(request.lines, request.size)
            return
        route = self._routes.get(request.method) or self._stream_route(request.method)
        try:
            if route is not None:
                route(request)
            elif request.id is not None:
                self._refuse(request.id, request.method)
            else:
                logger.info("the notification %s is not known and was skipped", request.method)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._reject(request, str(error))

    def wake(self) -> None:
        """Wake the consumers of what was taken since the last call."""
        for inbox in self._touched:
            inbox.wake()
        self._touched.clear()
        if self._ended_sessions:
            self._forget_ended()

    def end(self, fault: MeerkatError) -> None:
        """Take the end of the connection."""
        if self._ended:
            return
        self._ended = True
        logger.debug("the connection ended: %s", fault)
        for turn in self._creating:
            turn.finish()
        for runs in self._sessions.values():
            runs.end()
        for inbox in self._streams.values():
            inbox.close()

    # Sessions

    def session(self, session_id: str) -> SessionRuns:
        """Return the runs of a session."""
        runs = self._sessions.get(session_id)
        if runs is None:
            if len(self._sessions) >= SESSIONS:
                self._sessions = {key: kept for key, kept in self._sessions.items() if not kept.idle}
            runs = self._sessions[session_id] = SessionRuns(session_id, self.tally)
        return runs

    def end_session(self, session_id: str) -> None:
        """A session has ended: keep nothing of it, as soon as nothing of it is under way."""
        if session_id in self._sessions:
            self._ended_sessions.add(session_id)
            self._forget_ended()

    def not_found(self, session_id: str) -> None:
        """The runtime says that there is no such session, which it also does for a while of one that failed."""
        runs = self._sessions.get(session_id)
        if runs is not None and not runs.heard_of:
            self.end_session(session_id)

    def _forget_ended(self) -> None:
        over = {key for key in self._ended_sessions if key not in self._sessions or self._sessions[key].idle}
        self._ended_sessions -= over
        for key in over:
            self._sessions.pop(key, None)

    def creating(self, turn: Turn) -> None:
        """Note the first turn of a session whose id the runtime has not told yet."""
        self._creating.append(turn)
        self._held_events.expect()

    def is_creating(self, prompt: str) -> Turn | None:
        """Return a first turn with this prompt whose session is not known yet: a second one could not be told apart."""
        return next((turn for turn in self._creating if turn.prompt == prompt and not turn.session_id), None)

    def created(self, turn: Turn, session_id: str | None) -> None:
        """The answer is here: it names the session, or there is none (``None``), and never will be."""
        if turn not in self._creating:
            return
        self._creating.remove(turn)
        if session_id is not None and not turn.session_id:
            self._bind(turn, session_id)
            for params, size in self._held_events.claim(session_id):
                self._to_session(params, size)
            self.wake()
        elif session_id is not None and turn.session_id != session_id:
            logger.warning("the events of session %s were taken for those of %s", turn.session_id, session_id)
        self._held_events.settled()
        if session_id is None and turn.session_id:
            self.end_session(turn.session_id)

    def _bind(self, turn: Turn, session_id: str) -> None:
        self.session(session_id).adopt(turn)

    def _session_event(self, request: Request) -> None:
        self._to_session(params_decoder().decode(request.params), _size(request))

    def _session_events(self, lines: list[SessionEventLine], size: int) -> None:
        # Most of the time all are of one session: then there is no more to do for many than for one.
        session_id = lines[0].params.session_id
        runs = self._sessions.get(session_id)
        envelopes = [line.params.event for line in lines if line.params.session_id == session_id]
        if runs is not None and len(envelopes) == len(lines):
            self._touch(runs.receive_all(envelopes, size))
            return
        for line in lines:
            self._to_session(line.params, size // len(lines))

    def _to_session(self, params: SessionEventParams, size: int) -> None:
        runs = self._sessions.get(params.session_id)
        event = params.event.payload
        if runs is None:
            turn = self._creator(event) if self._creating else None
            if turn is None:
                self._held_events.put(params.session_id, params, size)
                return
            self._bind(turn, params.session_id)
            runs = self._sessions[params.session_id]
        self._touch([runs.receive(params.event.seq, event, size)])

    def _touch(self, turns: Iterable[Turn | None]) -> None:
        self._touched.update(turn.inbox for turn in turns if turn is not None and turn.inbox is not None)

    def _creator(self, event: object) -> Turn | None:
        """The turn that made a session of which this is the first event."""
        if not isinstance(event, RunStarted):
            return None
        return self.is_creating(prompt_text(event.prompt))

    # Subscriptions

    def opening_stream(self) -> None:
        """A subscription is being opened: its events may come before its id is known."""
        self._held_stream_events.expect()

    def opened_stream(self, stream_id: str | None, inbox: Inbox[Any]) -> None:
        """The answer is here: it names the stream, or there is none (``None``)."""
        if stream_id is not None:
            self._streams[stream_id] = inbox
            for item, size in self._held_stream_events.claim(stream_id):
                inbox.put(item, size)
        self._held_stream_events.settled()

    def forget_stream(self, stream_id: str) -> None:
        """A subscription has ended: keep nothing of it."""
        self._streams.pop(stream_id, None)

    def _stream_route(self, method: str) -> Callable[[Request], None] | None:
        """Find the route of a notification that the contract gives to a subscription, when the first one comes."""
        if method not in contract.NOTIFICATIONS:
            return None
        descriptor = contract.notification(method)
        if descriptor.route_by != "stream_id":
            return None
        self._stream_decoders[method] = descriptor.decoder
        self._routes[method] = self._stream_event
        return self._stream_event

    def _stream_event(self, request: Request) -> None:
        try:
            params: Any = self._stream_decoders[request.method].decode(request.params)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._stream_event_lost(request, str(error))
            raise
        self._to_stream(params.stream_id, params, _size(request))

    def _stream_event_lost(self, request: Request, reason: str) -> None:
        """Tell the subscription, as far as what does not fit says which one it was for."""
        try:
            stream_id = msgspec.json.decode(request.params, type=_Addressed).stream_id
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        self._to_stream(stream_id, Unreadable(request.method, reason), _size(request))

    def _to_stream(self, stream_id: str, item: Any, size: int) -> None:
        inbox = self._streams.get(stream_id)
        if inbox is None:
            self._held_stream_events.put(stream_id, item, size)
            return
        inbox.put(item, size)
        self._touched.add(inbox)

    # Tools

    def _tool_execute(self, request: Request) -> None:
        if request.id is None:
            self._reject(request, "a request without an id cannot be answered")
            return
        self._on_tool(request.id, TOOL_EXECUTE.decoder.decode(request.params))

    def _refuse(self, request_id: int | str, method: str) -> None:
        logger.warning("the runtime asked for %s, which is not known", method)
        if self._protocol is not None:
            self._protocol.answer_error(request_id, -32601, f"Method not found: {method}")

    def _reject(self, request: Request, reason: str) -> None:
        if self._protocol is not None:
            self._protocol.reject(request, reason)
            if request.id is not None:
                self._protocol.answer_error(request.id, -32602, f"Invalid params: {reason}")


def _size(request: Request) -> int:
    return len(memoryview(request.params))
