"""What is generated, byte for byte, the same on every run and accepted by the type checkers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from codegen import emit
from tests.codegen.small import GOLDEN, ROOT, generate

if TYPE_CHECKING:
    from pathlib import Path


def test_output_is_the_golden_one(contract: Path) -> None:
    difference = emit.differences(generate(contract), emit.present(GOLDEN), "golden")
    assert not difference, f"{difference}\nif this is meant: python -m tests.codegen.small"


@pytest.mark.parametrize("seed", ["0", "4711"])
@pytest.mark.requirement("G01")
def test_hash_seed_does_not_matter(contract: Path, tmp_path: Path, seed: str) -> None:
    command = [sys.executable, "-m", "codegen", "regen", "--contract", str(contract), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = {"openrpc.json": (contract / "openrpc.json").read_text("utf-8"), **emit.present(tmp_path / "out")}
    assert found == emit.present(GOLDEN)


def test_every_file_says_where_it_comes_from() -> None:
    for name, text in emit.present(GOLDEN).items():
        if name != "openrpc.json":
            assert "make regen" in text.splitlines()[0], name
            assert "Contract 1.2.3, sha256 " in text.splitlines()[1], name


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package `meerkat` that is the real core and the golden files."""
    root = tmp_path_factory.mktemp("golden") / "src"
    shutil.copytree(ROOT / "src" / "meerkat" / "_core", root / "meerkat" / "_core")
    shutil.copytree(GOLDEN, root / "meerkat" / "_generated")
    (root / "meerkat" / "__init__.py").write_text("", "utf-8")
    (root / "meerkat" / "py.typed").write_text("", "utf-8")
    (root / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "reportPrivateUsage": false}', "utf-8")
    return root


@pytest.mark.requirement("G03")
def test_mypy_accepts_golden_files(package: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unreachable", "--cache-dir", os.devnull]
    done = subprocess.run([*command, "meerkat/_generated"], cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.requirement("G03")
def test_pyright_accepts_golden_files(package: Path) -> None:
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "meerkat/_generated"]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
