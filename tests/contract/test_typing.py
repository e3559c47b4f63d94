"""What type checkers say about a user's program: results are typed to the leaves, mistakes are found, by both alike."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

pytestmark = pytest.mark.requirement("G03")

PROGRAMS: Final = Path(__file__).with_name("typing")
MISTAKE: Final = re.compile(r"  # type: ignore\[(.*?)\]  # pyright: ignore\[(.*?)\]")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A user's directory with the programs, where the checkers are told to be strict and nothing else."""
    for path in PROGRAMS.glob("*.py"):
        (tmp_path / path.name).write_text(MISTAKE.sub("", path.read_text("utf-8")), encoding="utf-8")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    return tmp_path


def expected(group: int) -> dict[int, set[str]]:
    """The mistakes that the comments announce, by line."""
    lines = (PROGRAMS / "refused.py").read_text("utf-8").splitlines()
    found = {number: MISTAKE.search(line) for number, line in enumerate(lines, start=1)}
    return {number: set(match[group].split(", ")) for number, match in found.items() if match is not None}


def run(*command: str, cwd: Path) -> str:
    """Run a checker and return what it printed."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=cwd, check=False, capture_output=True, text=True)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def test_mypy_finds_the_mistakes_and_nothing_else(programs: Path) -> None:
    output = run(
        "mypy", "--strict", "--output", "json", "--cache-dir", "cache", "program.py", "refused.py", cwd=programs
    )
    messages = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    errors = [message for message in messages if message["severity"] == "error"]
    assert [message for message in errors if message["file"] != "refused.py"] == []
    found: dict[int, set[str]] = {}
    for message in errors:
        found.setdefault(message["line"], set()).add(message["code"])
    assert found == expected(1)


def test_pyright_finds_the_mistakes_and_nothing_else(programs: Path) -> None:
    output = run("pyright", "--outputjson", "--pythonpath", sys.executable, "--project", ".", cwd=programs)
    errors = json.loads(output)["generalDiagnostics"]
    assert [message for message in errors if not message["file"].endswith("refused.py")] == []
    found: dict[int, set[str]] = {}
    for message in errors:
        found.setdefault(message["range"]["start"]["line"] + 1, set()).add(message["rule"])
    assert found == expected(2)


def test_there_are_mistakes_of_many_kinds() -> None:
    assert expected(1).keys() == expected(2).keys()
    assert len({code for codes in expected(1).values() for code in codes}) >= 6
