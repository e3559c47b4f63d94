"""Time that passes, the collector and the log, for all tests of faults."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from meerkat import MeerkatClient
from meerkat import _runs as runs
from meerkat import _subscriptions as subscriptions
from meerkat import _turns as turns
from tests.faults.clients import AGE, OPTIONS, SHORT
from tests.faults.table import Grace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OTHERS = [
    (runs, "STALLED"),
    (turns, "STALLED"),
    (runs, "FOREIGN_START"),
    (runs, "FOREIGN_SILENCE"),
    (subscriptions, "END_GRACE"),
]
"""What else the client waits for, and does not in these tests."""


@pytest.fixture(autouse=True)
def shorten(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """No grace ends in a test, but those that it calls this with: which ones pass is a part of what is tested."""

    def last(grace: Grace, seconds: float) -> None:
        place, name, _ = grace.value
        if place is MeerkatClient:
            monkeypatch.setitem(OPTIONS, name, seconds)
        else:
            monkeypatch.setattr(place, name, seconds)

    def shorten(*graces: Grace) -> None:
        for grace in graces:
            last(grace, SHORT)

    for grace in Grace:
        last(grace, AGE)
    for place, name in _OTHERS:
        monkeypatch.setattr(place, name, AGE)
    return shorten


@pytest.fixture(scope="package", autouse=True)
def frozen_heap() -> Iterator[None]:
    """Let the collector look at what the tests make, and not again and again at what was there before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a runtime does, it is no error of the program: nothing says so in the log."""
    yield
    errors = [record.getMessage() for record in caplog.get_records("call") if record.levelname in {"ERROR", "CRITICAL"}]
    assert errors == []
