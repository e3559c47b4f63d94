"""The tools that agents call during a soak, of every kind, each keeping count of its calls."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from meerkat import MeerkatClient

WORKING: Final = ("say", "say_slowly", "say_in_thread", "say_slowly_in_thread")
FAILING: Final = ("fail", "fail_in_thread")


class Tools:
    """What the agent can call.

    Attributes:
        calls: How often a tool was called with each word that is expected; see `expecting`.
    """

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self._guard = threading.Lock()

    def declare(self, client: MeerkatClient) -> None:
        """Make them callable for the agents of a client."""

        @client.tool
        async def say(word: str) -> str:
            self._count(word)
            return word

        @client.tool
        async def say_slowly(word: str) -> dict[str, str]:
            self._count(word)
            await anyio.sleep(0.05)
            return {"word": word}

        @client.tool
        def say_in_thread(word: str) -> str:
            self._count(word)
            return word

        @client.tool
        def say_slowly_in_thread(word: str) -> list[str]:
            self._count(word)
            time.sleep(0.05)
            return [word]

        @client.tool
        async def fail(word: str) -> str:
            self._count(word)
            raise ValueError(word)

        @client.tool
        def fail_in_thread(word: str) -> str:
            self._count(word)
            raise KeyError(word)

        @client.tool
        async def take_long(word: str) -> None:
            self._count(word)
            await anyio.sleep(1.0)

    @contextmanager
    def expecting(self, words: Iterable[str]) -> Generator[None]:
        """Count the calls with some words while the block runs; others are those of work that was broken off."""
        words = tuple(words)
        with self._guard:
            self.calls.update(dict.fromkeys(words, 0))
        try:
            yield
        finally:
            with self._guard:
                for word in words:
                    del self.calls[word]

    def _count(self, word: str) -> None:
        with self._guard:
            if word in self.calls:
                self.calls[word] += 1
