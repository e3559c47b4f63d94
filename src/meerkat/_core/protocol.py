"""JSON-RPC as a state machine: ids, pending calls, cancellation, faults. No I/O, no async.

Fed with bytes, it settles calls and returns what the runtime sent on its own; asked for bytes, it gives what may be
written now. A driver around it reads, writes and waits.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meerkat._core.call import Call
from meerkat._core.errors import (
    InvalidResponseError,
    MeerkatError,
    MessageTooLargeError,
    ProtocolViolationError,
    RequestLostError,
)
from meerkat._core.flow import WINDOW, Gate, Line
from meerkat._core.framing import NO_VALUE, BadLine, Batch, ErrorBody, Frame, LineReader
from meerkat._core.limits import MAX_LINE
from meerkat._core.secrets import of_params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meerkat._core.secrets import Secrets

logger = logging.getLogger("meerkat.protocol")

MAX_BAD_LINES: Final = 1000
LINES_LOGGED: Final = 10  # one by one; after so many only each hundredth
NOISE_SHOWN: Final = 200  # characters
GUESSED: Final = 64
PARSE_ERROR: Final = -32700


class Request(msgspec.Struct, gc=False):
    """Something that the runtime sent on its own: a notification, or with an ``id`` a request to be answered."""

    method: str
    params: msgspec.Raw
    id: int | str | None = None


class Notifications(Request):
    """Notifications of one method that came together, decoded already; see `Protocol.decode_at_once`.

    Attributes:
        lines: What the decoder made of them.
        size: How many bytes they had on the wire.
    """

    lines: list[Any] = []
    size: int = 0


class Counters(msgspec.Struct):
    """What happened on a connection that no caller was told."""

    bad_lines: int = 0
    late_answers: int = 0
    strays: int = 0


class Protocol:
    """The client's side of a JSON-RPC connection.

    Args:
        probe: Name of a small request without parameters, used to prove that lines were read.
        cancel: Name of the notification that cancels a request, whose parameter is ``request_id``.
        window: Bytes of request lines that may be unread; ``None`` for a runtime that reads all the time.
        max_line: Longest line in bytes that is accepted.
        max_bad_lines: How many lines that are no part of the protocol are skipped before the connection is given up.
        hide: Takes out of a text of the runtime what must not be seen in logs.
    """

    def __init__(
        self,
        *,
        probe: str,
        cancel: str = "cancel",
        window: int | None = WINDOW,
        max_line: int = MAX_LINE,
        max_bad_lines: int = MAX_BAD_LINES,
        hide: Callable[[str], str] = str,
    ) -> None:
        self._probe = probe
        self._cancel = cancel
        self._max_bad_lines = max_bad_lines
        self._hide = hide
        self._guessed: deque[Secrets] = deque(maxlen=GUESSED)  # of what was pending when an error without an id came
        self._reader = LineReader(max_line)
        self._at_once = ""
        self._gate = Gate(window, self._make_probe, self._lost)
        self._tracing = logger.isEnabledFor(logging.DEBUG)  # looked up once for all that comes together
        self._next_key = 1
        self._calls: dict[int, Call] = {}
        self.call_type: type[Call] = Call  # set by a driver, whose calls know how those who wait for them are woken
        self.fault: MeerkatError | None = None
        self.counters = Counters()
        self.unanswered: set[int] = set()  # calls cancelled at the end that the runtime has not given up yet

    def decode_at_once(self, method: str, decode: Callable[[bytes | bytearray], list[Any]]) -> None:
        """Decode notifications of one method a block at a time, where the runtime sends many in a row.

        Args:
            method: Name of the method.
            decode: Decodes a block of lines; raises when any of them is not such a notification, or does not fit.
                Then each is taken as a `Request`.
        """
        self._at_once = method
        self._reader.decode_at_once(msgspec.json.encode(method), decode)

    @property
    def pending(self) -> int:
        """How many calls are not settled, abandoned ones included."""
        return len(self._calls)

    @property
    def calls(self) -> Iterable[Call]:
        """The calls that are not settled."""
        return self._calls.values()

    @property
    def waiting(self) -> int:
        """How many lines have not gone out yet."""
        return self._gate.waiting

    @property
    def resent(self) -> int:
        """How many lines were sent again because the runtime lost them."""
        return self._gate.resent

    @property
    def probe_out(self) -> int | None:
        """Id of the newest probe that is not answered; see `probe_again`."""
        return self._gate.probe_out

    @property
    def probing(self) -> bool:
        """Whether a probe is not answered."""
        return self._gate.probing

    # Outgoing

    def call(self, method: str, params: bytes, *, cancellable: bool = False, null_id_errors: bool = False) -> Call:
        """Register a request and queue its line.

        Raises:
            MeerkatError: The fault that ended the connection.
        """
        if self.fault is not None:
            raise self.fault
        key = self._next_key
        self._next_key = key + 1
        line = _request(key, method, params)
        call = self._calls[key] = self.call_type(
            line, key, len(line), method=method, cancellable=cancellable, null_id_errors=null_id_errors
        )
        if self._tracing:
            logger.debug("request %d: %s, %d bytes", key, method, len(line))
        self._gate.put(call)
        return call

    def notify(self, method: str, params: bytes) -> None:
        """Queue a notification."""
        if self.fault is None:
            self._gate.put(Line(_notification(method, params)))

    def answer(self, request_id: int | str, result: bytes) -> None:
        """Queue the answer to a request of the runtime."""
        self._answer(b'{"jsonrpc":"2.0","id":%b,"result":%b}\n' % (msgspec.json.encode(request_id), result))

    def answer_error(self, request_id: int | str, code: int, message: str) -> None:
        """Queue an error as the answer to a request of the runtime."""
        body = msgspec.json.encode({"code": code, "message": message})
        self._answer(b'{"jsonrpc":"2.0","id":%b,"error":%b}\n' % (msgspec.json.encode(request_id), body))

    def abandon(self, call: Call) -> None:
        """Note that nobody waits for a call any more.

        A call that did not go out is withdrawn; one that did is cancelled if the runtime knows how. Its answer, if one
        comes, is taken silently.
        """
        if call.done or call.abandoned:
            return
        call.abandoned = True
        logger.debug("request %d: nobody waits for it any more", call.key)
        if self._gate.withdraw(call):
            self._calls.pop(call.key, None)
            call.settle(NO_VALUE, None)
            return
        call.data = b""  # the line itself is not sent again, may be large, and the answer may never come
        if call.cancellable and not call.cancel_held:
            self._cancel_remote(call)

    def may_cancel(self, call: Call) -> None:
        """Note that a call whose cancellation was held can be cancelled now, and do so if nobody waits for it."""
        held, call.cancel_held = call.cancel_held, False
        if held and call.abandoned and not call.done and call.cancellable:
            self._cancel_remote(call)

    def cancel_all(self) -> None:
        """Cancel every call that can be cancelled, before the connection is closed; see `unanswered`."""
        for call in self._calls.values():
            if call.cancellable:
                self.unanswered.add(call.key)
                if not call.abandoned or call.cancel_held:
                    self._cancel_remote(call)

    def data_to_send(self) -> bytes:
        """Return what may be written now, whole lines; it must be written before the next call."""
        return self._gate.take()

    def probe_again(self) -> None:
        """Send another probe, since the one that is out may have been lost; for the driver's timer."""
        self._gate.probe_again()

    # Incoming

    def receive(self, chunk: bytes, deliver: Callable[[Request], None] | None = None) -> list[Request]:
        """Take bytes from the runtime: settle calls, hand on what it sent on its own.

        Args:
            chunk: The bytes.
            deliver: Takes each request and notification in its place among the answers: what came before an answer is
                there when the call is settled. Must not raise.

        Returns:
            The requests and notifications, when there is nobody to deliver them to.
        """
        self._tracing = logger.isEnabledFor(logging.DEBUG)
        return self._take(self._reader.feed(chunk), deliver)

    def receive_end(self, deliver: Callable[[Request], None] | None = None) -> list[Request]:
        """Take the end of the runtime's output; see `receive`."""
        return self._take(self._reader.end(), deliver)

    def fail(self, fault: MeerkatError) -> None:
        """End the connection: every call fails with the first fault, now and later."""
        if self.fault is None:
            self.fault = fault
            logger.debug("the connection ends: %s", type(fault).__name__)
        calls, self._calls = self._calls, {}
        self._gate.clear()
        for call in calls.values():
            call.settle(NO_VALUE, self.fault)

    def reject(self, request: Request, reason: str) -> None:
        """Count something that the runtime sent as a bad line, since its content does not fit."""
        self._bad_line(BadLine(f"{request.method}: {reason}", ""))

    def _take(self, frames: list[Frame | BadLine | Batch], deliver: Callable[[Request], None] | None) -> list[Request]:
        out: list[Request] = []
        take = deliver or out.append
        for frame in frames:
            if isinstance(frame, Frame):
                if frame.method is None:
                    self._answered(frame)
                else:
                    request_id = None if frame.id is msgspec.UNSET else frame.id
                    take(Request(frame.method, frame.params, request_id))
            elif isinstance(frame, Batch):
                take(Notifications(self._at_once, NO_VALUE, lines=frame.lines, size=frame.size))
            else:
                self._bad_line(frame)
        return out

    def _answered(self, frame: Frame) -> None:
        key = frame.id
        if isinstance(key, int):
            call = self._calls.pop(key, None)
            if call is None:
                if not self._gate.probe_answered(key):
                    self._late(key)
                return
            self._gate.read_up_to(call)
            if self._tracing:
                kind = "" if frame.error is None else f" with the error {frame.error.code}"
                logger.debug("request %d: answered%s", key, kind)
            if frame.error is not None:
                call.settle(NO_VALUE, frame.error)
            elif frame.result is NO_VALUE:
                message = "the runtime's answer has neither a result nor an error"
                call.settle(NO_VALUE, InvalidResponseError(message=message, method=call.method))
            else:
                call.settle(frame.result, None)
        elif frame.error is not None and not isinstance(key, str):
            self._stray(frame.error)
        else:
            self._bad_line(BadLine("neither a request nor an answer", repr(key)))

    def _late(self, key: int) -> None:
        if self.fault is not None:
            self.unanswered.discard(key)
            return  # everybody was told already
        self.counters.late_answers += 1
        logger.warning("an answer to request %s, which is not pending, was skipped", key)

    def _stray(self, error: ErrorBody) -> None:
        """Give an error without id to the oldest call that it can belong to, so that nobody waits for ever."""
        self.counters.strays += 1
        call: Call | None = None
        if error.code == PARSE_ERROR:
            if self._gate.stray():
                return
            key = self._gate.oldest_unread()
            call = self._calls.get(key) if key is not None else None
        else:
            call = next((c for c in self._calls.values() if c.null_id_errors and c.number), None)
        if call is None:
            call = next((c for c in self._calls.values() if not c.cancellable and c.number), None)
        if call is None and error.code != PARSE_ERROR:
            # What it answers was read. A line that was not may have been an answer, and no turn must end for that.
            call = next((c for c in self._calls.values() if c.number), None)
        if call is None:
            # Without its message, which may repeat a value that somebody sent.
            logger.warning("an error that answers no request was skipped: code %d", error.code)
            return
        error = self._without_secrets(error)
        self._calls.pop(call.key, None)
        self._gate.read_up_to(call)
        call.settle(NO_VALUE, error)

    def _without_secrets(self, error: ErrorBody) -> ErrorBody:
        """Take out of an error what any request has in it: nobody knows for sure which one it repeats."""
        lines = [call.data for call in self._calls.values() if call.data]
        # Those that got the error of another are not pending any more.
        self._guessed.append(of_params(b"[%b]" % b",".join(lines)))
        message, details = error.message, error_details(error)
        for secrets in self._guessed:
            message, details = secrets.hide(message), secrets.hide_in(details)
        data = NO_VALUE if error.data is NO_VALUE else msgspec.Raw(msgspec.json.encode(details))
        return ErrorBody(error.code, message, data)

    def _bad_line(self, line: BadLine) -> None:
        self.counters.bad_lines += 1
        count = self.counters.bad_lines
        if count <= LINES_LOGGED or count % 100 == 0:
            logger.warning("line %d from the runtime was skipped: %s%s", count, line.reason, self._shown(line.text))
        if line.answers is not None and line.answers in self._calls:
            call = self._calls.pop(line.answers)
            self._gate.read_up_to(call)
            kind = MessageTooLargeError if line.too_long else InvalidResponseError
            call.settle(NO_VALUE, kind(message=f"the runtime's answer was skipped: {line.reason}", method=call.method))
        elif line.too_long and line.answers is None and not line.is_request:
            # It may have been anybody's answer: all who wait for one must know, and new calls may go on.
            for call in [call for call in self._calls.values() if call.number]:
                del self._calls[call.key]
                call.settle(NO_VALUE, MessageTooLargeError(message=line.reason, method=call.method))
        if count > self._max_bad_lines and self.fault is None:
            message = f"the runtime wrote {count:,} lines that are not part of the protocol; last: {line.reason}"
            self.fail(ProtocolViolationError(message=message))

    def _shown(self, text: str) -> str:
        """What a log may show of a bad line: what is no JSON, since its strings can be anything."""
        noise = self._hide(text).partition('"')[0].strip()[:NOISE_SHOWN]
        return f"; it begins with {noise!r}" if noise else ""

    def _cancel_remote(self, call: Call) -> None:
        params = b'{"request_id":%d}' % call.key
        self._gate.put(Line(_notification(self._cancel, params)), first=True)

    def _lost(self, line: Line) -> None:
        if not isinstance(line, Call):
            logger.error("the runtime lost a message of the client for good")
        elif self._calls.pop(line.key, None) is not None:
            message = f"the runtime lost the request {line.resends + 1} times; it did not run"
            line.settle(NO_VALUE, RequestLostError(message=message, method=line.method))

    def _answer(self, data: bytes) -> None:
        if self.fault is None:
            self._gate.put(Line(data))

    def _make_probe(self) -> tuple[int, bytes]:
        key = self._new_key()
        return key, _request(key, self._probe, b"{}")

    def _new_key(self) -> int:
        key = self._next_key
        self._next_key += 1
        return key


def _request(key: int, method: str, params: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":%b,"params":%b}\n' % (key, _quoted(method), params)


def _notification(method: str, params: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","method":%b,"params":%b}\n' % (_quoted(method), params)


@lru_cache(maxsize=256)
def _quoted(method: str) -> bytes:
    return msgspec.json.encode(method)


def error_details(error: ErrorBody) -> Any:
    """Plain value of an error's ``data``, ``None`` when there is none or it cannot be read."""
    try:
        return None if error.data is NO_VALUE else msgspec.json.decode(error.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        logger.warning("the data of an error answer were left out: %s", fault)
        return None
