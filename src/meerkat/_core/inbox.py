"""What a stream has received and its consumer has not taken: bounded in bytes, one consumer, batches."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import anyio
import anyio.lowlevel

from meerkat._core.limits import STREAM_BUFFER
from meerkat._core.waiting import make_waiter

if TYPE_CHECKING:
    from meerkat._core.waiting import Waiter

T = TypeVar("T")

BATCH: Final = 256  # items that are handed over at once: other tasks run between two batches


class Inbox(Generic[T]):
    """A buffer between the reader, which never waits, and one consumer.

    Past its limit it keeps nothing more and counts what it drops; the consumer learns that after what was kept.

    Args:
        limit: Bytes that may wait here, counted as they came over the wire.

    Attributes:
        lost: How many items were dropped.
    """

    __slots__ = ("_batch", "_batch_size", "_closed", "_full", "_limit", "_size", "_waiter", "lost")

    def __init__(self, limit: int = STREAM_BUFFER) -> None:
        self._batch: list[T] = []  # the one that grows
        self._batch_size = 0
        self._full: deque[tuple[list[T], int]] = deque()
        self._limit = limit
        self._size = 0
        self._waiter: Waiter | None = None
        self._closed = False
        self.lost = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._batch and not self._full

    @property
    def limit(self) -> int:
        """Bytes that may wait here."""
        return self._limit

    def put(self, item: T, size: int) -> None:
        """Add an item of so many bytes; call `wake` when a series of items is complete."""
        if self.lost or self._size + size > self._limit:
            self.lost += 1
            return
        self._size += size
        self._batch_size += size
        self._batch.append(item)
        if len(self._batch) == BATCH:
            self._full.append((self._batch, self._batch_size))
            self._batch, self._batch_size = [], 0

    def put_all(self, items: list[T], size: int) -> None:
        """Add items that came together and had so many bytes in all; the list is handed over."""
        if self.lost or self._size + size > self._limit or len(items) > BATCH:
            each = size // len(items)
            for item in items:
                self.put(item, each)
            return
        self._size += size
        if self._batch:
            self._full.append((self._batch, self._batch_size))
            self._batch, self._batch_size = [], 0
        self._full.append((items, size))

    def take(self) -> list[T]:
        """Return and remove the next batch; an empty one when nothing waits."""
        if self._full:
            batch, size = self._full.popleft()
        else:
            batch, size = self._batch, self._batch_size
            self._batch, self._batch_size = [], 0
        self._size -= size
        return batch

    def close(self) -> None:
        """Let the consumer know that nothing more comes."""
        self._closed = True
        self.wake()

    def wake(self) -> None:
        """Let the consumer look again."""
        if self._waiter is not None:
            self._waiter.wake()
            self._waiter = None

    async def wait(self, seconds: float | None = None) -> None:
        """Wait, at most so long, until woken or until there is something to take; lets other tasks run in any case."""
        if self._closed or not self.empty:
            await anyio.lowlevel.checkpoint()
            return
        waiter = self._waiter = make_waiter()
        if seconds is None:
            await waiter.wait()
            return
        with anyio.move_on_after(seconds):
            await waiter.wait()
