"""What waits for a slow consumer is bounded, and what is dropped is counted, one by one."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meerkat._core.inbox import Inbox

SERIES = st.tuples(st.integers(1, 300), st.integers(1, 2_000))
"""How many items come together, and the bytes of each."""


@pytest.mark.requirement("S08")
@given(
    steps=st.lists(st.one_of(SERIES, st.just("one"), st.just("take")), min_size=5, max_size=40),
    limit=st.integers(1, 300_000),
)
def test_no_more_than_the_limit_waits_and_nothing_is_lost_uncounted(steps: list[Any], limit: int) -> None:
    inbox: Inbox[tuple[int, int]] = Inbox(limit)
    waiting = given = 0
    taken: list[int] = []
    for step in steps:
        if step == "take":
            batch = inbox.take()
            taken += [number for number, _ in batch]
            waiting -= sum(size for _, size in batch)
            continue
        count, size = (1, 7) if step == "one" else step
        items = [(given + number, size) for number in range(count)]
        given += count
        before = inbox.lost
        if step == "one":
            inbox.put(items[0], size)
        else:
            inbox.put_all(items, count * size)
        waiting += (count - (inbox.lost - before)) * size
        assert waiting <= limit
    while batch := inbox.take():
        taken += [number for number, _ in batch]
    # From the first one that is dropped on, nothing is kept: no hole in the middle.
    assert taken == list(range(given - inbox.lost))


@pytest.mark.requirement("S08")
def test_a_consumer_that_never_takes_costs_no_more_memory_than_its_limit() -> None:
    inbox: Inbox[bytes] = Inbox(1_000_000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(200_000):
            inbox.put(b"%d" % number + b"x" * 200, 200)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert inbox.lost == 195_000
    assert peak - before < 3_000_000
    assert after - before < 3_000_000
