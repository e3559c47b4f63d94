"""Fixtures for all tests: both async backends, both runtimes, and a guard against what is left behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import promises
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests be chosen by what they keep."""
    what = "run the tests of these promises of tests/requirements.toml alone: T03, or T03,C07"
    parser.addoption("--requirement", action="append", default=[], metavar="IDS", help=what)


def pytest_configure(config: pytest.Config) -> None:
    """Tell which promises this run did not show because tests were skipped."""
    config.pluginmanager.register(promises.Skipped())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that were not chosen."""
    given: list[str] = config.getoption("--requirement") or []
    chosen = {key.strip() for ids in given for key in ids.split(",")}
    if not chosen:
        return
    unknown = chosen - promises.read(promises.FILE.read_text("utf-8")).keys()
    if unknown:
        raise pytest.UsageError(f"there is no promise {', '.join(sorted(unknown))} in tests/requirements.toml")
    left_out = [item for item in items if chosen.isdisjoint(promises.keeps(item))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


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
