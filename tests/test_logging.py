"""The log is what docs/logging.md says it is: loggers, levels, diagnostics; and nothing is configured unasked."""

from __future__ import annotations

import ast
import inspect
import logging
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from meerkat import Diagnostics, MeerkatClient
from tests.support.runtime import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.requirement("T12")

SOURCE: Final = ROOT / "src" / "meerkat"
PAGE: Final = (ROOT / "docs" / "logging.md").read_text("utf-8")

LEVELS: Final = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "ERROR"}
ELSEWHERE: Final = {"embedded"}
"""Parts of the package that are a process of their own."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """The modules of the package."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] not in ELSEWHERE:
            yield path, ast.parse(path.read_text("utf-8"))


def made_by(call: ast.AST) -> str | None:
    """Name of the logger that an expression makes."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "getLogger"):
        return None
    (name,) = call.args
    assert isinstance(name, ast.Constant), "a logger's name is written out, so that it can be found"
    return str(name.value)


def used() -> set[tuple[str, str]]:
    """Loggers and levels that the source uses."""
    found: set[tuple[str, str]] = set()
    for path, tree in modules():
        loggers = {
            target.id: name
            for node in tree.body
            if isinstance(node, ast.Assign) and (name := made_by(node.value))
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        levels = 0
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in loggers:
                if node.attr in LEVELS:
                    found.add((loggers[node.value.id], LEVELS[node.attr]))
                    levels += 1
                else:
                    assert node.attr == "isEnabledFor", f"{path}: {node.attr}"
        assert bool(loggers) == bool(levels), f"{path} has a logger and does not use it"
    return found


def rows(header: str) -> list[list[str]]:
    """Cells of the table of the page that begins with this header."""
    lines = PAGE.splitlines()
    start = lines.index(header) + 2
    end = next((n for n in range(start, len(lines)) if not lines[n].startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:end]]


def test_every_logger_and_level_is_on_the_page_and_no_other() -> None:
    listed = [(name.strip("`"), level) for name, level, _ in rows("| logger | level | what it tells |")]
    assert len(listed) == len(set(listed))
    assert set(listed) == used()
    assert {name.partition(".")[0] for name, _ in listed} == {"meerkat"}
    assert all(re.fullmatch(r"meerkat\.[a-z]+", name) for name, _ in listed)


def test_nothing_else_writes() -> None:
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                text = ast.unparse(node.func)
                assert text not in {"logging.basicConfig", "sys.stderr.write", "sys.stdout.write"}, path
                assert not (text.startswith("logging.") and node.func.attr in LEVELS), path


def test_every_field_of_the_diagnostics_is_on_the_page_with_its_unit() -> None:
    listed = {field.strip("`"): unit for field, unit, *_ in rows("| field | unit | what it tells | logged as |")}
    assert list(listed) == list(Diagnostics.__struct_fields__)
    assert all(listed.values())
    doc = inspect.getdoc(Diagnostics) or ""  # without the indentation, which newer versions of Python take off
    assert all(f"\n    {field}: " in doc for field in listed)
    names = {name for name, _ in used()}
    for *_, logged in rows("| field | unit | what it tells | logged as |"):
        for name in re.findall(r"`(meerkat\.\w+)` (\w+)", logged):
            assert name in used()
            assert name[0] in names


USE: Final = """
import trio
from meerkat import MeerkatClient

async def main():
    async with MeerkatClient(runtime="embedded") as client:
        client._state.link.connection.protocol.receive(b"noise\\n")
        await client.list_sessions()

trio.run(main)
"""


def run(program: str, home: Path) -> str:
    """What a program writes to standard error."""
    env = {**os.environ, "HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return done.stderr


def test_nothing_is_printed_unasked(tmp_path: Path) -> None:
    assert run(USE, tmp_path) == ""


def test_the_page_tells_how_to_switch_it_on(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    written = run(example + USE, tmp_path)
    for line in (
        r"INFO meerkat\.process: the runtime \(pid \d+\) was started: /",
        r"DEBUG meerkat\.protocol: request \d+: session/list, \d+ bytes",
        r"DEBUG meerkat\.protocol: request \d+: answered",
        r"WARNING meerkat\.protocol: line 1 from the runtime was skipped: not a JSON-RPC message: .*'noise'",
        r"INFO meerkat\.process: the runtime \(pid \d+\) ended with the status 0",
    ):
        assert re.search(rf"^[\d\-]+ [\d:,]+ {line}", written, re.MULTILINE), written


async def test_each_call_is_two_lines(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG, "meerkat")
    async with MeerkatClient(runtime="embedded", env={"HOME": str(tmp_path)}) as client:
        caplog.clear()
        await client.list_sessions()
        messages = [record.getMessage() for record in caplog.records]
        assert len(messages) == 2, messages
        caplog.clear()
        session = await client.create_session("confidential words")
        async with session.stream("more of them") as events:
            assert [event async for event in events]
    assert "confidential" not in caplog.text
    assert "more of them" not in caplog.text
