"""The judgement of a soak: what fails and what passes."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.soak.measure import Sample, tables
from tests.soak.report import header, row, summary
from tests.soak.verdict import BLOCKS, ENOUGH, MIB, RSS, judge

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.requirement("T08")

COUNTS = {"descriptors": 17, "children": 2, "tasks": 20}


def series(
    count: int = 40,
    *,
    rss: Callable[[int], float] = lambda _: 0,
    blocks: Callable[[int], float] = lambda _: 0,
    pieces: int = 500,
) -> list[Sample]:
    """Samples of a soak with so many pieces of work between two of them, and memory by their number."""
    return [
        Sample(15.0 * n, pieces * (n + 1), int(40 * MIB + rss(n)), int(150_000 + blocks(n)), COUNTS)
        for n in range(count)
    ]


def test_a_flat_series_passes() -> None:
    verdict = judge(series(), 0)
    assert verdict.passed
    assert len(verdict.figures) == 2 + len(COUNTS) + 2


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_one_passes(seed: int) -> None:
    rng = random.Random(seed)
    samples = series(rss=lambda _: rng.uniform(0, 3 * MIB), blocks=lambda _: rng.uniform(0, 5_000))
    assert judge(samples, 0).faults == []


def test_growth_while_it_warms_up_passes() -> None:
    samples = series(rss=lambda n: min(n, 10) * 3 * MIB, blocks=lambda n: min(n, 10) * 9_000)
    assert judge(samples, 0).faults == []


def test_a_single_peak_passes() -> None:
    assert judge(series(rss=lambda n: 100 * MIB * (n == 35)), 0).faults == []


def test_memory_that_rises_fails() -> None:
    """A quarter of a kilobyte for each piece of work."""
    (fault,) = judge(series(rss=lambda n: n * 500 * 256), 0).faults
    assert fault.startswith("resident memory: grew by 0.24 MiB for 1,000 pieces of work, 0.10 MiB are allowed")


def test_memory_that_rises_fails_however_much_work_was_done() -> None:
    (fault,) = judge(series(rss=lambda n: n * 0.5 * MIB, pieces=100_000), 0).faults
    assert fault == "resident memory: grew by 10.00 MiB, 8.00 MiB are allowed"


def test_one_object_for_each_piece_of_work_fails() -> None:
    (fault,) = judge(series(blocks=lambda n: n * 500), 0).faults
    assert fault.startswith("allocated blocks: grew by 1,000.00 blocks for 1,000 pieces")


def test_noise_under_a_rise_does_not_hide_it() -> None:
    rng = random.Random(1)
    samples = series(blocks=lambda n: n * 500 + rng.uniform(-2_000, 2_000))
    assert not judge(samples, 0).passed


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("when", [1, 20, 39])
def test_one_that_is_left_open_fails(name: str, when: int) -> None:
    samples = series()
    samples[when:] = [replace(s, counts={**COUNTS, name: COUNTS[name] + 1}) for s in samples[when:]]
    (fault,) = judge(samples, 0).faults
    usual, more = COUNTS[name], COUNTS[name] + 1
    assert fault == f"{name}: {usual} at the first rest, {more} after {15 * when} s, {more} at the last"


def test_one_too_few_fails_as_well() -> None:
    samples = series()
    samples[7] = replace(samples[7], counts={**COUNTS, "tasks": 19})
    assert len(judge(samples, 0).faults) == 1


def test_an_entry_that_is_left_in_a_table_fails() -> None:
    samples = series()
    samples[3] = replace(samples[3], excess={"Protocol._calls": 2})
    assert judge(samples, 0).faults == ["Protocol._calls: 2 entries too many after 45 s, 2 at most"]
    assert judge(samples[3:4], 0).faults[0] == "Protocol._calls: 2 entries too many after 45 s, 2 at most"


def test_a_failure_fails() -> None:
    assert judge(series(), 1).faults == ["1 failures"]


def test_nothing_to_judge_by_fails() -> None:
    assert not judge([], 0).passed
    assert not judge(series(1), 0).passed
    assert judge(series(pieces=0), 0).faults == ["no work was done between the samples"]


def test_memory_is_not_judged_by_few_samples_and_that_is_said() -> None:
    verdict = judge(series(ENOUGH - 1, rss=lambda n: n * 100 * MIB, blocks=lambda n: n * 10**6), 0)
    assert verdict.passed
    assert [f for f in verdict.figures if "not judged" in f] == [
        f"{name}: not judged, 7 samples are fewer than 8" for name in (RSS.name, BLOCKS.name)
    ]
    assert not judge(series(ENOUGH, rss=lambda n: n * 100 * MIB), 0).passed


def test_tables_are_found_wherever_they_are() -> None:
    class Part:
        __slots__ = ("items", "owner")

        def __init__(self, owner: object) -> None:
            self.items = [1, 2]
            self.owner = owner

    class Whole:
        def __init__(self) -> None:
            self.names = {"a": 1}
            self.parts = {"one": (Part(self), 5), "two": (Part(self), 5)}
            self.empty: set[int] = set()

    for kind in (Part, Whole):
        kind.__module__ = "meerkat.example"
    assert tables([Whole()]) == {"Whole.names": 1, "Whole.parts": 2, "Part.items": 4}


def test_the_report_has_the_numbers() -> None:
    from tests.soak.course import Course

    course = Course(series())
    course.done["turn"] = 7
    course.fail("something", ValueError("odd"))
    text = summary(course, judge(course.samples, course.failed))
    assert "work done: 7" in text
    assert "ValueError: odd" in text
    assert text.endswith("FAILED\n  1 failures")
    assert len(header(course.samples[0])) == len(row(course.samples[0]))
    assert "2 left in X" in row(replace(course.samples[0], excess={"X": 2}))
