"""A bump, from the edits of the contract to a package that works: what is regenerated, and what is reported."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from codegen import emit
from codegen.cli import main
from codegen.diff.accepted import read_accepted
from codegen.diff.contracts import compare
from codegen.diff.source import read_contract
from tests.codegen import bump_steps as steps
from tests.codegen.small import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CURRENT = ROOT / "contract" / "openrpc.json"
CACHES = shutil.ignore_patterns("__pycache__")


class Tree(NamedTuple):
    """A copy of what a bump touches."""

    root: Path

    @property
    def contract(self) -> Path:
        return self.root / "contract"

    @property
    def package(self) -> Path:
        return self.root / "src" / "meerkat"

    @property
    def docs(self) -> Path:
        return self.root / "docs"

    def run(self, command: str) -> int:
        """Run a command of the generator in the copy."""
        places = ["--contract", self.contract, "--out", self.package / "_generated", "--docs", self.docs]
        return main([command, *map(str, places)])

    def files(self) -> dict[str, str]:
        """All generated files, without the lines that name the contract in their heads."""
        found = {f"_generated/{name}": text for name, text in emit.present(self.package / "_generated").items()}
        found |= {f"docs/{name}": text for name, text in emit.present(self.docs).items()}
        head = re.compile(r"^(# )?Contract .* sha256 .*$", re.MULTILINE)
        return {name: head.sub("", text) for name, text in found.items()}


def copy_to(root: Path) -> Tree:
    tree = Tree(root)
    shutil.copytree(ROOT / "contract", tree.contract)
    shutil.copytree(ROOT / "src" / "meerkat", tree.package, ignore=CACHES)
    tree.docs.mkdir()
    return tree


class Bumped(NamedTuple):
    """A bump, with what was there before and after."""

    tree: Tree
    checked_before_regen: int
    before: dict[str, str]
    after: dict[str, str]


@pytest.fixture(scope="module")
def bumped(tmp_path_factory: pytest.TempPathFactory) -> Bumped:
    tree = copy_to(tmp_path_factory.mktemp("bump"))
    assert tree.run("regen") == 0
    before = tree.files()
    steps.make([steps.VERSION, *steps.ADDITIONS, *steps.REMOVAL], tree.contract)
    assert tree.run("lint") == 0
    forgotten = tree.run("check")
    assert tree.run("regen") == 0
    return Bumped(tree, forgotten, before, tree.files())


def test_forgotten_regen_is_noticed(bumped: Bumped) -> None:
    assert bumped.checked_before_regen == 1


def test_regenerated_files_pass_the_check(bumped: Bumped) -> None:
    assert bumped.tree.run("check") == 0


def test_nothing_changes_but_what_the_edits_mean(bumped: Bumped) -> None:
    changed = {
        name for name in bumped.before.keys() | bumped.after if bumped.before.get(name) != bumped.after.get(name)
    }
    assert changed == {
        # the method, its parameters and its wrapper, and the field
        "_generated/methods/session.py",
        "_generated/types/session.py",
        "_generated/calls/session.py",
        "docs/reference/sessions.md",
        # the value
        "_generated/types/content.py",
        "docs/reference/shared.md",
        # the event, and the field that is gone
        "_generated/types/events.py",
        "_generated/events.py",
        "docs/reference/events.md",
        # the tables of names, with the version
        "_generated/contract.py",
        "_generated/index.py",
        "_generated/public.py",
        "docs/reference/README.md",
        "docs/reference/types.md",
    }


def test_every_addition_is_documented(bumped: Bumped) -> None:
    index, sessions = bumped.after["docs/reference/README.md"], bumped.after["docs/reference/sessions.md"]
    method, wrapper = "[`session/rename`](sessions.md#sessionrename)", "`MeerkatClient.rename_session`"
    assert f"| {method} | {wrapper} | Give a session another title. |" in index
    assert "async MeerkatClient.rename_session(" in sessions
    assert '| `locale` | str | default `"en"` | Language of the title. |' in sessions
    assert '| `title` | str | absent means `""` | Its title. |' in sessions
    assert "`cancelled`, `paused`, or what a newer runtime adds" in bumped.after["docs/reference/shared.md"]
    assert "### `SessionRenamed`" in bumped.after["docs/reference/events.md"]
    assert "injection_bytes" not in bumped.after["docs/reference/events.md"]


def test_new_package_is_imported_and_works(bumped: Bumped, tmp_path: Path) -> None:
    source = bumped.tree.package.parent
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", steps.PROGRAM, str(source)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "It works.\n"


# What `diff` calls each edit of the bump.
ADDED = {
    ("method-added", "session/rename", "minor"),
    ("field-added-optional", "SessionSummary.title", "minor"),
    ("enum-value-added", "StopReason[paused]", "minor"),
    ("type-added", "SessionRenamed", "minor"),
    ("arm-added", "AgentEvent[session_renamed]", "minor"),
}
REMOVED = {("field-removed", "SkillsResolved.injection_bytes", "major")}


def reported(old: Path, new: Path) -> set[tuple[str, str, str]]:
    changes = compare(read_contract(old), read_contract(new))
    return {(change.rule.id, change.place.subject, change.severity) for change in changes}


def test_every_edit_is_reported(bumped: Bumped) -> None:
    assert reported(CURRENT, bumped.tree.contract / "openrpc.json") == ADDED | REMOVED


def test_removal_breaks_until_it_is_accepted(
    bumped: Bumped, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [str(CURRENT), str(bumped.tree.contract / "openrpc.json")]
    assert main(["diff", *places]) == 1
    printed = capsys.readouterr().out
    assert "Breaking (major): 1" in printed
    assert "Suggested version step: major" in printed
    accepted = tmp_path / "accepted.yaml"
    tomorrow = dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)
    accepted.write_text(
        "accepted:\n  - rule: field-removed\n    subject: SkillsResolved.injection_bytes\n"
        f"    reason: The runtime does not send it any more.\n    expires: '{tomorrow}'\n",
        "utf-8",
    )
    assert main(["diff", *places, "--accepted", str(accepted)]) == 0
    assert "(accepted)" in capsys.readouterr().out


def test_additions_alone_break_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = tmp_path / "contract"
    shutil.copytree(ROOT / "contract", contract)
    steps.make([steps.VERSION, *steps.ADDITIONS], contract)
    assert reported(CURRENT, contract) == ADDED
    assert main(["diff", str(CURRENT), str(contract)]) == 0
    assert "Suggested version step: minor" in capsys.readouterr().out


def test_version_alone_is_no_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = tmp_path / "contract"
    shutil.copytree(ROOT / "contract", contract)
    steps.make([steps.VERSION], contract)
    assert main(["diff", str(CURRENT), str(contract)]) == 0
    assert "Nothing has changed" in capsys.readouterr().out


def test_released_contract_is_what_changes_are_compared_with() -> None:
    released = ROOT / "contract" / "released"
    before, now = read_contract(released / "openrpc.json"), read_contract(CURRENT)
    assert [int(part) for part in before.version.split(".")] <= [int(part) for part in now.version.split(".")]
    for entry in read_accepted(released / "accepted.yaml"):
        assert any(entry.covers(change) for change in compare(before, now)), entry


def test_instructions_name_commands_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    assert {"lint", "regen", "diff", "check", "test", "types", "runtime"} <= set(re.findall(r"`make ([a-z]+)", text))
    commands = set(re.findall(r"python -m codegen ([a-z]+)", text))
    assert "upstream" in commands
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, command
    for path in re.findall(r"`((?:contract|codegen|tests|docs|scripts)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path


def test_ci_runs_lint_check_and_diff() -> None:
    steps_of_ci = re.findall(r"^make ([a-z]+)$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    assert {"lint", "types", "check", "diff", "test"} <= set(steps_of_ci)
