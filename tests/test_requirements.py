"""Every promise has tests that keep it, and no test names a promise that there is not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.promises import FILE, TESTS, Test, collect, compare, read

if TYPE_CHECKING:
    from pathlib import Path

LETTERS = '[letters]\nT = "transport"\n'
GOOD = f'{LETTERS}[T01]\nsentence = "It works."\nsource = "complaints"\n'


def test_every_promise_has_a_test_and_every_test_a_known_promise() -> None:
    """Also when only a part of the suite runs."""
    promises = read(FILE.read_text("utf-8"))
    faults = compare(promises, collect())
    assert not faults, "\n".join(faults)


def test_a_promise_without_a_test_is_told() -> None:
    assert compare(["T01"], [Test("a", ["T01"])]) == []
    (fault,) = compare(["T01", "T02"], [Test("a", ["T01"]), Test("b", [])])
    assert fault.startswith("T02 has no test")
    assert "'T02'" in fault


def test_an_unknown_promise_is_told_with_its_test() -> None:
    (fault,) = compare(["T01"], [Test("tests/x.py::a", ["T01", "T99"])])
    assert fault == "tests/x.py::a names the promise 'T99', which there is not"


def test_a_test_that_is_skipped_counts_only_beside_one_that_runs() -> None:
    skipped = Test("tests/x.py::a", ["T01"], "not here")
    (fault,) = compare(["T01"], [skipped])
    assert fault == "T01 has no test that runs everywhere, only tests/x.py::a (not here)"
    assert compare(["T01"], [skipped, Test("b", ["T01"])]) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD.replace("T01", "T1"), "'T1' is no id"),
        (GOOD.replace("T01", "T00"), "'T00' is no id"),
        (GOOD.replace("T01", "t01"), "'t01' is no id"),
        (GOOD.replace("T01", "X01"), r"\[letters\] does not say what 'X' means"),
        (GOOD.replace("It works.", " "), "'T01' has no sentence"),
        (GOOD.replace("complaints", ""), "'T01' has no source"),
        (GOOD.replace("sentence", "sentance"), "sentance"),
        (GOOD.replace('source = "complaints"', ""), "source"),
        (GOOD.replace('"It works."', "1"), "T01|sentence|int"),
        (GOOD + '[T01]\nsentence = "Twice."\nsource = "x"\n', "(?i)twice|T01|already"),
        (LETTERS, "no id begins with 'T'"),
        (GOOD.replace('"transport"', '""'), "'T' has no meaning"),
    ],
)
def test_a_bad_list_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read(text)


def test_a_good_list_is_read() -> None:
    assert read(GOOD)["T01"].sentence == "It works."


SUITE = """
import pytest

pytestmark = pytest.mark.requirement("T01")

@pytest.mark.requirement("T02", "T03")
def test_three(): ...

@pytest.mark.skipif("True", reason="never")
def test_skipped(): ...

@pytest.mark.xfail(run=False)
def test_not_run(): ...

@pytest.mark.parametrize("runtime", ["embedded", "real"])
def test_on_both(runtime): ...

def test_on_one(real_runtime): ...
"""


def test_what_tests_keep_and_whether_they_run(tmp_path: Path) -> None:
    (tmp_path / "test_small.py").write_text(SUITE)
    found = [Test(test.name.rpartition("/")[2], test.keeps, test.skipped) for test in collect(tmp_path)]
    assert found == [
        Test("test_small.py::test_three", ["T01", "T02", "T03"]),
        Test("test_small.py::test_skipped", ["T01"], "never"),
        Test("test_small.py::test_not_run", ["T01"], "expected to fail and not run"),
        Test("test_small.py::test_on_both[embedded]", ["T01"]),
        Test("test_small.py::test_on_both[real]", ["T01"], "needs the real_runtime"),
        Test("test_small.py::test_on_one", ["T01"], "needs the real_runtime"),
    ]


def test_a_suite_that_cannot_be_collected_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "test_small.py").write_text("import nothing_of_this_name")
    with pytest.raises(RuntimeError, match="nothing_of_this_name"):
        collect(tmp_path)


SKIPPING = """
import pytest

@pytest.mark.requirement("T01")
@pytest.mark.parametrize("here", [True, False])
def test_one(here):
    if not here:
        pytest.skip("not here")

@pytest.mark.requirement("T02", "T03")
def test_other():
    pytest.skip("not here")

@pytest.mark.requirement("T03")
def test_fails():
    assert False
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_tells_what_it_did_not_show(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_small.py").write_text(SKIPPING)
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_configure as pytest_configure")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run([*command, "-n", workers], capture_output=True, text=True, check=False, cwd=TESTS.parent)
    assert "1 failed, 1 passed, 2 skipped" in done.stdout
    assert "NOT SHOWN, all their tests were skipped: T02\n" in done.stdout


def run_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=TESTS.parent)


def test_tests_can_be_chosen_by_what_they_keep() -> None:
    done = run_pytest("--requirement", "T13", "--requirement=P05,T14", "tests/faults/test_close.py")
    assert done.returncode == 0, done.stdout + done.stderr
    chosen = {line.partition("[")[0].rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line}
    assert chosen == {
        "test_the_end_of_the_event_loop_is_the_end_of_the_runtime",
        "test_the_end_of_a_program_that_leaves_its_loop_as_it_is_is_the_end_of_the_runtime",
        "test_a_program_that_is_killed_ends_the_runtime_by_the_end_of_its_input",
    }


def test_an_unknown_promise_cannot_be_chosen() -> None:
    done = run_pytest("--requirement", "T13,T99", "tests/test_requirements.py")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "there is no promise T99" in done.stderr
