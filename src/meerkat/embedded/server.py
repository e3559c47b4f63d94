"""The connection: lines in, each request in a task of its own, lines out, and an end in good time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import anyio

from meerkat._core.codec import is_object
from meerkat.embedded import dispatch, lines
from meerkat.embedded.cli import EXIT_FAILURE, EXIT_OK
from meerkat.embedded.faults import PARSE_ERROR
from meerkat.embedded.pipes import Output, nonblocking, read_lines
from meerkat.embedded.request import Request
from meerkat.embedded.runtime import Runtime

if TYPE_CHECKING:
    from meerkat.embedded.cli import Options
    from meerkat.embedded.model import Model
    from meerkat.embedded.realm import Realm

STDIN, STDOUT = 0, 1
GRACE = 5
"""Seconds that the last answers have after the end of input."""

UNTRACKED_WITHOUT_ID = "tools/register"
"""The one request that is executed, and answered, without an id."""


class Server:
    """Serves one client over standard input and output."""

    def __init__(self, options: Options, realm: Realm, model: Model, retry_scale: float) -> None:
        self._output = Output(STDOUT)
        self._runtime = Runtime(options, realm, self._output, model, retry_scale)
        self._open: dict[tuple[type, lines.RequestId], Request] = {}
        self._short: set[Request] = set()
        self._status = EXIT_OK

    async def serve(self) -> int:
        """Serve until the end of input; returns the exit status."""
        with nonblocking(STDIN, STDOUT):
            async with anyio.create_task_group() as tasks:
                self._runtime.tasks = tasks
                tasks.start_soon(self._write)
                await self._read()
                await self._finish()
                tasks.cancel_scope.cancel()
        return self._status

    async def _read(self) -> None:
        try:
            async for batch in read_lines(STDIN):
                for line in batch:
                    line.decode()
                    self._take(lines.parse(line))
        except UnicodeDecodeError:
            self._complain("the input is not UTF-8")
            self._status = EXIT_FAILURE
        except OSError as error:
            self._complain(f"cannot read the input: {error}")
            self._status = EXIT_FAILURE

    async def _write(self) -> None:
        try:
            await self._output.pump()
        except OSError as error:
            # Nobody reads: there is no one left to serve.
            self._complain(f"cannot write the output: {error}")
            self._status = EXIT_FAILURE
            self._runtime.tasks.cancel_scope.cancel()

    async def _finish(self) -> None:
        """Write the answers that are nearly there; runs are not waited for, and nothing of them is told."""
        with anyio.move_on_after(GRACE):
            for request in list(self._short):
                await request.ended.wait()
            await self._output.flush()

    def _take(self, message: lines.Message) -> None:
        match message:
            case lines.Fault():
                error = {"code": PARSE_ERROR, "message": message.message}
                self._runtime.send({"jsonrpc": "2.0", "id": None, "error": error})
            case lines.Answer():
                self._runtime.callbacks.answer(message)
            case lines.Call(id=None):
                self._take_notification(message)
            case lines.Call():
                self._start(Request(message.id, message.method, message.params))

    def _take_notification(self, call: lines.Call) -> None:
        if call.method == UNTRACKED_WITHOUT_ID:
            self._start(Request(None, call.method, call.params))
        elif call.method == "cancel" and is_object(call.params):
            request_id = call.params.get("request_id")
            if isinstance(request_id, int | str) and (request := self._open.get((type(request_id), request_id))):
                request.cancel()

    def _start(self, request: Request) -> None:
        if request.id is not None:
            self._open[type(request.id), request.id] = request
        if not request.is_long:
            self._short.add(request)
        self._runtime.tasks.start_soon(self._serve, request)

    async def _serve(self, request: Request) -> None:
        answer: dict[str, Any] = await dispatch.answer(self._runtime, request)
        if request.id is not None and self._open.get((type(request.id), request.id)) is request:
            del self._open[type(request.id), request.id]
        self._short.discard(request)
        self._runtime.send(answer)
        request.ended.set()

    @staticmethod
    def _complain(text: str) -> None:
        os.write(2, f"meerkat-embedded: {text}\n".encode())
