"""The report of a soak for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.soak.verdict import MIB

if TYPE_CHECKING:
    from collections import Counter

    from tests.soak.course import Course
    from tests.soak.measure import Sample
    from tests.soak.verdict import Verdict

COLUMNS: Final = ("seconds", "pieces", "RSS MiB", "blocks")


def header(sample: Sample) -> str:
    """The head of the table of samples."""
    return "".join(f"{name:>12}" for name in (*COLUMNS, *sample.counts, "entries", "pool"))


def row(sample: Sample) -> str:
    """A row of the table of samples."""
    cells = [f"{sample.at:.0f}", f"{sample.pieces:,}", f"{sample.rss / MIB:.2f}", f"{sample.blocks:,}"]
    cells += [str(count) for count in sample.counts.values()]
    cells += [str(sum(sample.excess.values())), str(sample.pool_threads)]
    left = "".join(f"\n{'':>12}{count} left in {name}" for name, count in sorted(sample.excess.items()))
    return "".join(f"{cell:>12}" for cell in cells) + left


def summary(course: Course, verdict: Verdict) -> str:
    """Everything that is known in the end."""
    lines = [
        *_tally("work done", course.done),
        *_tally("work in the midst of which its runtime was struck", course.interrupted),
        *_tally("faults injected into shared runtimes", course.strikes),
        *_tally("noticed on the way", course.noticed),
        "",
        "judged by:",
        *(f"  {figure}" for figure in verdict.figures),
        "",
    ]
    for number, failure in enumerate(course.failures, start=1):
        lines += [f"failure {number} of {course.failed}: {failure}", ""]
    if verdict.passed:
        return "\n".join([*lines, "PASSED"])
    return "\n".join([*lines, "FAILED", *(f"  {fault}" for fault in verdict.faults)])


def _tally(title: str, counted: Counter[str]) -> list[str]:
    return ["", f"{title}: {counted.total():,}", *(f"  {count:>8,}  {name}" for name, count in counted.most_common())]
