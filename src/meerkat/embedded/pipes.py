"""Standard input and output without threads: lines in, lines out, and neither waits for the other."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
from anyio.lowlevel import checkpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

READ_SIZE = 256 * 1024
HIGH_WATER = 8 * 1024 * 1024
"""Bytes of unread output past which runs pause; answers are never held back."""


@contextmanager
def nonblocking(*descriptors: int) -> Generator[None]:
    """Switch descriptors to non-blocking, and back at the end, since other processes may share them."""
    before = [os.get_blocking(descriptor) for descriptor in descriptors]
    try:
        for descriptor in descriptors:
            os.set_blocking(descriptor, False)
        yield
    finally:
        for descriptor, blocking in zip(descriptors, before, strict=True):
            os.set_blocking(descriptor, blocking)


async def read_lines(descriptor: int) -> AsyncIterator[list[bytes]]:
    """Yield the lines of each read, stripped, without the blank ones; the last may lack its end of line."""
    pieces: list[bytes] = []
    while True:
        try:
            chunk = os.read(descriptor, READ_SIZE)
        except BlockingIOError:
            await anyio.wait_readable(descriptor)
            continue
        if not chunk:
            break
        head, newline, rest = chunk.partition(b"\n")
        pieces.append(head)
        if not newline:
            continue
        *whole, last = rest.split(b"\n")
        lines = [b"".join(pieces), *whole]
        pieces = [last]
        yield [line for line in map(bytes.strip, lines) if line]
    tail = b"".join(pieces).strip()
    if tail:
        yield [tail]


class Output:
    """Whole lines, in the order of `put`; what is not taken yet is kept."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._size = 0
        self._filled = anyio.Event()
        self._drained = anyio.Event()

    def put(self, line: bytes) -> None:
        """Queue a line, without its end."""
        self._lines += (line, b"\n")
        self._size += len(line) + 1
        self._filled.set()

    async def room(self) -> None:
        """Let others work, and wait while too much is unread."""
        await checkpoint()
        while self._size > HIGH_WATER:
            await self._drained.wait()

    async def flush(self) -> None:
        """Wait until all that was put is written."""
        while self._size:
            await self._drained.wait()

    async def pump(self) -> None:
        """Write for ever.

        Raises:
            OSError: Nobody reads any more.
        """
        while True:
            if not self._lines:
                self._filled = anyio.Event()
                await self._filled.wait()
                continue
            batch, self._lines = memoryview(b"".join(self._lines)), []
            await self._write(batch)

    async def _write(self, batch: memoryview) -> None:
        while batch:
            try:
                written = os.write(self._descriptor, batch)
            except BlockingIOError:
                await anyio.wait_writable(self._descriptor)
                continue
            batch = batch[written:]
            self._size -= written
        self._drained.set()
        self._drained = anyio.Event()
