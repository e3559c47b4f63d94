"""The one async driver around the protocol: reads, writes, waits, ends. Runs on trio and on asyncio."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final
from typing import Protocol as Interface

import anyio
import anyio.lowlevel

from meerkat._core.background import Background
from meerkat._core.errors import (
    DeadlineExceededError,
    MeerkatError,
    NotConnectedError,
    TransportError,
)

if TYPE_CHECKING:
    from meerkat._core.protocol import Call, Protocol, Request
    from meerkat._core.transport import Transport

logger = logging.getLogger("meerkat.connection")

READ_SIZE: Final = 64 * 1024
PROBE_INTERVAL: Final = 1.0  # seconds before a probe that is not answered is repeated
CANCEL_GRACE: Final = 1.0  # seconds for the runtime to give up what is cancelled at the end
FLUSH_GRACE: Final = 0.5  # seconds for the last lines, cancellations above all, to reach the pipe
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
        self._backlog = memoryview(b"")  # bytes that the pipe did not take yet; nothing else may be written before them
        self._input_open = True
        self._stalled = anyio.Event()  # set when there is a backlog, or the pipe is broken
        self._drained = anyio.Event()  # set when a backlog is gone
        self._proving = anyio.Event()  # set when a probe is out
        self._read_ended = anyio.Event()
        self._given_up = anyio.Event()  # set when the runtime has given up what was cancelled at the end
        self._closing = False
        self._closed = anyio.Event()
        self._writers = [
            Background(self._write_backlog, "meerkat writer"),
            Background(self._repeat_probes, "meerkat probe timer"),
            Background(self._note_broken_input, "meerkat input"),
        ]
        self._readers = [
            Background(self._read, "meerkat reader"),
            Background(self._note_exit, "meerkat exit"),
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
        """
        call = self._protocol.call(method, params, cancellable=cancellable, null_id_errors=null_id_errors)
        self.flush()
        return call

    async def wait(self, call: Call, *, timeout: float | None = None) -> None:
        """Wait until a call is settled.

        Leaving early (cancellation, deadline) abandons it: the runtime is told where it understands that.

        Raises:
            DeadlineExceededError: ``timeout`` seconds are over.
        """
        try:
            with anyio.move_on_after(timeout) as scope:
                await _settled(call)
        finally:
            if not call.done:
                self.abandon(call)
        if scope.cancelled_caught:
            message = f"no answer within {timeout:g} seconds"
            raise DeadlineExceededError(message=message, method=call.method)

    def abandon(self, call: Call) -> None:
        """Stop waiting for a call."""
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
        while not self._backlog and self._input_open:
            data = self._protocol.data_to_send()
            if not data:
                break
            self._backlog = self._write(memoryview(data))
        if self._backlog or not self._input_open:
            self._stalled.set()
        if self._protocol.probe_out is not None:
            self._proving.set()

    # Tasks

    async def _read(self) -> None:
        try:
            await self._read_all()
        except Exception as error:
            logger.exception("the reader failed")
            self._fail(TransportError(message=f"the client's reader failed: {type(error).__name__}: {error}"))
            return
        except BaseException:
            if not self._closing:
                # The event loop ends without close(): nothing may be left behind.
                self._transport.kill()
            raise
        finally:
            self._read_ended.set()
        await self._fail_by_end("closed its output but still runs")

    async def _read_all(self) -> None:
        descriptor = self._transport.reader
        while True:
            try:
                chunk = os.read(descriptor, READ_SIZE)
            except BlockingIOError:
                await anyio.wait_readable(descriptor)
                continue
            except OSError as error:
                logger.debug("reading ended: %s", error)
                break
            if not chunk:
                break
            self._take(self._protocol.receive(chunk))
            # The pipe may never run dry; others must run all the same.
            await anyio.lowlevel.checkpoint()
        self._take(self._protocol.receive_end())

    def _take(self, requests: list[Request]) -> None:
        for request in requests:
            self._receiver.receive(request)
        self._receiver.wake()
        if self._protocol.fault is not None:
            self._receiver.end(self._protocol.fault)
            if not self._protocol.unanswered:
                self._given_up.set()
        self.flush()

    async def _note_exit(self) -> None:
        """Notice the death of a process whose pipes are held open by a child of its own."""
        await self._transport.ended()
        with anyio.move_on_after(DRAIN_GRACE):
            await self._read_ended.wait()
        self._fail(self._transport.fault("ended"))

    async def _write_backlog(self) -> None:
        while True:
            await self._stalled.wait()
            self._stalled = anyio.Event()
            while self._backlog and self._input_open:
                await anyio.wait_writable(self._transport.writer)
                self._backlog = self._write(self._backlog)
            if not self._input_open:
                break
            self.flush()
            if not self._backlog:
                self._drained.set()
                self._drained = anyio.Event()
        # The reader sees the end of the output and tells the exit status, unless the runtime lives on.
        await self._fail_by_end("closed its input but still runs")

    async def _note_broken_input(self) -> None:
        """Notice that requests which the pipe took will never be read."""
        await self._transport.input_broken()
        self._input_open = False
        self._stalled.set()

    async def _repeat_probes(self) -> None:
        while True:
            await self._proving.wait()
            self._proving = anyio.Event()
            before = self._protocol.probe_out
            await anyio.sleep(PROBE_INTERVAL)
            if before is not None and before == self._protocol.probe_out:
                self._protocol.probe_again()
            self.flush()

    def _write(self, data: memoryview) -> memoryview:
        """Write to the pipe; return what it did not take."""
        while data:
            try:
                data = data[os.write(self._transport.writer, data) :]
            except BlockingIOError:
                break
            except OSError as error:
                logger.debug("the runtime does not take requests any more: %s", error)
                self._input_open = False
                return memoryview(b"")
        return data

    # The end

    async def _fail_by_end(self, living: str) -> None:
        """Fail everybody by the runtime's end, which may be a moment away, or by what it did instead."""
        with anyio.move_on_after(self._transport.exit_grace):
            await self._transport.ended()
        self._fail(self._transport.fault(living))

    def _fail(self, fault: MeerkatError) -> None:
        self._protocol.fail(fault)
        self._receiver.end(self._protocol.fault or fault)

    async def close(self) -> None:
        """End the connection and the runtime; bounded, and complete even when cancelled."""
        with anyio.CancelScope(shield=True):
            if self._closing:
                await self._closed.wait()
                return
            self._closing = True
            await self._close()
            self._closed.set()

    async def _close(self) -> None:
        # A runtime with turns under way would take its full grace to end.
        self._protocol.cancel_all()
        self.flush()
        self._fail(NotConnectedError(message="the client was closed"))
        if self._protocol.unanswered:
            with anyio.move_on_after(CANCEL_GRACE):
                await self._given_up.wait()
        if self._backlog:
            drained = self._drained
            with anyio.move_on_after(FLUSH_GRACE):
                await drained.wait()
        await _end(self._writers)
        await self._transport.end(self._grace)
        await _end(self._readers)
        self._transport.release()


async def _settled(call: Call) -> None:
    if call.done:
        await anyio.lowlevel.checkpoint()
        return
    settled = anyio.Event()
    call.on_done.append(settled.set)
    await settled.wait()


async def _end(tasks: list[Background]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        await task.wait()
