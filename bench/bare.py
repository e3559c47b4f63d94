"""The barest client on an event loop: what calls cost before there is a protocol, a type of parameters or a deadline.

Calls only: an id, a write, a task that parks, a read, a decode, a wake. What goes together is written together. No
fault is looked for, nothing can be cancelled, and nothing keeps the runtime from losing a request.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from bench.floor import HEALTH, READ_SIZE, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from bench.probe import Asyncio, Trio

    Figures = dict[str, float]

_decode_lines = msgspec.json.Decoder(Health).decode_lines


class _Bare:
    """Requests and answers by id; a subclass knows how to park and wake on its event loop."""

    def __init__(self, requests: int, answers: int, *, alone: bool) -> None:
        self._requests, self.answers = requests, answers
        self._alone = alone
        self._waiting: dict[int, Any] = {}
        self._unsent: list[bytes] = []
        self._begun = b""
        self._last = 0

    def send(self, waiter: Any) -> None:
        """Register a call; `flush` writes it, unless there is but one caller."""
        self._last += 1
        self._waiting[self._last] = waiter
        self._unsent.append(HEALTH % self._last)
        if self._alone:
            self.flush()

    def flush(self) -> None:
        """Write what was sent, as far as the pipe takes it."""
        if self._unsent:
            data = b"".join(self._unsent)
            with suppress(BlockingIOError):
                data = data[os.write(self._requests, data) :]
            self._unsent = [data] if data else []

    def read(self, wake: Callable[[Any, Any], None]) -> None:
        """Take what is there and wake those who wait for it."""
        data = self._begun + os.read(self.answers, READ_SIZE)
        end = data.rfind(b"\n") + 1
        self._begun = data[end:]
        for answer in _decode_lines(data[:end]):
            wake(self._waiting.pop(answer.id), answer.result)


async def bare(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """Many callers at once, each with one call after the other."""
    callers, each = sizes["callers"], sizes["calls"] // sizes["callers"]
    serve = _on_asyncio if type(loop).__name__ == "Asyncio" else _on_trio
    with _server(server) as (requests, answers):
        cpu, begin = time.process_time(), time.perf_counter()
        await serve(_Bare(requests, answers, alone=callers == 1), callers, each)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return {"rate": callers * each / seconds, "cpu": cpu / (callers * each) * 1e6}


async def _on_asyncio(client: _Bare, callers: int, each: int) -> None:
    asyncio: Any = import_module("asyncio")
    loop = asyncio.get_running_loop()

    def readable() -> None:
        client.read(lambda future, result: future.set_result(result))
        loop.call_soon(client.flush)

    async def caller() -> None:
        for _ in range(each):
            future = loop.create_future()
            client.send(future)
            await future

    loop.add_reader(client.answers, readable)
    try:
        tasks = [asyncio.ensure_future(caller()) for _ in range(callers)]
        await asyncio.sleep(0)  # all of them have sent their first
        client.flush()
        await asyncio.gather(*tasks)
    finally:
        loop.remove_reader(client.answers)


async def _on_trio(client: _Bare, callers: int, each: int) -> None:
    trio: Any = import_module("trio")
    lowlevel = trio.lowlevel
    results: dict[Any, Any] = {}

    def wake(task: Any, result: Any) -> None:
        results[task] = result
        lowlevel.reschedule(task)

    async def reader() -> None:
        while True:
            await lowlevel.wait_readable(client.answers)
            client.read(wake)
            await lowlevel.checkpoint()
            await lowlevel.checkpoint()  # those who were woken have sent their next
            client.flush()

    def abort(_: object) -> Any:
        return lowlevel.Abort.SUCCEEDED

    async def caller() -> None:
        for _ in range(each):
            client.send(lowlevel.current_task())
            await lowlevel.wait_task_rescheduled(abort)
            results.pop(lowlevel.current_task())

    async with trio.open_nursery() as readers:
        readers.start_soon(reader)
        async with trio.open_nursery() as nursery:
            for _ in range(callers):
                nursery.start_soon(caller)
            await lowlevel.checkpoint()
            await lowlevel.checkpoint()
            client.flush()
        readers.cancel_scope.cancel()


@contextmanager
def _server(program: str) -> Generator[tuple[int, int]]:
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin
        assert process.stdout
        for pipe in (process.stdin, process.stdout):
            os.set_blocking(pipe.fileno(), False)
        try:
            yield process.stdin.fileno(), process.stdout.fileno()
        finally:
            process.stdin.close()
