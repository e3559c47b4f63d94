"""Clients of a runtime that misbehaves, and the check that nothing is left of them."""

from __future__ import annotations

import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import CONTRACT_VERSION, MeerkatClient
from meerkat._core import connection, process
from meerkat._core.process import RuntimeProcess
from tests.support.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

PROGRAM = Path(__file__).resolve().parent.parent / "support" / "misbehaving.py"
LIMIT = 30.0  # seconds: what is bounded by a grace of the client takes five at the most
GRACE = 0.2  # seconds that a runtime gets to end by itself


@pytest.fixture(autouse=True)
def short_graces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten what a runtime is given to end and to give up: that it is bounded can be seen in less time."""
    monkeypatch.setattr(RuntimeProcess, "exit_grace", GRACE)
    monkeypatch.setattr(process, "SIGNAL_GRACE", GRACE)
    monkeypatch.setattr(connection, "CANCEL_GRACE", GRACE)
    monkeypatch.setattr(connection, "DRAIN_GRACE", GRACE)


def misbehaving(moment: str, *faults: str, **options: Any) -> MeerkatClient:
    """A client, not connected, of a runtime that commits faults of ``tests/support/misbehaving.py`` at a moment."""
    # Isolated and without site packages it is up in a few milliseconds.
    args = ["-I", "-S", str(PROGRAM), CONTRACT_VERSION, moment, *faults]
    options.setdefault("shutdown_grace", GRACE)
    return MeerkatClient(sys.executable, args=args, **options)


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
    started = time.monotonic()
    try:
        with anyio.fail_after(within):
            await client.connect()
            yield client
    finally:
        with anyio.fail_after(within):
            await client.close()
    assert time.monotonic() - started < within
    assert client.diagnostics.pending_calls == 0
    assert await background_tasks() == []
