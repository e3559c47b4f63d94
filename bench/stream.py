"""How fast events of a run reach a consumer, what they cost, and what they do to other tasks.

A fake runtime writes prepared events of the real envelope as fast as the pipe takes them, so that the client is what is
measured. Figures depend on the machine; compare them with others from the same one.

usage: stream.py [--events N] [--rounds N]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from meerkat import MeerkatClient, TextDelta

if TYPE_CHECKING:
    from meerkat import EventStream

FAKE = Path(__file__).with_name("fake_runtime.py")
PROMPT = "go"
TICK = 0.001


@dataclass(frozen=True)
class Measure:
    """One run, as its consumer saw it."""

    events: int
    seconds: float
    cpu_seconds: float
    watched: bool
    live: int
    longest_freeze: float

    def row(self, name: str) -> str:
        """The figures, as a line of the table."""
        rate = self.events / self.seconds
        cpu = self.cpu_seconds / self.events * 1e6
        seen = f"{100 * self.live / self.events:>14.1f}{self.longest_freeze * 1000:>12.1f}" if self.watched else ""
        return f"{name:<20}{rate:>12,.0f}{cpu:>14.2f}{seen}"


class Ticker:
    """A task that wants to run every millisecond, and how late it was at worst."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            before = time.monotonic()
            await anyio.sleep(TICK)
            self.worst = max(self.worst, time.monotonic() - before - TICK)


async def stream(events: int, batches: bool, watched: bool) -> Measure:
    """Consume one run.

    Args:
        events: How many events it has.
        batches: Whether they are taken a batch at a time.
        watched: Whether another task runs beside, and the moment of each event is noted.
    """
    async with MeerkatClient(sys.executable, args=[str(FAKE), str(events)]) as client:
        run = client.create_session_streaming(PROMPT)
        if not watched:
            return await consume(run, events, batches, None)
        ticker = Ticker()
        measures: list[Measure] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ticker.run)
            measures.append(await consume(run, events, batches, ticker))
            tasks.cancel_scope.cancel()
        return measures[0]


async def consume(run: EventStream, events: int, batches: bool, ticker: Ticker | None) -> Measure:
    """Consume a stream to its end, and say what that took."""
    moments: list[float] = []
    count = characters = 0
    cpu, start = time.process_time(), time.monotonic()
    async with run:
        if batches:
            while batch := await run.batches():
                count += len(batch)
        else:
            async for event in run:
                count += 1
                if isinstance(event, TextDelta):
                    characters += len(event.delta)
                if ticker is not None:
                    moments.append(time.monotonic())
    seconds, cpu = time.monotonic() - start, time.process_time() - cpu
    if count != events:
        sys.exit(f"{count} of {events} events arrived")
    answered = float(run.result.text)
    live = sum(moment <= answered for moment in moments)
    return Measure(events, seconds, cpu, ticker is not None, live, 0.0 if ticker is None else ticker.worst)


def main() -> None:
    """Measure on both event loops."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="events of a run (default: 200,000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind, of which the fastest counts")
    args = parser.parse_args()
    print(f"{args.events:,} events of 400 bytes, best of {args.rounds}; live: seen before the answer was written;")
    print("freeze: the longest time that another task was late\n")
    print(f"{'':<20}{'events/s':>12}{'CPU us/event':>14}{'live, %':>14}{'freeze, ms':>12}")
    for backend in ("trio", "asyncio"):
        for name, batches, watched in (("events", False, False), ("batches", True, False), ("watched", False, True)):
            measures = [anyio.run(stream, args.events, batches, watched, backend=backend) for _ in range(args.rounds)]
            print(min(measures, key=lambda measure: measure.seconds).row(f"{backend}, {name}"), flush=True)


if __name__ == "__main__":
    main()
