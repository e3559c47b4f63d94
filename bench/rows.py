"""What is measured, and what it should come to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

EVENTS: Final = 200_000
MB: Final = 1_000_000
CAP: Final = 8 * MB


@dataclass(frozen=True)
class Run:
    """One program that is run for each subject: its part, its sizes, and what its server says.

    Attributes:
        pinned: Whether it shares one core with its server, so that figures tell what the software costs; else waking
            a core that sleeps, or finding one that is awake, is most of what is measured.
    """

    part: str
    sizes: dict[str, Any] = field(default_factory=dict[str, Any])
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    rate: int = 0
    pinned: bool = False
    subjects: tuple[str, ...] = ("peer", "trio", "asyncio", "floor")

    def quick(self) -> Run:
        """The same with a fraction of the work."""
        return replace(self, sizes=_fewer(self.sizes), data=_fewer(self.data))


@dataclass(frozen=True)
class Target:
    """A bound for a figure, or for its ratio to the peer or to the floor."""

    text: str
    at_least: float | None = None
    at_most: float | None = None
    floor_share: float | None = None
    ratio: bool = True

    def met(self, ours: float, peer: float | None, floor: float | None) -> bool:
        """Whether a figure is within its bounds."""
        value = ours / peer if self.ratio and peer else ours
        if self.at_least is not None and value < self.at_least:
            return False
        if self.at_most is not None and value > self.at_most:
            return False
        return self.floor_share is None or floor is None or ours >= self.floor_share * floor


@dataclass(frozen=True)
class Row:
    """A figure of a run, as a line of the table."""

    run: str
    figure: str
    label: str
    target: Target | None = None
    digits: int = 0


def _fewer(sizes: dict[str, Any]) -> dict[str, Any]:
    fewer = {
        name: max(2, size // 100) for name, size in sizes.items() if name in {"events", "calls", "times", "callers"}
    }
    return {**sizes, **fewer}


def at_least(value: float) -> Target:
    """So many times the peer's figure, or more."""
    return Target(f">= {value:g}x", at_least=value)


def at_most(value: float) -> Target:
    """So many times the peer's figure, or less."""
    return Target(f"<= {value:g}x", at_most=value)


OURS: Final = ("trio", "asyncio")
WHOLE: Final = {"events": EVENTS}
KEEP_ALL: Final = {"options": {"stream_buffer_bytes": 1000 * MB}}

RUNS: Final[dict[str, Run]] = {
    "import package": Run("import", {"step": "package"}, subjects=("peer", "ours")),
    "import client": Run("import", {"step": "client"}, subjects=("peer", "ours", "floor")),
    "first": Run("first", subjects=("peer", *OURS)),
    "connect": Run("connect", {"times": 20}),
    "calls": Run("calls", {"calls": 5000}, pinned=True),
    "flight 100": Run("flight", {"callers": 100, "calls": 20_000}),
    "flight 1,000": Run("flight", {"callers": 1000, "calls": 20_000}),
    "bare 1": Run("bare", {"callers": 1, "calls": 5000}, pinned=True, subjects=OURS),
    "bare 100": Run("bare", {"callers": 100, "calls": 20_000}, subjects=OURS),
    "bare 1,000": Run("bare", {"callers": 1000, "calls": 20_000}, subjects=OURS),
    "stream": Run("stream", WHOLE, WHOLE),
    "batches": Run("batches", WHOLE, WHOLE, subjects=OURS),
    "watched": Run("watched", WHOLE, WHOLE, subjects=("peer", *OURS)),
    "slow": Run("slow", {**WHOLE, **KEEP_ALL}, WHOLE),
    "capped": Run("slow", {**WHOLE, "options": {"stream_buffer_bytes": CAP}}, WHOLE, subjects=OURS),
    "paced": Run("paced", {"events": 2000}, {"events": 2000, "stamped": True}, rate=2000, pinned=True),
    "lines 60 kB": Run("lines", {"bytes": 60_000, "times": 500}, {"text_size": 60_000}),
    "lines 1 MB": Run("lines", {"bytes": MB, "times": 40}, {"text_size": MB}),
    "lines 16 MB": Run("lines", {"bytes": 16 * MB, "times": 5}, {"text_size": 16 * MB}),
    "lines 64 MB": Run("lines", {"bytes": 64 * MB, "times": 2}, {"text_size": 64 * MB}),
}

ROWS: Final = (
    Row("import package", "import", "`import meerkat`, ms", at_most(0.35), 1),
    Row("import client", "import", "until the first `MeerkatClient()`, ms", at_most(0.5), 1),
    Row("first", "first", "until the first connection, ms", at_most(1), 1),
    Row("connect", "connect", "`connect()`, ms", at_most(1), 2),
    Row("connect", "close", "`close()`, ms", at_most(1), 2),
    Row("calls", "rate", "calls one after the other, calls/s", at_least(1.7)),
    Row("calls", "p50", "the same, p50, us", at_most(0.6), 1),
    Row("calls", "p99", "the same, p99, us", at_most(0.65), 1),
    Row("bare 1", "rate", "one after the other on the bare event loop, calls/s"),
    Row("flight 100", "rate", "100 calls in flight, calls/s", at_least(2.5)),
    Row("flight 100", "cpu", "the same, CPU us a call", None, 1),
    Row("bare 100", "rate", "100 in flight on the bare event loop, calls/s"),
    Row("flight 1,000", "rate", "1,000 calls in flight, calls/s", at_least(3)),
    Row("flight 1,000", "cpu", "the same, CPU us a call", None, 1),
    Row("bare 1,000", "rate", "1,000 in flight on the bare event loop, calls/s"),
    Row("stream", "rate", "stream, events/s", Target(">= 8x, >= 0.6 of the floor", at_least=8, floor_share=0.6)),
    Row("batches", "rate", "stream by batches, events/s"),
    Row("stream", "cpu", "stream, CPU us an event", at_most(0.15), 2),
    Row("watched", "live", "seen before the result was written, %", Target(">= 99", at_least=99, ratio=False), 1),
    Row("watched", "freeze", "longest freeze of another task, ms", Target("<= 5", at_most=5, ratio=False), 1),
    Row("slow", "memory", "200,000 events wait for a consumer, MB", at_most(0.25), 1),
    Row("capped", "memory", "the same with a cap of 8 MB, MB", Target("<= 8", at_most=CAP / MB, ratio=False), 1),
    Row("paced", "p50", "2,000 events/s, latency p50, us", at_most(0.5), 1),
    Row("paced", "p99", "the same, p99, us", None, 1),
    Row("paced", "cpu", "the same, CPU us an event", at_most(0.55), 1),
    Row("lines 60 kB", "rate", "lines of 60 kB, MB/s", at_least(1.5)),
    Row("lines 1 MB", "rate", "lines of 1 MB, MB/s", at_least(1.6)),
    Row("lines 16 MB", "rate", "lines of 16 MB, MB/s", at_least(1.4)),
    Row("lines 64 MB", "rate", "lines of 64 MB, MB/s", at_least(1.4)),
)
