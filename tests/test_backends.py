"""On trio the package needs no asyncio, and on asyncio no trio."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.absence import OTHER

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 100.0
SMALL = """
import anyio
import pytest

@pytest.mark.parametrize("anyio_backend", ["trio", "asyncio"])
async def test_quiet(anyio_backend):
    await anyio.sleep(0)

def test_asks_in_secret():
    try:
        import {other}
    except ImportError:
        pass

def test_after_it():
    pass
"""


def python(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in the tree's root, with some more environment variables."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize("backend", OTHER)
@pytest.mark.requirement("G06")
def test_a_client_lives_its_life_while_the_other_backend_cannot_be_imported(backend: str, tmp_path: Path) -> None:
    modules = ["tests.support.absence", backend, "tests.support.journey", backend]
    done = python("-W", "error", "-m", *modules, tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("arrived\n", "", 0)


@pytest.mark.requirement("G06")
def test_an_import_of_the_other_backend_is_noticed_although_its_error_is_caught(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("try:\n    import asyncio\nexcept ImportError:\n    pass\n")
    done = python("-m", "tests.support.absence", "trio", "secret", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "secret.py" in done.stderr


@pytest.mark.parametrize("backend", OTHER)
def test_a_run_of_tests_on_one_backend_notices_imports_of_the_other(backend: str, tmp_path: Path) -> None:
    (tmp_path / "test_small.py").write_text(SMALL.format(other=OTHER[backend]))
    options = ["-p", "tests.support.one_backend", "-p", "no:cacheprovider", "--anyio-mode", "auto"]
    done = python("-m", "pytest", *options, "--rootdir", tmp_path, tmp_path, ONLY_BACKEND=backend)
    assert "1 failed, 2 passed, 1 deselected" in done.stdout, done.stdout + done.stderr
    assert "forbidden imports in the test" in done.stdout
    assert "in test_asks_in_secret" in done.stdout


def test_a_backend_that_there_is_not_is_refused() -> None:
    done = python("-m", "pytest", "-p", "tests.support.one_backend", ONLY_BACKEND="curio")
    assert done.returncode != 0
    assert "ONLY_BACKEND is 'curio'; it has to be one of trio, asyncio" in done.stdout + done.stderr
