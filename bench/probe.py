"""The program that is measured: the same for both SDKs, since they share their names.

usage: python -m bench.probe PART LOOP SERVER JSON

Runs alone in a fresh process and prints its figures as JSON. ``LOOP`` is ``trio`` or ``asyncio``, ``JSON`` holds the
sizes. Only what both environments have is imported.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.figures import check, check_text, latency, memory, quantile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Figures = dict[str, float]

PROMPT = "go"
TICK = 0.001


class Asyncio:
    """What the probes need of an event loop, on asyncio."""

    def __init__(self) -> None:
        self._asyncio = import_module("asyncio")
        self.sleep: Callable[[float], Awaitable[None]] = self._asyncio.sleep

    def run(self, function: Callable[[], Awaitable[Figures]]) -> Figures:
        """Run a program."""
        figures: Figures = self._asyncio.run(function())
        return figures

    async def together(self, count: int, function: Callable[[], Awaitable[None]]) -> None:
        """Run a function so many times at once."""
        await self._asyncio.gather(*(function() for _ in range(count)))

    async def beside(
        self, background: Callable[[], Awaitable[None]], function: Callable[[], Awaitable[Figures]]
    ) -> Figures:
        """Run a function while another one runs in the background."""
        task = self._asyncio.ensure_future(background())
        try:
            return await function()
        finally:
            task.cancel()


class Trio:
    """What the probes need of an event loop, on trio."""

    def __init__(self) -> None:
        self._trio = import_module("trio")
        self.sleep: Callable[[float], Awaitable[None]] = self._trio.sleep

    def run(self, function: Callable[[], Awaitable[Figures]]) -> Figures:
        """Run a program."""
        figures: Figures = self._trio.run(function)
        return figures

    async def together(self, count: int, function: Callable[[], Awaitable[None]]) -> None:
        """Run a function so many times at once."""
        async with self._trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(function)

    async def beside(
        self, background: Callable[[], Awaitable[None]], function: Callable[[], Awaitable[Figures]]
    ) -> Figures:
        """Run a function while another one runs in the background."""
        async with self._trio.open_nursery() as nursery:
            nursery.start_soon(background)
            figures = await function()
            nursery.cancel_scope.cancel()
        return figures


def client(server: str, **options: Any) -> Any:
    """Make a client of the server."""
    return import_module("meerkat").MeerkatClient(server, **options)


async def first(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """From the start of the program to the first connection."""
    del loop
    async with client(server):
        return {"first": (time.perf_counter() - sizes["began"]) * 1000}


async def connect(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """Connecting and closing, again and again."""
    del loop
    opening: list[float] = []
    closing: list[float] = []
    for _ in range(sizes["times"]):
        one = client(server)
        begin = time.perf_counter()
        await one.connect()
        connected = time.perf_counter()
        await one.close()
        opening.append(connected - begin)
        closing.append(time.perf_counter() - connected)
    return {"connect": quantile(opening, 0.5) * 1000, "close": quantile(closing, 0.5) * 1000}


async def calls(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """One call after the other."""
    del loop
    async with client(server) as one:
        for _ in range(100):
            await one.get_runtime_host_health()
        times: list[float] = []
        cpu, begin = time.process_time(), time.perf_counter()
        for _ in range(sizes["calls"]):
            before = time.perf_counter_ns()
            await one.get_runtime_host_health()
            times.append(time.perf_counter_ns() - before)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return {"rate": sizes["calls"] / seconds, "cpu": cpu / sizes["calls"] * 1e6, **latency(times)}


async def flight(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """Many callers at once, each with one call after the other."""
    callers = sizes["callers"]
    each = sizes["calls"] // callers
    async with client(server) as one:

        async def caller() -> None:
            for _ in range(each):
                await one.get_runtime_host_health()

        await loop.together(callers, one.get_runtime_host_health)
        cpu, begin = time.process_time(), time.perf_counter()
        await loop.together(callers, caller)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return {"rate": callers * each / seconds, "cpu": cpu / (callers * each) * 1e6}


async def bare(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """The same without a client, on the bare event loop."""
    figures: Figures = await import_module("bench.bare").bare(server, loop, sizes)
    return figures


async def stream(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """All events of a run, one by one."""
    del loop
    async with client(server) as one:
        session = await one.create_session("hello")
        count = 0
        cpu, begin = time.process_time(), time.perf_counter()
        async with session.stream(PROMPT) as events:
            async for _ in events:
                count += 1
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    check(count, sizes["events"])
    return {"rate": count / seconds, "cpu": cpu / count * 1e6}


async def batches(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """All events of a run, a batch at a time; the peer has no such thing."""
    del loop
    async with client(server) as one:
        session = await one.create_session("hello")
        count = 0
        cpu, begin = time.process_time(), time.perf_counter()
        async with session.stream(PROMPT) as events:
            while batch := await events.batches():
                for _ in batch:
                    count += 1
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    check(count, sizes["events"])
    return {"rate": count / seconds, "cpu": cpu / count * 1e6}


async def watched(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """When the events of a run are seen, and how late another task becomes meanwhile."""
    late = 0.0

    async def tick() -> None:
        nonlocal late
        while True:
            before = time.monotonic()
            await loop.sleep(TICK)
            late = max(late, time.monotonic() - before - TICK)

    async def consume() -> Figures:
        moments: list[float] = []
        async with session.stream(PROMPT) as events:
            async for _ in events:
                moments.append(time.monotonic())  # noqa: PERF401  # a comprehension would not say when
        check(len(moments), sizes["events"])
        answered = int(events.result.text) / 1e9
        live = sum(moment <= answered for moment in moments)
        return {"live": 100 * live / len(moments), "freeze": late * 1000}

    async with client(server) as one:
        session = await one.create_session("hello")
        return await loop.beside(tick, consume)


async def slow(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """What a run costs in memory whose consumer looks at the first event only."""
    del loop
    async with client(server, **sizes.get("options", {})) as one:
        session = await one.create_session("hello")
        before = memory()
        async with session.stream(PROMPT) as events:
            async for _ in events:
                # Lines are read in order: once this is answered, all events were read.
                await one.get_runtime_host_health()
                break
            grown = memory() - before
    return {"memory": grown / 1e6}


async def paced(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """How long an event takes from the server to the consumer when they come one by one."""
    del loop
    times: list[float] = []
    async with client(server) as one:
        session = await one.create_session("hello")
        cpu = time.process_time()
        async with session.stream(PROMPT) as events:
            async for event in events:
                now = time.monotonic_ns()
                delta = delta_of(event)
                if delta is not None:
                    times.append(now - int(delta))
        cpu = time.process_time() - cpu
    check(len(times), sizes["events"] - 2)
    return {**latency(times), "cpu": cpu / len(times) * 1e6}


def delta_of(event: Any) -> str | None:
    """Text of an event; the peer does not look into the envelope."""
    found: str | None
    if type(event).__name__ == "UnknownEvent":
        found = event.data["payload"].get("delta")
    else:
        found = getattr(event, "delta", None)
    return found


async def lines(server: str, loop: Asyncio | Trio, sizes: dict[str, Any]) -> Figures:
    """Answers that are one long line."""
    del loop
    async with client(server) as one:
        begin = time.perf_counter()
        for _ in range(sizes["times"]):
            details = await one.read_session("018f0000-0000-7000-8000-000000000001")
            check_text(details.last_assistant_text, sizes["bytes"])
        seconds = time.perf_counter() - begin
    return {"rate": sizes["times"] * sizes["bytes"] / seconds / 1e6}


PARTS = {
    part.__name__: part for part in (first, connect, calls, flight, bare, stream, batches, watched, slow, paced, lines)
}


def main() -> None:
    """Run one probe."""
    began = time.perf_counter()
    part, loop_name, server, sizes_text = sys.argv[1:]
    sizes = {**json.loads(sizes_text), "began": began}
    loop = Trio() if loop_name == "trio" else Asyncio()
    print(json.dumps(loop.run(lambda: PARTS[part](server, loop, sizes))))


if __name__ == "__main__":
    main()
