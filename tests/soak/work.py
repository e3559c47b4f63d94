"""What a piece of work is, who does it, and the list of all kinds of it."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path
    from typing import TypeAlias

    from meerkat import MeerkatClient, Session
    from tests.soak.host import Host

    Piece: TypeAlias = Callable[["Worker"], Awaitable[None]]

PIECES_OF_A_SESSION: Final = 8
"""Pieces of work after which a session is put away: its history is sent to the model with every turn."""

_words: Iterator[int] = itertools.count(1)


@dataclass(frozen=True)
class Surroundings:
    """What work without a shared runtime needs.

    Attributes:
        directory: Where files may be written.
        port: TCP port of a well-behaved runtime.
    """

    directory: Path
    port: int


class Worker:
    """Does one piece of work after the other, alone with its session.

    Args:
        name: Tells it from others.
        host: Where it works; ``None`` for one that makes all its runtimes itself.
        surroundings: What else there is.

    Attributes:
        rng: Decides everything that is left to chance in the piece of work under way.
    """

    def __init__(self, name: str, host: Host | None, surroundings: Surroundings) -> None:
        self.name = name
        self.surroundings = surroundings
        self.rng: random.Random
        self._host = host
        self._session: Session | None = None
        self._generation = 0
        self._uses = 0

    @property
    def host(self) -> Host:
        """Where it works."""
        assert self._host is not None, "this work is for a shared runtime"
        return self._host

    @property
    def shared(self) -> bool:
        """Whether it works at a shared runtime."""
        return self._host is not None

    async def ready(self) -> int:
        """Wait until it can work; return how often its runtime was struck so far."""
        return 0 if self._host is None else await self._host.ready()

    def excuses(self, error: BaseException, generation: int) -> bool:
        """Whether an error of work that began then is the effect of a strike."""
        return self._host is not None and self._host.excuses(error, generation)

    def state(self) -> str:
        """What its shared runtime and the client of that say of themselves."""
        return (
            "" if self._host is None else f"\n{self._host.client.diagnostics}\nin tables: {dict(self._host.excess())}"
        )

    @property
    def client(self) -> MeerkatClient:
        """The client that it shares with others."""
        return self.host.client

    async def session(self) -> Session:
        """A session of its own in which nothing is under way."""
        if self._generation != self.host.generation:
            self._session = None
        if self._uses >= PIECES_OF_A_SESSION:
            await self.put_away()
        if self._session is None:
            self._generation = self.host.generation
            self._session = await self.client.create_session(word())
            self._uses = 0
        self._uses += 1
        return self._session

    async def put_away(self) -> None:
        """End its session."""
        session, self._session = self._session, None
        if session is not None and self._host is not None and self._generation == self.host.generation:
            await session.archive()

    def drop(self) -> None:
        """Forget its session, which may have gone down with the runtime or be in a state that nobody knows."""
        self._session = None


@dataclass(frozen=True)
class Kind:
    """A kind of work.

    Attributes:
        name: What it is called in reports.
        piece: Does one piece of it; raises when anything is not as it has to be.
        weight: How often it is chosen beside others.
        shared: Whether it needs a shared runtime.
    """

    name: str
    piece: Piece
    weight: int
    shared: bool


KINDS: Final[dict[str, Kind]] = {}
"""All kinds of work by name."""


def work(weight: int = 4, *, shared: bool = True) -> Callable[[Piece], Piece]:
    """Make a function a kind of work."""

    def add(piece: Piece) -> Piece:
        name = piece.__name__.replace("_", " ")
        KINDS[name] = Kind(name, piece, weight, shared)
        return piece

    return add


def word() -> str:
    """A word that was never said before."""
    return f"word{next(_words)}"


def script(*steps: dict[str, Any]) -> str:
    """A prompt that tells the model what to do; it is like no other, so that two runs cannot be mixed up."""
    return f"{word()} {json.dumps({'script': list(steps)})}"


class BrokenOffError(AssertionError):
    """The end of something is missing: its runtime was struck, or it is a failure like any other."""


def complete(*, whole: bool, what: str) -> None:
    """Fail when the end of something is missing."""
    if not whole:
        raise BrokenOffError(what)


def equal(found: object, expected: object) -> None:
    """Fail with both values when they differ."""
    if found != expected:
        raise AssertionError(f"expected {_short(expected)}, got {_short(found)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:150]} ... {text[-150:]}"
