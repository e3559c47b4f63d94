"""The barest possible reader of the same bytes: no event loop, no routing, nothing that a client needs to be safe.

usage: python -m bench.floor PART SERVER JSON

What it does for each part is the least that gives its caller the same values: one blocking read, one decode.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec

# ruff: noqa: TC001  # the fields of the structs below are types at run time
from bench.figures import check, check_text, latency, memory, quantile
from meerkat._generated.types.connection import CapabilitiesResponse, InitializeResult
from meerkat._generated.types.events import AgentEvent, TextDelta
from meerkat._generated.types.runtime import RuntimeHostHealth
from meerkat._generated.types.session import SessionDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Figures = dict[str, float]

READ_SIZE = 64 * 1024
HEALTH = b'{"jsonrpc":"2.0","id":%d,"method":"runtime/health","params":{}}\n'


class Envelope(msgspec.Struct, gc=False):
    """What an event needs of its envelope."""

    seq: int
    payload: AgentEvent


class Params(msgspec.Struct, gc=False):
    """Parameters of an event."""

    session_id: str
    event: Envelope


class Line(msgspec.Struct, gc=False):
    """An event, or with an id the answer."""

    params: Params | None = None
    id: int = 0


class Health(msgspec.Struct, gc=False):
    """An answer to a small call."""

    id: int
    result: RuntimeHostHealth


class Details(msgspec.Struct, gc=False):
    """An answer that may be long."""

    id: int
    result: SessionDetails


class Hello(msgspec.Struct):
    """Answers of the handshake."""

    result: InitializeResult


class Abilities(msgspec.Struct):
    """Answers of the handshake."""

    result: CapabilitiesResponse


class Server:
    """The runtime, spoken to with blocking reads and writes."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.input = self._process.stdin.fileno()
        self.output = self._process.stdout.fileno()
        if sys.platform == "linux":
            import fcntl  # noqa: PLC0415  # Unix only

            fcntl.fcntl(self.output, 1031, 256 * 1024)

    def ask(self, method: str, **params: Any) -> None:
        """Send a request with id 1."""
        os.write(
            self.input, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"
        )

    def blocks(self) -> Iterator[bytes]:
        """What it writes, cut into blocks of whole lines."""
        rest: list[bytes] = []
        while chunk := os.read(self.output, READ_SIZE):
            end = chunk.rfind(b"\n") + 1
            if not end:
                rest.append(chunk)
                continue
            rest.append(chunk[:end])
            yield b"".join(rest)
            rest = [chunk[end:]]

    def end(self) -> None:
        """Let it end."""
        os.close(self.input)
        self._process.stdin = None
        self._process.wait()


def connect(program: str, sizes: dict[str, Any]) -> Figures:
    """Starting the runtime, the two requests of the handshake in one write, and the end."""
    opening: list[float] = []
    closing: list[float] = []
    hello, abilities = msgspec.json.Decoder(Hello), msgspec.json.Decoder(Abilities)
    for _ in range(sizes["times"]):
        begin = time.perf_counter()
        server = Server(program)
        server.ask("initialize")
        server.ask("capabilities/get")
        lines: list[bytes] = []
        for block in server.blocks():
            lines += block.splitlines()
            if len(lines) == 2:
                break
        hello.decode(lines[0])
        abilities.decode(lines[1])
        connected = time.perf_counter()
        server.end()
        opening.append(connected - begin)
        closing.append(time.perf_counter() - connected)
    return {"connect": quantile(opening, 0.5) * 1000, "close": quantile(closing, 0.5) * 1000}


def calls(program: str, sizes: dict[str, Any]) -> Figures:
    """One call after the other."""
    server = Server(program)
    decode = msgspec.json.Decoder(Health).decode
    times: list[float] = []
    begin = time.perf_counter()
    for key in range(sizes["calls"]):
        before = time.perf_counter_ns()
        os.write(server.input, HEALTH % key)
        decode(os.read(server.output, READ_SIZE))
        times.append(time.perf_counter_ns() - before)
    rate = sizes["calls"] / (time.perf_counter() - begin)
    server.end()
    return {"rate": rate, **latency(times)}


def flight(program: str, sizes: dict[str, Any]) -> Figures:
    """So many requests out at any time."""
    server = Server(program)
    os.set_blocking(server.input, False)
    decode = msgspec.json.Decoder(Health).decode_lines
    total, sent, answered = sizes["calls"], 0, 0
    backlog = b""
    blocks = server.blocks()
    cpu, begin = time.process_time(), time.perf_counter()
    while answered < total:
        more = range(sent, min(total, answered + sizes["callers"]))
        sent = max(sent, more.stop)
        backlog += b"".join([HEALTH % key for key in more])
        try:
            backlog = backlog[os.write(server.input, backlog) :] if backlog else b""
        except BlockingIOError:
            select.select([server.output], [], [])
        answered += len(decode(next(blocks)))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    server.end()
    return {"rate": total / seconds, "cpu": cpu / total * 1e6}


def stream(program: str, sizes: dict[str, Any]) -> Figures:
    """All events of a run."""
    server = Server(program)
    decode = msgspec.json.Decoder(Line).decode_lines
    count = 0
    server.ask("turn/start")
    cpu, begin = time.process_time(), time.perf_counter()
    for block in server.blocks():
        for line in decode(block):
            if line.params is not None:
                _ = line.params.event.payload
                count += 1
            else:
                break
        else:
            continue
        break
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    server.end()
    check(count, sizes["events"])
    return {"rate": count / seconds, "cpu": cpu / count * 1e6}


def slow(program: str, sizes: dict[str, Any]) -> Figures:
    """All events of a run, kept."""
    server = Server(program)
    decode = msgspec.json.Decoder(Line).decode_lines
    kept: list[object] = []
    before = memory()
    server.ask("turn/start")
    for block in server.blocks():
        kept += [line.params.event.payload for line in decode(block) if line.params is not None]
        if len(kept) == sizes["events"]:
            break
    grown = memory() - before
    server.end()
    return {"memory": grown / 1e6}


def paced(program: str, sizes: dict[str, Any]) -> Figures:
    """Events that come one by one."""
    server = Server(program)
    decode = msgspec.json.Decoder(Line).decode_lines
    times: list[float] = []
    server.ask("turn/start")
    cpu = time.process_time()
    for block in server.blocks():
        for line in decode(block):
            now = time.monotonic_ns()
            if line.params is not None and isinstance(line.params.event.payload, TextDelta):
                times.append(now - int(line.params.event.payload.delta))
        if len(times) == sizes["events"] - 2:
            break
    cpu = time.process_time() - cpu
    server.end()
    return {**latency(times), "cpu": cpu / len(times) * 1e6}


def lines(program: str, sizes: dict[str, Any]) -> Figures:
    """Answers that are one long line."""
    server = Server(program)
    decode = msgspec.json.Decoder(Details).decode
    begin = time.perf_counter()
    for _ in range(sizes["times"]):
        server.ask("session/read", session_id="unused")
        check_text(decode(next(server.blocks())).result.last_assistant_text, sizes["bytes"])
    seconds = time.perf_counter() - begin
    server.end()
    return {"rate": sizes["times"] * sizes["bytes"] / seconds / 1e6}


PARTS: dict[str, Callable[[str, dict[str, Any]], Figures]] = {
    part.__name__: part for part in (connect, calls, flight, stream, slow, paced, lines)
}


if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](sys.argv[2], json.loads(sys.argv[3]))))
