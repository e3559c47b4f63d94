"""What a stream has received and its consumer has not taken: bounded in bytes, one consumer, batches."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

import anyio

T = TypeVar("T")

LIMIT: Final = 64 * 1024 * 1024


class Inbox(Generic[T]):
    """A buffer between the reader, which never waits, and one consumer.

    Past its limit it keeps nothing more and counts what it drops; the consumer learns that after what was kept.

    Args:
        limit: Bytes that may wait here, counted as they came over the wire.
    """

    __slots__ = ("_closed", "_items", "_limit", "_size", "_waiter", "lost")

    def __init__(self, limit: int = LIMIT) -> None:
        self._items: list[T] = []
        self._limit = limit
        self._size = 0
        self._waiter: anyio.Event | None = None
        self._closed = False
        self.lost = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

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
        self._items.append(item)

    def take(self) -> list[T]:
        """Return and remove everything that waits."""
        items = self._items
        self._items = []
        self._size = 0
        return items

    def close(self) -> None:
        """Let the consumer know that nothing more comes."""
        self._closed = True
        self.wake()

    def wake(self) -> None:
        """Let the consumer look again."""
        if self._waiter is not None:
            self._waiter.set()
            self._waiter = None

    async def wait(self, seconds: float | None = None) -> None:
        """Wait, at most so long, until woken or until there is something to take."""
        if self._items or self._closed:
            return
        waiter = self._waiter = anyio.Event()
        with anyio.move_on_after(seconds):
            await waiter.wait()
