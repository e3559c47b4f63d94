"""Figures to a table: medians, ratios, verdicts."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.rows import OURS, ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.rows import Row

    Results = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]
    """By run, then by subject: the figures of each round."""

HEADS: Final = ("", "peer", "trio", "asyncio", "floor", "trio / peer", "asyncio / peer", "target", "")


@dataclass(frozen=True)
class Line:
    """A row of the table with its medians."""

    row: Row
    peer: float | None
    ours: dict[str, float]
    floor: float | None

    @property
    def verdict(self) -> str:
        """Whether the target is met, on both event loops."""
        target = self.row.target
        if target is None or (target.ratio and self.peer is None):
            return ""
        missed = [name for name, value in self.ours.items() if not target.met(value, self.peer, self.floor)]
        if not missed:
            return "pass"
        return "**miss**" if len(missed) == len(self.ours) else f"**miss** on {missed[0]}"

    def cells(self) -> list[str]:
        """Its cells as text."""
        ours = [self.ours.get(name, self.ours.get("ours")) for name in OURS]
        values = [self.peer, *ours, self.floor]
        ratios = [value / self.peer if value is not None and self.peer else None for value in ours]
        return [
            self.row.label,
            *("" if value is None else f"{value:,.{self.row.digits}f}" for value in values),
            *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
            self.row.target.text if self.row.target else "",
            self.verdict,
        ]


def lines(results: Results) -> list[Line]:
    """The lines of the table, of those runs that were made."""
    return [_line(row, results[row.run]) for row in ROWS if row.run in results]


def _line(row: Row, results: Mapping[str, Sequence[Mapping[str, float]]]) -> Line:
    medians = {subject: median([figures[row.figure] for figures in rounds]) for subject, rounds in results.items()}
    peer, floor = medians.pop("peer", None), medians.pop("floor", None)
    return Line(row, peer, medians, floor)


def render(table: Sequence[Line]) -> str:
    """The table in Markdown, its columns aligned."""
    rows = [list(HEADS), *(line.cells() for line in table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    right = range(1, 7)
    out = ["| " + " | ".join(_cell(text, widths[i], i in right) for i, text in enumerate(row)) + " |" for row in rows]
    out.insert(
        1, "|" + "|".join("-" * (width + 1) + (":" if i in right else "-") for i, width in enumerate(widths)) + "|"
    )
    return "\n".join(out)


def _cell(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def machine() -> str:
    """What the figures were taken on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    libraries = ", ".join(f"{name} {version(name)}" for name in ("msgspec", "anyio", "trio"))
    return f"{cores} cores, {platform.python_implementation()} {platform.python_version()}; {libraries}"
