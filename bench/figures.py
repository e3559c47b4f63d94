"""What the measured programs share: checks and sums that both environments can do."""

from __future__ import annotations

import os
import sys

PAGE = os.sysconf("SC_PAGE_SIZE")


def check(count: int, expected: int) -> None:
    """Figures of a run that was not whole mean nothing."""
    if count != expected:
        sys.exit(f"{count} of {expected} events arrived")


def check_text(text: str | None, size: int) -> None:
    """A text of so many bytes on the wire has nearly as many characters."""
    if text is None or len(text) < size * 0.9:
        sys.exit(f"the text of {size} bytes is not whole")


def quantile(values: list[float], share: float) -> float:
    """A quantile of measured values."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def latency(nanoseconds: list[float]) -> dict[str, float]:
    """Quantiles of times, in microseconds."""
    return {"p50": quantile(nanoseconds, 0.5) / 1000, "p99": quantile(nanoseconds, 0.99) / 1000}


def memory() -> int:
    """Bytes of memory that this process has in use."""
    with open("/proc/self/statm") as file:  # noqa: PTH123  # nothing that allocates more than it must
        return int(file.read().split()[1]) * PAGE
