"""Opening and closing subscriptions to events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import msgspec

from meerkat._core.errors import MeerkatError
from meerkat._core.inbox import Inbox
from meerkat._core.refusals import unquoted
from meerkat._generated.methods.mob_stream import MOB_STREAM_CLOSE, MOB_STREAM_END, MOB_STREAM_OPEN
from meerkat._generated.methods.streams import SESSION_STREAM_CLOSE, SESSION_STREAM_END, SESSION_STREAM_OPEN
from meerkat._generated.types.mob_stream import MobStreamEndParams
from meerkat._generated.types.streams import (
    SessionStreamEndParams,
    StreamEndError,
    StreamEndErrorCode,
    StreamEndOutcome,
)  # fmt: skip
from meerkat._link import again, result_of
from meerkat._router import Unreadable
from meerkat._runs import EventGap
from meerkat.streaming import EventSubscription, ScopedEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from meerkat._arguments import StreamEvent
    from meerkat._core.call import Call
    from meerkat._core.method import Method
    from meerkat._generated.types.mob_stream import AttributedEvent
    from meerkat._generated.types.streams import SessionStreamEventParams
    from meerkat._link import Link

I = TypeVar("I")  # noqa: E741  # item

_ENDS: Final = frozenset({SESSION_STREAM_END.name, MOB_STREAM_END.name})

END_GRACE: Final = 1.0  # seconds that the notice of the end may come after the answer to the request for it


class _Opened(msgspec.Struct):
    stream_id: str


async def subscribe_session(
    link: Link, session_id: str, *, buffer_bytes: int, timeout: float | None
) -> EventSubscription[StreamEvent | ScopedEvent]:
    """Open a subscription to the events of a session."""
    stream = _Stream(link, SESSION_STREAM_CLOSE, buffer_bytes, timeout, session_id=session_id)
    return await stream.open(SESSION_STREAM_OPEN, {"session_id": session_id}, _session_item)


async def subscribe_mob(
    link: Link, mob_id: str, *, buffer_bytes: int, timeout: float | None
) -> EventSubscription[AttributedEvent | EventGap]:
    """Open a subscription to the events of all members of a mob."""
    stream = _Stream(link, MOB_STREAM_CLOSE, buffer_bytes, timeout)
    return await stream.open(MOB_STREAM_OPEN, {"mob_id": mob_id}, _mob_item)


async def subscribe_member(
    link: Link, mob_id: str, agent_identity: str, *, buffer_bytes: int, timeout: float | None
) -> EventSubscription[StreamEvent]:
    """Open a subscription to the events of one member of a mob."""
    stream = _Stream(link, MOB_STREAM_CLOSE, buffer_bytes, timeout)
    return await stream.open(MOB_STREAM_OPEN, {"mob_id": mob_id, "agent_identity": agent_identity}, _member_item)


def _session_item(received: SessionStreamEventParams | EventGap) -> StreamEvent | ScopedEvent:
    if isinstance(received, EventGap):
        return received
    event = received.event.payload
    if received.scope_id is None:
        return event
    return ScopedEvent(scope_id=received.scope_id, scope_path=received.scope_path or [], event=event)


def _mob_item(received: Any) -> AttributedEvent | EventGap:
    item: AttributedEvent | EventGap = received if isinstance(received, EventGap) else received.event
    return item


def _member_item(received: Any) -> StreamEvent:
    item: StreamEvent = received if isinstance(received, EventGap) else received.event.payload
    return item


def _is_end(received: object) -> bool:
    return isinstance(received, SessionStreamEndParams | MobStreamEndParams)


class _StreamInbox(Inbox[Any]):
    """The inbox of a subscription; it knows when that has ended, also while nobody reads.

    Args:
        limit: Bytes that may wait here.
        ended_by: Makes a notice of the end.
    """

    __slots__ = ("_ended_by", "_sequence", "ended")

    def __init__(self, limit: int, ended_by: Callable[[StreamEndError], Any]) -> None:
        super().__init__(limit)
        self._ended_by = ended_by
        self._sequence = 0
        self.ended = anyio.Event()

    def put(self, item: Any, size: int) -> None:
        if isinstance(item, Unreadable):
            item = self._readable(item)
        super().put(item, size)
        if _is_end(item):
            self.ended.set()
        else:
            self._sequence = getattr(item, "sequence", self._sequence)  # a gap has none

    def close(self) -> None:
        super().close()
        self.ended.set()

    def _readable(self, lost: Unreadable) -> Any:
        """What the consumer gets in place of something that does not fit."""
        if lost.method in _ENDS:
            # The end is certain, only not what it was like; without it the consumer would wait for ever.
            message = f"its notice of the end does not fit the contract: {unquoted(lost.reason)}"
            return self._ended_by(StreamEndError(code=StreamEndErrorCode("unreadable_notice"), message=message))
        gap = EventGap(missing=1, after_seq=self._sequence)
        self._sequence += 1
        return gap


class _Stream:
    """A subscription on the wire."""

    def __init__(
        self,
        link: Link,
        close: Method[Any],
        buffer_bytes: int,
        timeout: float | None,
        *,
        session_id: str | None = None,
    ) -> None:
        self._link = link
        self._close = close
        self._timeout = timeout
        self._stream_id = ""
        self._session_id = session_id
        self.inbox = _StreamInbox(buffer_bytes, self._ended_by)

    async def open(
        self, method: Method[Any], params: Mapping[str, Any], item: Callable[[Any], I]
    ) -> EventSubscription[I]:
        """Open it; ``item`` makes what the consumer gets out of what the runtime sends."""
        encoded = method.encode_params(params)
        router = self._link.router
        router.opening_stream()
        try:
            call = self._link.start(method, encoded)
        except BaseException:
            router.opened_stream(None, self.inbox)
            raise

        def opened() -> None:
            # At once when the answer is read, so that no event which follows it is missed.
            stream_id = None
            if call.error is None:
                try:
                    stream_id = msgspec.json.decode(call.result, type=_Opened).stream_id
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    stream_id = None  # whoever waits for the answer gets the error
            if stream_id is not None:
                self._stream_id = stream_id
            router.opened_stream(None if call.abandoned else stream_id, self.inbox)
            if stream_id is not None and call.abandoned:
                self._send_close(stream_id)

        call.on_done += (opened,)
        try:
            await self._link.connection.wait(call, timeout=self._timeout)
            self._stream_id = result_of(call, method).stream_id
        except BaseException:
            if self._stream_id:  # the answer came, but the caller, who could close it, will never have it
                self._send_close(self._stream_id)
                router.forget_stream(self._stream_id)
            raise
        return EventSubscription(
            self._stream_id,
            self.inbox,
            item=item,
            is_end=_is_end,
            close=self.close,
            fault=self.fault,
        )

    async def close(self) -> None:
        """Close it, also when the caller is cancelled or the deadline is over before the request could go out."""
        call = self._send_close(self._stream_id)
        try:
            if call is not None:
                await self._link.connection.wait(call, timeout=self._timeout, keep=True)
                with anyio.move_on_after(END_GRACE):
                    await self.inbox.ended.wait()
        finally:
            self._link.router.forget_stream(self._stream_id)

    def fault(self) -> MeerkatError | None:
        """What ended the connection, if anything did."""
        fault = self._link.connection.protocol.fault
        return None if fault is None else again(fault, self._close.name)

    def _ended_by(self, error: StreamEndError) -> SessionStreamEndParams | MobStreamEndParams:
        outcome, stream_id = StreamEndOutcome.TERMINAL_ERROR, self._stream_id
        if self._session_id is None:
            return MobStreamEndParams(stream_id=stream_id, ended=True, outcome=outcome, error=error)
        return SessionStreamEndParams(
            stream_id=stream_id, session_id=self._session_id, ended=True, outcome=outcome, error=error
        )

    def _send_close(self, stream_id: str) -> Call | None:
        try:
            return self._link.start(self._close, self._close.encode_params({"stream_id": stream_id}))
        except MeerkatError:
            return None  # without a connection there is nothing to close
