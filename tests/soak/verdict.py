"""The judgement of a soak: pure functions of what was measured and of what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.soak.measure import Sample

KIB: Final = 1024
MIB: Final = 1024 * 1024
ENOUGH: Final = 8
"""Samples without which the growth of memory is not judged: each window then has two of them."""


@dataclass(frozen=True)
class Tolerance:
    """How much something may grow from the second quarter of a soak to its last.

    Attributes:
        name: What it is.
        unit: What one of its units is called.
        scale: How much a unit is.
        noise: Growth that proves nothing.
        thousand: Growth for each 1,000 pieces of work that is too much, if it is more than noise.
        limit: Growth that is too much however much work was done.
    """

    name: str
    unit: str
    scale: int
    noise: float
    thousand: float
    limit: float


# A piece of work that keeps one object, or one hundred bytes, exceeds these long before ten minutes are over.
RSS: Final = Tolerance("resident memory", "MiB", MIB, noise=2 * MIB, thousand=100 * KIB, limit=8 * MIB)
BLOCKS: Final = Tolerance("allocated blocks", "blocks", 1, noise=3_000, thousand=250, limit=30_000)


@dataclass(frozen=True)
class Verdict:
    """What a soak has shown.

    Attributes:
        faults: Everything that is wrong, in words with numbers; empty when it passed.
        figures: The numbers that it was judged by.
    """

    faults: list[str]
    figures: list[str]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def judge(samples: Sequence[Sample], failures: int) -> Verdict:
    """Judge a soak.

    Args:
        samples: What was held at each rest, the first one after every kind of thing had been made once.
        failures: How many pieces of work went wrong.
    """
    faults: list[str] = []
    figures = [f"failures: {failures} (0 allowed)"]
    if failures:
        faults.append(f"{failures} failures")
    if samples:
        _excess(samples, faults, figures)
    if len(samples) < 2:
        faults.append(f"{len(samples)} samples are too few to tell what grows")
        return Verdict(faults, figures)
    if samples[-1].pieces <= samples[0].pieces:
        faults.append("no work was done between the samples")
    for name in sorted(samples[0].counts):
        _exact(name, samples, faults, figures)
    _growth(RSS, lambda sample: sample.rss, samples, faults, figures)
    _growth(BLOCKS, lambda sample: sample.blocks, samples, faults, figures)
    return Verdict(faults, figures)


def _exact(name: str, samples: Sequence[Sample], faults: list[str], figures: list[str]) -> None:
    """What has to be the same at every rest."""
    values = [sample.counts[name] for sample in samples]
    figures.append(f"{name}: {min(values)} to {max(values)} at {len(values)} rests (all the same allowed)")
    changed = next((sample for sample in samples if sample.counts[name] != values[0]), None)
    if changed is not None:
        faults.append(
            f"{name}: {values[0]} at the first rest, {changed.counts[name]} after {changed.at:.0f} s, "
            f"{values[-1]} at the last"
        )


def _excess(samples: Sequence[Sample], faults: list[str], figures: list[str]) -> None:
    """Tables of clients: nothing may be kept for work that is over."""
    figures.append(f"entries left in tables: {max(sum(s.excess.values()) for s in samples)} at most (0 allowed)")
    for name in sorted({name for sample in samples for name in sample.excess}):
        first = next(sample for sample in samples if sample.excess.get(name))
        most = max(sample.excess.get(name, 0) for sample in samples)
        faults.append(f"{name}: {first.excess[name]} entries too many after {first.at:.0f} s, {most} at most")


def _growth(
    allowed: Tolerance,
    value: Callable[[Sample], int],
    samples: Sequence[Sample],
    faults: list[str],
    figures: list[str],
) -> None:
    """What may vary but not grow: the median of the second quarter beside that of the last."""
    if len(samples) < ENOUGH:
        figures.append(f"{allowed.name}: not judged, {len(samples)} samples are fewer than {ENOUGH}")
        return
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    growth = median(map(value, late)) - median(map(value, early))
    pieces = median(s.pieces for s in late) - median(s.pieces for s in early)
    rate = growth * 1000 / pieces if pieces else 0.0

    def said(amount: float) -> str:
        return f"{amount / allowed.scale:,.2f} {allowed.unit}"

    figures.append(
        f"{allowed.name}: {said(growth)} more in the last quarter than in the second, {said(rate)} for 1,000 pieces "
        f"of work (allowed: {said(allowed.limit)}, and {said(allowed.thousand)} for 1,000 where it is more than "
        f"{said(allowed.noise)})"
    )
    if growth > allowed.limit:
        faults.append(f"{allowed.name}: grew by {said(growth)}, {said(allowed.limit)} are allowed")
    elif growth > allowed.noise and rate > allowed.thousand:
        faults.append(
            f"{allowed.name}: grew by {said(rate)} for 1,000 pieces of work, {said(allowed.thousand)} are allowed"
        )
