"""The one async driver around the protocol: reads, writes, waits, ends. Runs on trio and on asyncio."""

from __future__ import annotations

import contextvars
import logging
import os
from functools import partial
from math import inf
from threading import get_ident
from typing import TYPE_CHECKING, Final
from typing import Protocol as Interface

import anyio
import anyio.lowlevel

from meerkat._core.background import Background
from meerkat._core.deadlines import Deadlines
from meerkat._core.errors import (
    DeadlineExceededError,
    MeerkatError,
    NotConnectedError,
    TransportError,
)
from meerkat._core.waiting import call_waiting, make_whereabouts, serve_readable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from meerkat._core.call import Call
    from meerkat._core.deadlines import Sleeper
    from meerkat._core.protocol import Protocol, Request
    from meerkat._core.transport import Transport

logger = logging.getLogger("meerkat.connection")

READ_SIZE: Final = 64 * 1024
PROBE_INTERVAL: Final = 1.0  # seconds before a probe that is not answered is repeated
CANCEL_GRACE: Final = 1.0  # seconds for the runtime to give up what is cancelled at the end
FLUSH_GRACE: Final = 0.5  # seconds for the last lines, cancellations above all, to reach the pipe
_NOTHING: Final = memoryview(b"")
DRAIN_GRACE: Final = 0.5  # seconds that output may still come after the process has ended


class Receiver(Interface):
    """Takes what the runtime sends on its own. Called by the reader: must neither block nor raise."""

    def receive(self, request: Request) -> None:
        """Take one notification or request of the runtime."""

    def wake(self) -> None:
        """Wake the consumers of what was taken since the last call."""

    def end(self, fault: MeerkatError) -> None:
        """Take the end of the connection: nothing comes any more."""


class Connection:
    """A runtime and the protocol spoken with it.

    Args:
        transport: The way to the runtime, just opened.
        protocol: A fresh protocol.
        receiver: Takes notifications and requests of the runtime.
        shutdown_grace: Seconds that the runtime gets to end by itself when the connection is closed.
    """

    def __init__(
        self, transport: Transport, protocol: Protocol, receiver: Receiver, *, shutdown_grace: float = 5.0
    ) -> None:
        self._transport = transport
        self._protocol = protocol
        self._receiver = receiver
        self._grace = shutdown_grace
        self._backlog = _NOTHING  # bytes that the pipe did not take yet; nothing else may be written before them
        protocol.call_type, self._wait = call_waiting()
        self._where = make_whereabouts()
        self._home = self._where()
        self._thread = get_ident()
        self._context = contextvars.copy_context()
        self._deadlines = Deadlines(self._sleepers, self._start)
        self._input_open = True
        self.gathering = False  # calls that are made in this moment go out together in the next one
        self._probe_alarm = _Alarm(self._repeat_probe)
        self._probe_timed: int | None = None  # the probe whose answer the alarm awaits
        self._read_ended = anyio.Event()
        self._given_up = anyio.Event()  # set when the runtime has given up what was cancelled at the end
        self._closing = False
        self._closed = anyio.Event()
        self._writer: Background | None = None  # as long as the pipe does not take all
        self._input_watch = Background(self._note_broken_input, "meerkat input")
        self._tasks = [
            self._start(self._read, "meerkat reader"),
            Background(self._note_exit, "meerkat exit", ended=self._unwatched),
            *(Background(function, name) for function, name in transport.tasks()),
        ]

    @property
    def transport(self) -> Transport:
        """The way to the runtime."""
        return self._transport

    @property
    def protocol(self) -> Protocol:
        """State of the protocol; for counters."""
        return self._protocol

    # Calls

    def start(self, method: str, params: bytes, *, cancellable: bool = False, null_id_errors: bool = False) -> Call:
        """Register a call and write it, or queue it behind what cannot be written yet.

        Raises:
            MeerkatError: The fault that ended the connection.
            NotConnectedError: Another event loop runs here than where it was opened.
        """
        # Loops that run at once are in different threads; which loop runs is a system call on asyncio.
        if get_ident() != self._thread:
            self.refuse_elsewhere()
        call = self._protocol.call(method, params, cancellable=cancellable, null_id_errors=null_id_errors)
        if not self.gathering:
            self.flush()
        return call

    def refuse_elsewhere(self) -> None:
        """Refuse to be used in another event loop, as long as the own one runs: neither could wake tasks of the other.

        Raises:
            NotConnectedError: This is another event loop.
        """
        if self._where() != self._home and self._protocol.fault is None:
            message = "the client was connected in another event loop; use it there, or make another client here"
            raise NotConnectedError(message=message)

    async def wait(self, call: Call, *, timeout: float | None = None, keep: bool = False) -> None:
        """Wait until a call is settled.

        Leaving early (cancellation, deadline) abandons it: the runtime is told where it understands that. With ``keep``
        it goes out and takes its effect all the same.

        Raises:
            DeadlineExceededError: ``timeout`` seconds are over.
        """
        try:
            await self.settled(call, timeout)
            if not call.done:
                raise late(call, timeout)
        finally:
            if not call.done and not keep:
                self.abandon(call)

    def settled(self, call: Call, timeout: float | None) -> Awaitable[None]:
        """Return what can be awaited, at once, until a call is settled or ``timeout`` seconds are over.

        For callers that cannot afford the coroutine of `wait`, and do the rest of it themselves.
        """
        if timeout is not None:
            self._deadlines.set(call, timeout)
        return self._wait(call)

    def abandon(self, call: Call) -> None:
        """Stop waiting for a call."""
        call.due = inf
        self._protocol.abandon(call)
        self.flush()

    def notify(self, method: str, params: bytes) -> None:
        """Send a notification."""
        self._protocol.notify(method, params)
        self.flush()

    def answer(self, request_id: int | str, result: bytes) -> None:
        """Answer a request of the runtime."""
        self._protocol.answer(request_id, result)
        self.flush()

    def answer_error(self, request_id: int | str, code: int, message: str) -> None:
        """Answer a request of the runtime with an error."""
        self._protocol.answer_error(request_id, code, message)
        self.flush()

    def flush(self) -> None:
        """Write what may be written now, as far as the pipe takes it."""
        if self._input_open and not self._backlog:
            data = self._protocol.data_to_send()
            if data:
                self._backlog = self._write(data)
                if self._writer is None and (self._backlog or not self._input_open):
                    self._writer = self._start(self._write_backlog, "meerkat writer")
        if self._protocol.probing and self._probe_timed is None:
            self._probe_timed = self._protocol.probe_out
            self._deadlines.set(self._probe_alarm, PROBE_INTERVAL)

    # Tasks

    def _start(self, function: Callable[[], Awaitable[None]], name: str) -> Background:
        """Start a task without which the connection is no good."""
        # One that begins later does so in the context of whoever opened the connection, not of whose call it serves.
        return Background(function, name, context=self._context.copy(), failed=partial(self._task_failed, name))

    def _task_failed(self, name: str, error: Exception) -> None:
        self._fail(TransportError(message=f"the task {name} failed: {type(error).__name__}: {error}"))

    async def _read(self) -> None:
        try:
            await self._read_all()
        finally:
            self._read_ended.set()
            self._given_up.set()  # no answer comes any more
        await self._fail_by_end("closed its output but still runs", self._transport.exit_grace)

    async def _read_all(self) -> None:
        try:
            await serve_readable(self._transport.reader, self)
        finally:
            self.gathering = False
        self._protocol.receive_end(self._receiver.receive)
        self._taken()

    def read(self) -> bool:
        """Read once; for `serve_readable`."""
        try:
            chunk = os.read(self._transport.reader, READ_SIZE)
        except BlockingIOError:
            return True
        except OSError as error:
            logger.debug("reading ended: %s", error)
            return False
        if chunk:
            self._receive(chunk)
        return bool(chunk)

    def _receive(self, chunk: bytes) -> None:
        before = self._protocol.pending
        self._protocol.receive(chunk, self._receiver.receive)
        # Several who got their answers are about to make their next calls: one write for all of them.
        self.gathering = before - self._protocol.pending > 1
        self._taken()

    def gathered(self) -> None:
        """Write the calls that were made in this moment; for `serve_readable`."""
        self.gathering = False
        self.flush()

    def _taken(self) -> None:
        self._receiver.wake()
        if self._protocol.fault is not None:
            self._receiver.end(self._protocol.fault)
            if not self._protocol.unanswered:
                self._given_up.set()
        if self._protocol.waiting or not self.gathering:
            self.flush()

    async def _note_exit(self) -> None:
        """Notice the death of a process whose pipes are held open by a child of its own."""
        await self._transport.watch()
        await self._fail_by_end("ended", DRAIN_GRACE)

    def _unwatched(self) -> None:
        """End a runtime that nobody watches any more: the event loop ends, and there was no `close`."""
        self._transport.unwatched()
        if self._transport.return_code is None and not self._closing:
            self._transport.kill()
            message = "the client was not closed when the event loop cancelled its tasks; the runtime was ended"
            self._fail(TransportError(message=message))

    async def _write_backlog(self) -> None:
        while self._backlog and self._input_open:
            await anyio.wait_writable(self._transport.writer)
            self._backlog = self._write(self._backlog)
            self.flush()
        self._writer = None
        if not self._input_open:
            await self._note_closed_input()

    async def _note_broken_input(self) -> None:
        """Notice that requests which the pipe took will never be read."""
        await self._transport.input_broken()
        self._input_open = False
        await self._note_closed_input()

    async def _note_closed_input(self) -> None:
        # The reader sees the end of the output and tells the exit status, unless the runtime lives on.
        await self._fail_by_end("closed its input but still runs", self._transport.exit_grace)

    def _sleepers(self) -> Iterable[Sleeper]:
        return (self._probe_alarm, *self._protocol.calls)

    def _repeat_probe(self) -> None:
        timed, self._probe_timed = self._probe_timed, None
        if timed == self._protocol.probe_out:
            self._protocol.probe_again()
        self.flush()

    def _write(self, data: bytes | memoryview) -> memoryview:
        """Write to the pipe; return what it did not take."""
        written = 0
        try:
            while written < len(data):
                written += os.write(self._transport.writer, memoryview(data)[written:] if written else data)
        except BlockingIOError:
            return memoryview(data)[written:]
        except OSError as error:
            logger.debug("the runtime does not take requests any more: %s", error)
            self._input_open = False
        return _NOTHING

    # The end

    async def _fail_by_end(self, living: str, grace: float) -> None:
        """Fail everybody by the runtime's end, which may be ``grace`` seconds away, or by what it did instead."""
        if self._protocol.fault is not None:  # whoever closes the connection waits for this task
            return
        with anyio.move_on_after(grace):
            await self._transport.ended()
            await self._read_ended.wait()  # what it wrote at last is an answer to somebody
        if self._protocol.fault is None:
            self._fail(self._transport.fault(living))

    def _fail(self, fault: MeerkatError) -> None:
        self._protocol.fail(fault)
        self._receiver.end(self._protocol.fault or fault)

    async def close(self) -> None:
        """End the connection and the runtime, within bounded time.

        A caller that is cancelled waits for the end all the same. Where asyncio raises at once, since it keeps nothing
        from a task that is cancelled natively, closing goes on in the background.
        """
        with anyio.CancelScope(shield=True):
            if self._closing:
                await self._closed.wait()
                return
            self._closing = True
            try:
                await self._close()
            except BaseException:
                # asyncio's own way to cancel a task, which no shield keeps away.
                self._rest = Background(self._close, "meerkat close", ended=self._end_unclosed)
                raise

    def _end_unclosed(self) -> None:
        """End what is left where the event loop ends before closing did; others may wait for that."""
        if not self._closed.is_set():
            self._transport.kill()
            self._closed.set()

    async def _close(self) -> None:
        # A runtime with turns under way would take its full grace to end.
        self._protocol.cancel_all()
        self.flush()
        self._fail(NotConnectedError(message="the client was closed"))
        if self._protocol.unanswered:
            with anyio.move_on_after(CANCEL_GRACE):
                await self._given_up.wait()
        if self._writer is not None:
            writer = self._writer
            with anyio.move_on_after(FLUSH_GRACE):
                await writer.wait()
            writer.cancel()
            await writer.wait()  # it waits for the pipe, which must not be closed under it
        await self._deadlines.close()
        self._transport.close_input()
        self._input_watch.cancel()
        await self._transport.end(self._grace)
        # Most have seen the end by now and need not be cancelled, which costs more.
        await anyio.lowlevel.checkpoint()
        for task in self._tasks:
            task.cancel()
        for task in (self._input_watch, *self._tasks):
            await task.wait()
        self._transport.release()
        self._closed.set()


class _Alarm:
    """Calls a function when its time has come."""

    def __init__(self, function: Callable[[], None]) -> None:
        self.due = inf
        self._function = function

    def wake(self) -> None:
        """Call it."""
        self._function()


def late(call: Call, timeout: float | None) -> DeadlineExceededError:
    """Make the error of a call whose deadline is over."""
    return DeadlineExceededError(message=f"no answer within {timeout:g} seconds", method=call.method)
