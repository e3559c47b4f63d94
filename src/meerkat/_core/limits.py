"""How much is taken at most, where the caller does not say otherwise."""

from __future__ import annotations

from typing import Final

MAX_LINE: Final = 256 * 1024 * 1024
"""Bytes of the longest line that is accepted from the runtime."""

STREAM_BUFFER: Final = 64 * 1024 * 1024
"""Bytes of events that may wait for the consumer of one stream."""
