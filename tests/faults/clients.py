"""Clients of a runtime that misbehaves, and the check that nothing is left of them."""

from __future__ import annotations

import gc
import sys
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from meerkat import CONTRACT_VERSION, MeerkatClient
from meerkat._core import process
from tests.support.leaks import Holdings, leaks_since, living_in_group, threads_since
from tests.support.tasks import all_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from meerkat._core.process import RuntimeProcess

PROGRAM = Path(__file__).resolve().parent.parent / "support" / "misbehaving.py"
LIMIT = 20.0  # seconds: far more than anything takes here
SHORT = 0.03  # seconds of a grace that is to pass
AGE = 2 * LIMIT  # seconds of one that is not

OPTIONS: dict[str, Any] = {}
"""Graces that are options of a client, in the test that runs."""


def misbehaving(moment: str, *faults: str, **options: Any) -> MeerkatClient:
    """A client, not connected, of a runtime that commits faults of ``tests/support/misbehaving.py`` at a moment."""
    # Isolated and without site packages it is up in a few milliseconds.
    args = ["-I", "-S", str(PROGRAM), CONTRACT_VERSION, moment, *faults]
    return MeerkatClient(sys.executable, args=args, **{**OPTIONS, **options})


@dataclass(frozen=True)
class Stock:
    """What there was before a client was made: processes, descriptors, threads, tasks."""

    holdings: Holdings
    threads: set[threading.Thread]
    tasks: list[str]
    started: list[RuntimeProcess]

    async def check(self, *, alone: bool = True) -> None:
        """Nothing more may be there now.

        Args:
            alone: Whether nobody else, such as a model server, has descriptors and threads of its own in this process.
                The guard around every test looks at them when that has ended, too.
        """
        with anyio.move_on_after(LIMIT):
            while sorted(all_tasks()) != self.tasks:  # a task that has ended is listed until the loop has been around
                await anyio.lowlevel.checkpoint()
        assert sorted(all_tasks()) == self.tasks
        if alone:
            assert leaks_since(self.holdings) == []
            assert threads_since(self.threads) == []
        for runtime in self.started:
            assert living_in_group(runtime.pid) == []
        gc.collect()  # what warns when it goes, such as a coroutine that nobody awaited, warns in this test


@contextmanager
def stock() -> Generator[Stock]:
    """Take stock, and note the runtimes that are started from then on."""
    started: list[RuntimeProcess] = []

    class Living(set["RuntimeProcess"]):
        def add(self, element: RuntimeProcess, /) -> None:
            super().add(element)
            started.append(element)

    before, process._LIVE = process._LIVE, Living(process._LIVE)
    try:
        yield Stock(Holdings.now(), set(threading.enumerate()), sorted(all_tasks()), started)
    finally:
        process._LIVE = before


@contextmanager
def bounded(seconds: float = LIMIT) -> Generator[None]:
    """Fail what takes longer than so many seconds, even if it does not let itself be cancelled, as closing does not."""
    started = time.monotonic()
    with anyio.fail_after(seconds):
        yield
    assert time.monotonic() - started < seconds


@asynccontextmanager
async def talking(moment: str, *faults: str, within: float = LIMIT, **options: Any) -> AsyncGenerator[MeerkatClient]:
    """A connected client of such a runtime; afterwards nothing may be left of it.

    Args:
        moment: When it misbehaves.
        *faults: What it does then.
        within: Seconds that all may take.
        **options: What `MeerkatClient` takes.
    """
    client = misbehaving(moment, *faults, **options)
    with stock() as before:
        try:
            with bounded(within):
                await client.connect()
                yield client
        finally:
            with bounded(within):
                await client.close()
        assert client.diagnostics.pending_calls == 0
        await before.check()
