"""A runtime that many workers share, that is struck down in the midst of their work, and that comes up again."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

import anyio

from meerkat import RequestCancelledError, SessionNotFoundError, TransportError
from tests.soak import measure
from tests.soak.tools import Tools
from tests.soak.work import BrokenOffError
from tests.support import runtime as runtimes

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Self

    from meerkat import MeerkatClient

LIMIT: Final = 90.0
"""Seconds that a piece of work, a strike and a rest may take: far more than any of them needs on a busy machine."""

CALL_LIMIT: Final = 30.0
"""Seconds that a call which runs no agent may take; likewise."""

SHUTDOWN_GRACE: Final = 3.0
EXCUSED: Final = (TransportError, RequestCancelledError, SessionNotFoundError, BrokenOffError)
"""What may happen to work during which its runtime was struck; anything else is a failure then, too."""


class Host:
    """One runtime, the client of it, and the faults that are injected into both.

    Args:
        name: Which runtime it is.
        runtime: How it is started.
        model_url: Address of its model, where that is not within.

    Attributes:
        client: The client to work with; another one after some of the strikes.
        generation: How often it was struck.
        tools: What the agent can call.
        strikes: How often each fault was injected.
        noticed: How often something happened that is allowed and that people should know of.
    """

    def __init__(self, name: str, runtime: runtimes.Runtime, model_url: str = "http://127.0.0.1:9") -> None:
        self.name = name
        self.runtime = runtime
        self.tools = Tools()
        self.generation = 0
        self.strikes: Counter[str] = Counter()
        self.noticed: Counter[str] = Counter()
        self._model_url = model_url
        self._realm = 0
        self._up = anyio.Event()
        self._at_rest: Mapping[str, int] = {}
        self.client = self._new_client()

    async def __aenter__(self) -> Self:
        self._new_realm()
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(LIMIT):
            await self.client.close()

    async def ready(self) -> int:
        """Wait until it is up; return how often it was struck so far."""
        while not self._up.is_set():
            await self._up.wait()
        return self.generation

    def excuses(self, error: BaseException, generation: int) -> bool:
        """Whether an error of work that began then is the effect of a strike."""
        if self.generation == generation:
            return False
        if isinstance(error, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", error)
            return all(self.excuses(each, generation) for each in group.exceptions)
        return isinstance(error, EXCUSED)

    def excess(self) -> Counter[str]:
        """What the client keeps beyond what it kept before any work, by table."""
        return measure.tables([self.client]) - Counter(self._at_rest)

    @property
    def unsettled(self) -> bool:
        """Whether answers are due that nobody waits for any more."""
        return self.client.diagnostics.pending_calls > 0

    # Faults

    async def strike(self, rng: random.Random) -> None:
        """Inject a fault; comes back when the runtime is up again."""
        name = rng.choice(list(STRIKES))
        self.strikes[name] += 1
        with anyio.fail_after(LIMIT):
            await STRIKES[name](self, rng)

    async def _fall(self, rng: random.Random, blow: Callable[[], Awaitable[None]], *, violent: bool = True) -> None:
        """Let it go down and come up: the same client or another one, with its sessions or without them.

        The real runtime leaves the lock of its configuration behind when it dies by a signal, and waits for it in vain
        the next time; so its realm is given up then.
        """
        self._up = anyio.Event()
        self.generation += 1
        await blow()
        await self.client.close()
        if rng.random() < 0.5:
            self.client = self._new_client()
        if rng.random() < 0.3 or (violent and self.runtime.kind == "real"):
            self._new_realm()
        await self._connect(cancelled_after=rng.uniform(0, 0.3) if rng.random() < 0.3 else None)

    def _signal(self, number: signal.Signals) -> None:
        if self.client.pid is not None and self.client.return_code is None:
            os.kill(self.client.pid, number)

    # Coming up

    async def _connect(self, cancelled_after: float | None = None) -> None:
        if cancelled_after is not None:
            self.strikes["connect cancelled"] += 1
            with anyio.move_on_after(cancelled_after):
                await self.runtime.connect(self.client)
            await self.client.close()
        await self.runtime.connect(self.client)
        await self._warm_up()
        self._at_rest = measure.tables([self.client])
        self._up.set()

    async def _warm_up(self) -> None:
        """Do once what leaves something behind for good, so that whatever is more at a rest was left behind."""
        session = await self.client.create_session("warm up")
        async with await session.subscribe_events() as events:
            await session.turn("once more")
            await anext(events)
        await session.archive()

    def _new_client(self) -> MeerkatClient:
        client = self.runtime.client(shutdown_grace=SHUTDOWN_GRACE, timeout=CALL_LIMIT)
        self.tools.declare(client)
        return client

    def _new_realm(self) -> None:
        """Forget all sessions, or the state on the disk and the start of the runtime would grow without end."""
        shutil.rmtree(self.runtime.state_root, ignore_errors=True)
        self._realm += 1
        self.runtime = replace(self.runtime, realm=f"soak-{self._realm}")
        realm = self.runtime.state_root / self.runtime.realm
        realm.mkdir(parents=True)
        (realm / "config.toml").write_text(runtimes._config(self._model_url))


async def _kill(host: Host, rng: random.Random) -> None:
    async def blow() -> None:
        host._signal(signal.SIGKILL)

    await host._fall(rng, blow)


async def _terminate(host: Host, rng: random.Random) -> None:
    async def blow() -> None:
        host._signal(signal.SIGTERM)

    await host._fall(rng, blow)


async def _close(host: Host, rng: random.Random) -> None:
    async def blow() -> None:
        await anyio.lowlevel.checkpoint()  # closing it is what happens next in any case

    await host._fall(rng, blow, violent=False)


async def _stall(host: Host, rng: random.Random) -> None:
    """Let it stand still for a moment; nothing may be lost by that."""
    host._signal(signal.SIGSTOP)
    try:
        await anyio.sleep(rng.uniform(0.05, 0.8))
    finally:
        host._signal(signal.SIGCONT)


async def _stall_and_kill(host: Host, rng: random.Random) -> None:
    async def blow() -> None:
        host._signal(signal.SIGSTOP)
        await anyio.sleep(rng.uniform(0.05, 0.3))
        host._signal(signal.SIGKILL)

    await host._fall(rng, blow)


STRIKES: Final[dict[str, Callable[[Host, random.Random], Awaitable[None]]]] = {
    "kill": _kill,
    "terminate": _terminate,
    "close in the midst of work": _close,
    "stall": _stall,
    "stall, then kill": _stall_and_kill,
}
"""Faults of a runtime that is shared, by their names."""
