"""Every house rule has an id, a reason and a contract that breaks it, and nothing is reported under another id."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from codegen import pipeline
from codegen.cli import main
from codegen.lint.rules import RULES, lines, page
from codegen.problems import ContractError
from tests.codegen.cases import ALL
from tests.codegen.small import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Modules that report problems of the contract; `diff` and `upstream` report about other things.
REPORTERS = sorted([*(ROOT / "codegen").glob("*.py"), *(ROOT / "codegen" / "lint").glob("*.py")])
# Functions whose first argument, or second after a source, is the id of a rule.
REPORTING = frozenset({"add", "wrong", "_wrong"})


def broken_by_length(contract: Path, limit: int) -> set[str]:
    """The rules that the small contract breaks when files may not have more lines than this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("codegen.emit.MAX_LINES", limit)
        try:
            pipeline.render(pipeline.read(contract)[0])
        except ContractError as error:
            return {problem.rule for problem in error.problems}
    return set()


def broken_by_page_length(contract: Path, limit: int) -> set[str]:
    """The same for the pages of the reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("codegen.emit.MAX_LINES", limit)
        try:
            pipeline.render_pages(pipeline.read(contract)[0], {}, {})
        except ContractError as error:
            return {problem.rule for problem in error.problems}
    return set()


# Rules that no edit of the small contract breaks, since it is small.
BY_LENGTH: dict[str, Callable[[Path, int], set[str]]] = {
    "module-length": broken_by_length,
    "page-length": broken_by_page_length,
}


def test_every_rule_has_a_breaking_case_and_every_case_a_rule() -> None:
    # That each case breaks its rule is tested in test_refusals.
    assert {case.rule for case in ALL.values()} | BY_LENGTH.keys() == RULES.keys()


@pytest.mark.parametrize("rule", sorted(BY_LENGTH))
def test_rule_is_broken_by_long_files_alone(contract: Path, rule: str) -> None:
    assert BY_LENGTH[rule](contract, 100_000) == set()
    assert BY_LENGTH[rule](contract, 40) == {rule}


def reported_ids() -> Iterator[tuple[str, str]]:
    """The ids that stand in the source where problems are reported, each with its place."""
    for path in REPORTERS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in REPORTING:
                continue
            for argument in node.args[:2]:
                # Pointers begin with a slash, messages have spaces.
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    if argument.value and not {"/", " "} & set(argument.value):
                        yield argument.value, f"{path.relative_to(ROOT)}:{node.lineno}"
                    break


def test_ids_in_the_source_are_those_of_the_table() -> None:
    found: dict[str, list[str]] = {}
    for rule, place in reported_ids():
        found.setdefault(rule, []).append(place)
    assert found.keys() - RULES.keys() == set(), {rule: found[rule] for rule in found.keys() - RULES.keys()}
    assert RULES.keys() - found.keys() == set()


def test_rules_say_what_and_why() -> None:
    for rule in RULES.values():
        for text in (rule.text, rule.reason):
            assert text.endswith("."), rule
            assert text[0].isupper() or text[0] == "`", rule
        assert rule.text != rule.reason, rule
        assert rule.id == rule.id.lower().replace("_", "-"), rule


def test_command_lists_the_rules(contract: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--rules", "--contract", str(contract)]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines() == lines()
    for rule in RULES.values():
        assert f"{rule.id} " in printed
        assert rule.text in printed
        assert rule.reason in printed


def test_page_lists_the_rules() -> None:
    assert (ROOT / "docs" / "rules.md").read_text("utf-8") == page()
    assert [line.split("`")[1] for line in page().splitlines() if line.startswith("| `")] == list(RULES)


def test_lint_is_silent_about_a_good_contract(
    contract: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("lint", contract, tmp_path / "out") == 0
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "out").exists()
