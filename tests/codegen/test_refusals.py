"""Each class of bad contract is refused, with rule, file and pointer; several are reported at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.codegen.cases import ALL
from tests.codegen.cases.spoilt import Spoilt, spoil
from tests.codegen.small import problems_of, run

if TYPE_CHECKING:
    from pathlib import Path


def test_small_contract_is_good(contract: Path) -> None:
    assert problems_of(contract) == []


@pytest.mark.parametrize("spoilt", ALL.values(), ids=ALL.keys())
def test_refused(contract: Path, spoilt: Spoilt) -> None:
    spoil(contract, spoilt)
    problems = problems_of(contract)
    matching = [
        problem
        for problem in problems
        if problem.rule == spoilt.rule
        and (problem.pointer or "/").startswith(spoilt.pointer)
        and problem.file == f"contract/{spoilt.found_in or spoilt.file}.yaml"
        and spoilt.says in str(problem)
    ]
    assert matching, "\n".join(map(str, problems)) or "nothing was found wrong"


def test_line_is_that_of_the_problem(contract: Path) -> None:
    spoil(contract, ALL["no full stop"])
    (problem,) = problems_of(contract)
    line = (contract / "things.yaml").read_text("utf-8").splitlines()[problem.line - 1]
    assert line.strip() == "MarkStamp:"


def test_several_are_reported_at_once(contract: Path) -> None:
    chosen = ("unknown keyword", "dangling reference", "reserved wrapper name", "no class", "no full stop")
    for name in chosen:
        spoil(contract, ALL[name])
    rules = {problem.rule for problem in problems_of(contract)}
    assert rules >= {ALL[name].rule for name in chosen}


@pytest.mark.parametrize("file", ["info", "extensions", "domains"])
def test_missing_file(contract: Path, file: str) -> None:
    (contract / f"{file}.yaml").unlink()
    assert ("files", f"contract/{file}.yaml") in {(problem.rule, problem.file) for problem in problems_of(contract)}


def test_file_that_is_not_utf_8(contract: Path) -> None:
    (contract / "things.yaml").write_bytes(b"components: {}  # \xff\n")
    assert ("yaml", "contract/things.yaml") in {(problem.rule, problem.file) for problem in problems_of(contract)}


@pytest.mark.parametrize(
    ("name", "rule", "found_in"),
    [("Odd-Name", "naming", "contract/Odd-Name.yaml"), ("happening_base", "name-taken", "contract/library.yaml")],
)
def test_file_whose_name_gives_no_module(contract: Path, name: str, rule: str, found_in: str) -> None:
    schemas = "components:\n  schemas:\n    Extra:\n      description: Something else.\n      type: string\n"
    (contract / f"{name}.yaml").write_text(schemas, "utf-8")
    assert (rule, found_in) in {(problem.rule, problem.file) for problem in problems_of(contract)}


def test_commands_print_the_problems_and_fail(
    contract: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(contract, ALL["no full stop"])
    for command in ("bundle", "regen", "check", "lint"):
        assert run(command, contract, tmp_path / "out") == 1
        printed = capsys.readouterr().err
        assert "contract/things.yaml:" in printed
        assert "/components/schemas/MarkStamp" in printed
        assert "[sentence]" in printed
    assert not (tmp_path / "out").exists()
    assert not (contract / "openrpc.json").exists()


def test_long_module_names_the_file_to_split(
    contract: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegen.emit.MAX_LINES", 100)
    assert run("regen", contract, tmp_path / "out") == 1
    assert "types/library.py has" in (printed := capsys.readouterr().err)
    assert "split contract/library.yaml" in printed
