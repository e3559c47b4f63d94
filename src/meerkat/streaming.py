"""Streams of events: of a turn while it runs, and of a session from outside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import msgspec

from meerkat._core.errors import (
    DeadlineExceededError,
    MeerkatError,
    StreamNotConsumedError,
    StreamNotOpenError,
    StreamOverflowError,
    SubscriptionEndedError,
)
from meerkat._core.inbox import Inbox
from meerkat._generated.types.events import RunCompleted, TextComplete, TextDelta, TurnStarted
from meerkat._runs import EventGap
from meerkat._turns import turn_deadline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import TracebackType
    from typing import Self

    from meerkat._arguments import StreamEvent
    from meerkat._generated.types.events import AgentEvent
    from meerkat._generated.types.mob_stream import MobStreamEndParams
    from meerkat._generated.types.run import RunResult
    from meerkat._generated.types.streams import SessionStreamEndParams, StreamScopeFrame
    from meerkat._turns import TurnRequest

__all__ = ["EventGap", "EventStream", "EventSubscription", "ScopedEvent"]

I = TypeVar("I")  # noqa: E741  # item


class ScopedEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event that was passed on from a scope below the session, such as a mob member at work for a flow.

    Attributes:
        scope_id: Identifier of the scope.
        scope_path: The scopes from the session down to it.
        event: The event.
    """

    scope_id: str
    scope_path: list[StreamScopeFrame]
    event: AgentEvent


class EventStream:
    """The events of one turn, in order, while it runs; then its result.

    Made by ``session.stream(...)`` and ``client.create_session_streaming(...)``. The request goes out when the
    ``async with`` block is entered. Leaving the block before the end cancels the turn, unless ``cancel_on_exit`` is
    false. Iteration ends after the last event of the turn's run, or shortly after the answer when the runtime sends
    no last event; if the turn failed, it raises the turn's error then.

    Example:
        ::

            async with session.stream("And their sizes?") as events:
                async for event in events:
                    match event:
                        case TextDelta(delta=chunk):
                            print(chunk, end="")
            print(events.result.usage)

    Attributes:
        cancel_on_exit: Whether leaving the block early cancels the turn.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[TurnRequest]],
        *,
        buffer_bytes: int,
        cancel_on_exit: bool = True,
        timeout: float | None = None,
        on_result: Callable[[RunResult], None] | None = None,
    ) -> None:
        self._start = start
        self._request: TurnRequest | None = None
        self._inbox: Inbox[StreamEvent] = Inbox(buffer_bytes)
        self._batch: Iterator[StreamEvent] = iter(())
        self._result: RunResult | None = None
        self._on_result = on_result
        self._timeout = timeout
        self._deadline = math.inf
        self._open = False
        self._ended = False
        self.cancel_on_exit = cancel_on_exit

    @property
    def session_id(self) -> str:
        """Id of the session; empty until the runtime has told it, which it does with the first event."""
        return self._request.turn.session_id if self._request is not None else ""

    @property
    def result(self) -> RunResult:
        """What the turn gave.

        Raises:
            StreamNotConsumedError: The iteration has not ended, or the turn failed.
        """
        if self._result is None:
            message = "the result is there when the iteration over the stream has ended"
            raise StreamNotConsumedError(message=message)
        return self._result

    async def __aenter__(self) -> Self:
        if self._request is not None:
            raise StreamNotOpenError(message="a stream can be opened once; ask the session for a new one")
        if self._timeout is not None:
            self._deadline = anyio.current_time() + self._timeout
        request = self._request = await self._start()
        with turn_deadline(self._timeout, request.method):
            await request.send(self._inbox)
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = False
        if self._request is not None and not self._ended:
            self._request.leave(cancel=self.cancel_on_exit)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        event = next(self._batch, None)
        if event is None:
            await self._more()
            self._batch = iter(self._inbox.take())
            event = next(self._batch, None)
            if event is None:
                self._finish()
                raise StopAsyncIteration
        return event

    async def batches(self) -> list[StreamEvent]:
        """Return the events that are here, waiting for at least one; an empty list is the end.

        For consumers of many events a second: one call gives all that came with one read.

        Example:
            ``while batch := await events.batches(): handle(batch)``
        """
        items = list(self._batch)
        if not items:
            await self._more()
            items = self._inbox.take()
            if not items:
                self._finish()
        return items

    async def collect(self) -> RunResult:
        """Run the turn to its end and return its result; opens the stream if it is not open."""
        await self._consume(lambda _: None)
        return self.result

    async def collect_text(self) -> tuple[str, RunResult]:
        """Run the turn to its end and return all text that the model wrote, with the result.

        The text is that of all rounds of the turn, also before tool calls; the result's text is that of the last one.
        It is whole even if the runtime dropped some of its deltas.
        """
        text = _Text()
        await self._consume(text.add)
        return text.whole(self.result), self.result

    async def _consume(self, take: Callable[[StreamEvent], None]) -> None:
        if not self._open:
            async with self:
                await self._consume(take)
            return
        while batch := await self.batches():
            for event in batch:
                take(event)

    async def _more(self) -> None:
        """Wait until there are events, or none will come."""
        if self._ended:
            return
        if not self._open or self._request is None:
            message = "open the stream first: `async with session.stream(...) as events:`"
            raise StreamNotOpenError(message=message)
        turn = self._request.turn
        if not self._inbox.empty:
            await self._inbox.wait()  # others run between two batches, however many are here
        while self._inbox.empty and not turn.over:
            patience = turn.patience
            if patience == 0.0:
                turn.finish()
            await self._inbox.wait(self._left(patience))

    def _left(self, patience: float | None) -> float | None:
        """Seconds to wait at most, without end as long as no deadline is set and an answer is due."""
        if self._timeout is None:
            return patience
        left = self._deadline - anyio.current_time()
        if left <= 0:
            method = self._request.method if self._request is not None else None
            raise DeadlineExceededError(message=f"the turn did not end within {self._timeout:g} seconds", method=method)
        return left if patience is None else min(patience, left)

    def _finish(self) -> None:
        if self._ended or self._request is None:
            return
        if self._inbox.lost:
            self._request.note_overflow()
            raise overflow(self._inbox)  # the turn may still run: leaving the block cancels it
        self._ended = True
        self._result = self._request.outcome()
        if self._on_result is not None:
            self._on_result(self._result)


class _Text:
    """Puts a turn's text together, whole even where deltas are missing."""

    def __init__(self) -> None:
        self._rounds: list[str] = []
        self._deltas: list[str] = []
        self._gap = False
        self._complete = False

    def add(self, event: StreamEvent) -> None:
        if isinstance(event, TextDelta):
            self._deltas.append(event.delta)
        elif isinstance(event, TextComplete):
            self._rounds.append(event.content)
            self._deltas.clear()
        elif isinstance(event, TurnStarted):
            self._close_round()
        elif isinstance(event, EventGap):
            self._gap = True
        elif isinstance(event, RunCompleted):
            self._complete = True

    def whole(self, result: RunResult) -> str:
        # Without its last event, the end of the run may be missing without a gap.
        if (self._gap or not self._complete) and (not self._rounds or self._rounds[-1] != result.text):
            # The last round lost its end; what there is of it is a part of the result.
            self._deltas = [result.text]
        self._close_round()
        return "".join(self._rounds)

    def _close_round(self) -> None:
        if self._deltas:
            self._rounds.append("".join(self._deltas))
            self._deltas.clear()


class EventSubscription(Generic[I]):
    """All events of a session (or mob), whoever caused them, until it is closed or the runtime ends it.

    An `EventGap` stands for an event that came and cannot be read, since it does not fit the contract; its numbers are
    those of the events on this subscription.

    Made by ``await client.subscribe_session_events(session_id)`` and ``await session.subscribe_events()``; open from
    then on. Use it as ``async with`` block, or close it.

    Example:
        ::

            async with await session.subscribe_events() as events:
                async for event in events:
                    print(event)
    """

    def __init__(
        self,
        stream_id: str,
        inbox: Inbox[Any],
        *,
        item: Callable[[Any], I],
        is_end: Callable[[Any], bool],
        close: Callable[[], Awaitable[None]],
        fault: Callable[[], MeerkatError | None],
    ) -> None:
        self._stream_id = stream_id
        self._inbox = inbox
        self._batch: Iterator[Any] = iter(())
        self._item = item
        self._is_end = is_end
        self._close_remote = close
        self._fault = fault
        self._outcome: SessionStreamEndParams | MobStreamEndParams | None = None
        self._closed = False

    @property
    def stream_id(self) -> str:
        """The runtime's id of the subscription."""
        return self._stream_id

    @property
    def terminal_outcome(self) -> SessionStreamEndParams | MobStreamEndParams | None:
        """How the subscription ended: the runtime's notice, or ``None`` before it came."""
        return self._outcome

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> I:
        if self._outcome is not None or (self._closed and self._inbox.empty):
            raise StopAsyncIteration
        while (received := next(self._batch, None)) is None:
            if self._inbox.empty:
                if self._inbox.lost:
                    raise overflow(self._inbox)
                if self._inbox.closed:
                    self._stop()
            await self._inbox.wait()
            self._batch = iter(self._inbox.take())
        if not self._is_end(received):
            return self._item(received)
        self._outcome = received
        if received.error is not None:
            message = f"the runtime ended the subscription: {received.error.message}"
            raise SubscriptionEndedError(message=message, details=received)
        raise StopAsyncIteration

    async def close(self) -> None:
        """End the subscription; does nothing if it has ended."""
        if self._closed:
            return
        self._closed = True
        await self._close_remote()
        self._inbox.close()
        self._take_outcome()

    def _stop(self) -> None:
        fault = self._fault()
        if fault is not None and not self._closed:
            raise fault
        raise StopAsyncIteration

    def _take_outcome(self) -> None:
        while items := [*self._batch, *self._inbox.take()]:
            self._outcome = next(filter(self._is_end, items), self._outcome)


def overflow(inbox: Inbox[Any]) -> StreamOverflowError:
    """The error of a consumer that was too slow."""
    message = (
        f"the consumer was too slow: {inbox.lost:,} events were dropped after {inbox.limit:,} bytes were waiting "
        "(MeerkatClient(stream_buffer_bytes=...) sets the limit)"
    )
    return StreamOverflowError(message=message, lost=inbox.lost)
