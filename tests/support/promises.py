"""The promises of ``tests/requirements.toml``, and which tests keep them.

Run as a program: ``promises.py DIRECTORY``. It collects the tests of a directory and prints what each keeps, as JSON.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

TESTS: Final = Path(__file__).resolve().parent.parent
FILE: Final = TESTS / "requirements.toml"
MARK: Final = "requirement"
MAY_BE_ABSENT: Final = frozenset({"real_runtime"})
"""Fixtures that skip a test where something is not installed."""


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One promise.

    Attributes:
        sentence: What is promised.
        source: Where users suffered for want of it.
    """

    sentence: str
    source: str


class Test(msgspec.Struct, frozen=True):
    """A collected test.

    Attributes:
        name: Its node id.
        keeps: Ids of the promises that it names.
        skipped: Why it does not run anywhere, or is not sure to run; empty for one that runs everywhere.
    """

    __test__ = False

    name: str
    keeps: list[str]
    skipped: str = ""


def read(text: str) -> dict[str, Promise]:
    """Read the promises.

    Raises:
        ValueError: Ids that are malformed or stand twice, unknown letters, missing or empty texts.
    """
    tables = tomllib.loads(text)
    try:
        letters = msgspec.convert(tables.pop("letters", {}), dict[str, str])
        promises = msgspec.convert(tables, dict[str, Promise])
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    faults = [f"{letter!r} has no meaning" for letter, meaning in letters.items() if not meaning.strip()]
    for key, promise in promises.items():
        if not re.fullmatch(r"[A-Z](0[1-9]|[1-9]\d)", key):
            faults.append(f"{key!r} is no id: a letter and two digits, such as T03")
        elif key[0] not in letters:
            faults.append(f"{key!r}: [letters] does not say what {key[0]!r} means")
        faults += [
            f"{key!r} has no {field}" for field, text in msgspec.structs.asdict(promise).items() if not text.strip()
        ]
    faults += [f"no id begins with {letter!r}" for letter in letters if not any(key[0] == letter for key in promises)]
    if faults:
        raise ValueError("\n".join(faults))
    return promises


def compare(promises: Iterable[str], tests: Iterable[Test]) -> list[str]:
    """Compare promises with tests in both directions; return what is wrong."""
    known = set(promises)
    kept: set[str] = set()
    skipped: dict[str, list[Test]] = {}
    faults: list[str] = []
    for test in tests:
        faults += [
            f"{test.name} names the promise {key!r}, which there is not" for key in test.keeps if key not in known
        ]
        for key in test.keeps:
            if test.skipped:
                skipped.setdefault(key, []).append(test)
            else:
                kept.add(key)
    for key in sorted(known - kept):
        if key in skipped:
            which = "; ".join(f"{test.name} ({test.skipped})" for test in skipped[key][:3])
            faults.append(f"{key} has no test that runs everywhere, only {which}")
        else:
            faults.append(f"{key} has no test: mark one with @pytest.mark.{MARK}({key!r})")
    return faults


def keeps(item: pytest.Item) -> list[str]:
    """Ids of the promises that a test names, by marks of its own, its class or its module."""
    return sorted({key for mark in item.iter_markers(MARK) for key in mark.args})


def why_skipped(item: pytest.Item) -> str:
    """Say why a test is skipped, or may be; empty when it runs everywhere."""
    from _pytest.skipping import evaluate_skip_marks  # nothing public evaluates conditions

    if (skip := evaluate_skip_marks(item)) is not None:
        return skip.reason or "skipped"
    if any(mark.kwargs.get("run") is False for mark in item.iter_markers("xfail")):
        return "expected to fail and not run"
    values: dict[str, Any] = (
        item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    )
    needed = MAY_BE_ABSENT & {*getattr(item, "fixturenames", ()), f"{values.get('runtime')}_runtime"}
    return f"needs the {', '.join(sorted(needed))}" if needed else ""


def collect(directory: Path = TESTS) -> list[Test]:
    """Collect all tests of a directory in a process of its own, whatever runs in this one."""
    command = [sys.executable, "-m", "tests.support.promises", str(directory)]
    done = subprocess.run(command, cwd=TESTS.parent, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the tests cannot be collected:\n{done.stdout}{done.stderr}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=list[Test])


class Skipped:
    """A plugin that tells at the end which promises had tests in this run that were all skipped."""

    def __init__(self) -> None:
        self._ran: set[str] = set()
        self._skipped: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:  # these properties come with each report, also from another process
            item.user_properties.append((MARK, keeps(item)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped or report.when == "call":
            ids: Any = dict(report.user_properties).get(MARK, ())
            (self._skipped if report.skipped else self._ran).update(ids)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if only_skipped := sorted(self._skipped - self._ran):
            terminalreporter.write_line(f"NOT SHOWN, all their tests were skipped: {', '.join(only_skipped)}", red=True)


class _Collector:
    """A plugin that takes down what is collected."""

    def __init__(self) -> None:
        self.tests: list[Test] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tests = [Test(item.nodeid, keeps(item), why_skipped(item)) for item in session.items]


if __name__ == "__main__":
    collector = _Collector()
    status = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", sys.argv[1]], plugins=[collector])
    sys.stdout.write("\n" + json.dumps(msgspec.to_builtins(collector.tests)) + "\n")
    raise SystemExit(int(status))
