"""A client with a runtime that a test holds in its hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What is written does not depend on the event loop."""
    return "trio"


@pytest.fixture(scope="module")
async def wire(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """A connected client and its wire, for all tests of a module."""
    wire = Wire(tmp_path_factory.mktemp("wire"))
    await wire.connect()
    try:
        wire.taken()
        yield wire
    finally:
        await wire.client.close()


@pytest.fixture
async def fresh_wire(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """A client of the test's own, which has just greeted the runtime."""
    wire = Wire(tmp_path_factory.mktemp("wire"))
    await wire.connect()
    try:
        yield wire
    finally:
        await wire.client.close()
