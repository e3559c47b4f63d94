"""`regen` writes the pages and `check` compares them byte for byte; no contract overwrites the pages of another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from codegen import emit
from codegen.cli import main
from codegen.lint.rules import page
from tests.codegen.small import GOLDEN_PAGES, HANDLES, ROOT, run

if TYPE_CHECKING:
    from pathlib import Path


class Tree(NamedTuple):
    """A package with pages."""

    contract: Path
    out: Path
    docs: Path

    def run(self, command: str) -> int:
        return main([command, "--contract", str(self.contract), "--out", str(self.out), "--docs", str(self.docs)])


@pytest.fixture
def tree(contract: Path, tmp_path: Path) -> Tree:
    """The small contract with its package and its pages, freshly generated."""
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(HANDLES, package / "client.py")
    tree = Tree(contract, package / "_generated", tmp_path / "docs")
    assert tree.run("regen") == 0
    return tree


@pytest.mark.requirement("G01")
def test_repository_holds_what_is_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0, capsys.readouterr().out


def test_regen_writes_the_pages_and_check_passes(tree: Tree) -> None:
    assert emit.present(tree.docs / "reference") == emit.present(GOLDEN_PAGES)
    assert (tree.docs / "rules.md").read_text("utf-8") == page()
    assert tree.run("check") == 0


@pytest.mark.requirement("G01")
def test_edit_of_any_page_fails(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(tree.docs.rglob("*.md"))
    assert len(files) == len(emit.present(GOLDEN_PAGES)) + 1
    for path in files:
        before = path.read_text("utf-8")
        path.write_text(f"{before}edited\n", "utf-8")
        assert tree.run("check") == 1, path
        printed = capsys.readouterr()
        assert "-edited" in printed.out
        assert path.name in printed.out
        assert "make regen" in printed.err
        path.write_text(before, "utf-8")


@pytest.mark.parametrize("name", ["reference/library.md", "reference/README.md", "rules.md"])
@pytest.mark.requirement("G01")
def test_missing_page_fails(tree: Tree, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (tree.docs / name).unlink()
    assert tree.run("check") == 1
    assert name in capsys.readouterr().out


@pytest.mark.requirement("G01")
def test_extra_page_fails_and_goes(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    extra = tree.docs / "reference" / "extra.md"
    extra.write_text("# Extra\n", "utf-8")
    assert tree.run("check") == 1
    assert "reference/extra.md" in capsys.readouterr().out
    assert tree.run("regen") == 0
    assert not extra.exists()


def test_pages_written_by_hand_stay(tree: Tree) -> None:
    other = tree.docs / "decisions.md"
    other.write_text("# Decisions\n", "utf-8")
    assert tree.run("regen") == 0
    assert other.read_text("utf-8") == "# Decisions\n"
    assert tree.run("check") == 0


def test_other_signature_fails(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    client = tree.out.parent / "client.py"
    client.write_text(client.read_text("utf-8").replace("door: str", "door: int"), "utf-8")
    assert tree.run("check") == 1
    printed = capsys.readouterr().out
    assert "-async MeerkatClient.open(door: str" in printed
    assert "+async MeerkatClient.open(door: int" in printed


def test_check_writes_nothing(tree: Tree) -> None:
    path = tree.docs / "reference" / "library.md"
    path.write_text("edited\n", "utf-8")
    tree.run("check")
    assert path.read_text("utf-8") == "edited\n"


def test_another_contract_has_no_pages_unless_they_are_asked_for(contract: Path, tmp_path: Path) -> None:
    before = emit.present(ROOT / "docs")
    assert run("regen", contract, tmp_path / "out") == 0
    assert emit.present(ROOT / "docs") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contract", "out"]


@pytest.mark.parametrize("seed", ["0", "4711"])
@pytest.mark.requirement("G01")
def test_hash_seed_does_not_matter(tree: Tree, tmp_path: Path, seed: str) -> None:
    options = ["--contract", tree.contract, "--out", tree.out, "--docs", tmp_path / "other"]
    done = subprocess.run(
        [sys.executable, "-m", "codegen", "regen", *map(str, options)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert emit.present(tmp_path / "other" / "reference") == emit.present(GOLDEN_PAGES)
