"""Identifiers and time stamps in the runtime's formats."""

from __future__ import annotations

import os
import re
import time
import uuid
from datetime import UTC, datetime


def uuid7() -> str:
    """Return a new UUID that sorts by the millisecond of its making."""
    value = int.from_bytes(os.urandom(16), "big")
    value &= ~(0xFFFF_FFFF_FFFF << 80 | 0xF << 76 | 0x3 << 62)
    value |= (unix_ms() & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid4() -> str:
    """Return a new random UUID."""
    return str(uuid.uuid4())


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def parse_uuid(text: str) -> str | None:
    """Return a UUID in its canonical form, or ``None`` when the text is none."""
    if _UUID.fullmatch(text):
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def unix_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def unix_seconds() -> int:
    """Whole seconds since the Unix epoch."""
    return time.time_ns() // 1_000_000_000


def timestamp() -> str:
    """The time in RFC 3339, UTC, with nanoseconds."""
    now = time.time_ns()
    return f"{datetime.fromtimestamp(now // 1_000_000_000, UTC):%Y-%m-%dT%H:%M:%S}.{now % 1_000_000_000:09d}+00:00"


def timestamp_seconds() -> str:
    """The time in RFC 3339, UTC, with whole seconds."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
