"""Fixtures for all tests: both async backends, both runtimes, and a guard against what is left behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import runtime as runtimes
from tests.support.leaks import Holdings, leaks_since

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from meerkat.client import MeerkatClient

# The machine decides how long an example takes, so there is no deadline; a failure prints what reproduces it.
settings.register_profile("dev", deadline=None, print_blob=True, max_examples=50)
settings.register_profile("ci", deadline=None, print_blob=True, max_examples=200, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(params=["trio", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every async test runs on both backends, trio first."""
    return str(request.param)


@pytest.fixture(autouse=True)
def leak_guard() -> Iterator[None]:
    """Fail a test that leaves a child process or a file descriptor behind."""
    before = Holdings.now()
    yield
    leaks = leaks_since(before)
    if leaks:
        pytest.fail("left behind:\n" + "\n".join(leaks), pytrace=False)


@pytest.fixture(params=["embedded", "real"])
def runtime(request: pytest.FixtureRequest) -> runtimes.Runtime:
    """Each of the two runtimes; a test that holds on one only takes `embedded_runtime` or `real_runtime`."""
    name = "embedded_runtime" if request.param == "embedded" else "real_runtime"
    found: runtimes.Runtime = request.getfixturevalue(name)
    return found


@pytest.fixture
def embedded_runtime(tmp_path: Path) -> Iterator[runtimes.Runtime]:
    """The embedded runtime, with its state in this test's directory."""
    with runtimes.embedded(tmp_path / "state") as runtime:
        yield runtime


@pytest.fixture
def real_runtime(tmp_path: Path) -> Iterator[runtimes.Runtime]:
    """The real runtime with a model server behind it; skipped, with the way to get it, where it is not built."""
    program = runtimes.find_real()
    if isinstance(program, str):
        pytest.skip(program)
    with runtimes.real(program, tmp_path / "state") as runtime:
        yield runtime


@pytest.fixture
async def client(runtime: runtimes.Runtime) -> AsyncIterator[MeerkatClient]:
    """A connected client of each runtime, closed after the test."""
    client = runtime.client()
    await runtime.connect(client)
    async with client:
        yield client
