"""Durations as the configuration writes them: ``500ms``, ``1s 500ms``, ``10m``."""

from __future__ import annotations

import re

_UNITS_MS = {"day": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_ALIASES = {
    "days": "day", "d": "day", "hr": "h", "hour": "h", "hours": "h", "min": "m", "mins": "m", "minute": "m",
    "minutes": "m", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms", "millis": "ms",
}  # fmt: skip
_PART = re.compile(r"\s*(\d+)\s*([a-z]+)")


def parse(text: str) -> int:
    """Return the milliseconds of a duration.

    Raises:
        ValueError: The text is none.
    """
    total, end = 0, 0
    while match := _PART.match(text, end):
        unit = _ALIASES.get(match[2], match[2])
        if unit not in _UNITS_MS:
            raise ValueError(f"unknown time unit {match[2]!r}")
        total += int(match[1]) * _UNITS_MS[unit]
        end = match.end()
    if not end or text[end:].strip():
        raise ValueError(f"expected a duration like `1m 30s`, got {text!r}")
    return total


def show(milliseconds: int) -> str:
    """Write milliseconds as a duration."""
    parts: list[str] = []
    for unit, size in _UNITS_MS.items():
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}{'s' if unit == 'day' and count > 1 else ''}")
    return " ".join(parts) or "0s"
