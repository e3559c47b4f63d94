"""Opening and closing subscriptions to events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from meerkat._core.errors import MeerkatError
from meerkat._core.inbox import Inbox
from meerkat._generated.methods.streams import SESSION_STREAM_CLOSE, SESSION_STREAM_OPEN
from meerkat._generated.types.streams import SessionStreamEndParams, SessionStreamEventParams
from meerkat._link import again, result_of
from meerkat.streaming import EventSubscription, ScopedEvent

if TYPE_CHECKING:
    from meerkat._core.method import Method
    from meerkat._generated.types.events import AgentEvent
    from meerkat._link import Link


class _Opened(msgspec.Struct):
    stream_id: str


async def subscribe_session(
    link: Link, session_id: str, *, buffer_bytes: int, timeout: float | None
) -> EventSubscription[AgentEvent | ScopedEvent]:
    """Open a subscription to the events of a session."""
    params = SESSION_STREAM_OPEN.encode_params({"session_id": session_id})
    stream = _Stream(link, SESSION_STREAM_CLOSE, buffer_bytes, timeout)
    stream_id = await stream.open(SESSION_STREAM_OPEN, params)
    return EventSubscription(
        stream_id,
        stream.inbox,
        item=_session_item,
        is_end=lambda received: isinstance(received, SessionStreamEndParams),
        close=stream.close,
        fault=stream.fault,
    )


def _session_item(received: SessionStreamEventParams) -> AgentEvent | ScopedEvent:
    event = received.event.payload
    if received.scope_id is None:
        return event
    return ScopedEvent(scope_id=received.scope_id, scope_path=received.scope_path or [], event=event)


class _Stream:
    """A subscription on the wire."""

    def __init__(self, link: Link, close: Method[Any], buffer_bytes: int, timeout: float | None) -> None:
        self._link = link
        self._close = close
        self._timeout = timeout
        self._stream_id = ""
        self.inbox: Inbox[Any] = Inbox(buffer_bytes)

    async def open(self, method: Method[Any], params: bytes) -> str:
        """Open it and return its id."""
        router = self._link.router
        router.opening_stream()
        try:
            call = self._link.start(method, params)
        except BaseException:
            router.opened_stream(None, self.inbox)
            raise

        def opened() -> None:
            # At once when the answer is read, so that no event which follows it is missed.
            stream_id = None
            if call.error is None:
                try:
                    stream_id = msgspec.json.decode(call.result, type=_Opened).stream_id
                except (msgspec.DecodeError, UnicodeDecodeError):
                    stream_id = None  # whoever waits for the answer gets the error
            router.opened_stream(None if call.abandoned else stream_id, self.inbox)
            if call.abandoned and stream_id is not None:
                self._send_close(stream_id)

        call.on_done.append(opened)
        await self._link.connection.wait(call, timeout=self._timeout)
        self._stream_id = result_of(call, method).stream_id
        return self._stream_id

    async def close(self) -> None:
        """Close it; also where the caller is being cancelled, since the request goes out first of all."""
        call = self._send_close(self._stream_id)
        try:
            if call is not None:
                await self._link.connection.wait(call, timeout=self._timeout)
        finally:
            self._link.router.forget_stream(self._stream_id)

    def fault(self) -> MeerkatError | None:
        """What ended the connection, if anything did."""
        fault = self._link.connection.protocol.fault
        return None if fault is None else again(fault, self._close.name)

    def _send_close(self, stream_id: str) -> Any:
        try:
            return self._link.start(self._close, self._close.encode_params({"stream_id": stream_id}))
        except MeerkatError:
            return None  # without a connection there is nothing to close
