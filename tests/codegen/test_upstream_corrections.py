"""The recorded corrections: readable by people, checked against what they are about, refused when they are wrong."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from codegen import pipeline
from codegen.cli import main
from codegen.problems import ContractError
from codegen.upstream.corrections import read_corrections
from codegen.upstream.document import page
from codegen.upstream.folder import Folder
from codegen.upstream.walk import Walk
from codegen.upstream.work import Work
from tests.codegen.published import Release
from tests.codegen.small import ROOT, copy_to

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = ROOT / "contract"
PAGE = CONTRACT / "corrections.md"


def test_the_page_is_written_from_the_files() -> None:
    assert page(CONTRACT) == {PAGE.name: PAGE.read_text("utf-8")}


def test_every_correction_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    topics = read_corrections(CONTRACT)
    names = [name for topic in topics for entry in topic.corrections for name in entry.at]
    names += [name for topic in topics for entry in topic.behaviour for name in entry.about]
    names += [name for topic in topics for entry in topic.left_out for name in entry.types]
    names += [name for topic in topics for entry in topic.unpublished for name in entry.types]
    assert not [name for name in names if f"`{name}`" not in text]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 300
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}


def test_evidence_names_recordings_that_exist() -> None:
    named = set(re.findall(r"\w+\.jsonl", PAGE.read_text("utf-8")))
    present = {path.name for path in (ROOT / "tests" / "recordings").glob("*.jsonl")}
    assert len(named) > 10
    assert named <= present


def test_the_page_is_part_of_what_is_generated(tmp_path: Path) -> None:
    contract, out = copy_to(tmp_path), tmp_path / "package" / "generated"
    (contract / "corrections").mkdir()
    entry = "{reason: Nobody needs it., types: [Odd]}"
    (contract / "corrections" / "all.yaml").write_text(f"title: All\nleft_out:\n  - {entry}\n", "utf-8")
    places = ["--contract", str(contract), "--out", str(out)]
    assert main(["regen", *places]) == 0
    assert "- Nobody needs it. `Odd`." in (contract / "corrections.md").read_text("utf-8")
    assert main(["check", *places]) == 0
    (contract / "corrections.md").write_text("edited\n", "utf-8")
    assert main(["check", *places]) == 1


PROSE = "published: a, real: b, evidence: c"
ONE = f"{{rule: field-removed, at: [X], {PROSE}}}"

REFUSED = {
    "no title": ("corrections: []\n", "Object missing required field `title`", 1),
    "a list of something else": ("title: A\nfixes: []\n", "unknown field `fixes`", 1),
    "a rule that there is not": (
        "title: A\ncorrections:\n  - {rule: field-odd, at: [X], published: a, real: b, evidence: c}\n",
        "there is no rule `field-odd`",
        3,
    ),
    "a missing part": (
        "title: A\ncorrections:\n  - rule: field-removed\n    at: [X]\n    published: a\n    real: b\n",
        "Object missing required field `evidence`",
        3,
    ),
    "no evidence": (
        "title: A\ncorrections:\n  - {rule: field-removed, at: [X], published: a, real: b,\n    evidence: ''}\n",
        "Expected `str` of length >= 1",
        4,
    ),
    "no place": (
        "title: A\ncorrections:\n  - {rule: field-removed, at: [], published: a, real: b, evidence: c}\n",
        "Expected `array` of length >= 1",
        3,
    ),
    "a place twice": (
        f"title: A\ncorrections: [{ONE},\n{ONE}]",
        "field-removed at X stands in corrections/all.yaml:2 already",
        3,
    ),
    "a key twice": ("title: A\ntitle: B\n", "the key `title` stands here twice", 2),
    "broken YAML": ("title: [\n", "while parsing", 2),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_bad_corrections_are_refused_with_file_and_line(fault: str, tmp_path: Path) -> None:
    text, message, line = REFUSED[fault]
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections" / "all.yaml").write_text(text, "utf-8")
    with pytest.raises(ContractError) as refusal:
        read_corrections(tmp_path)
    places = {(problem.file, problem.line) for problem in refusal.value.problems if message in problem.message}
    if fault == "broken YAML":
        assert refusal.value.problems[0].file == "corrections/all.yaml"
    else:
        assert places == {("corrections/all.yaml", line)}, refusal.value


def test_the_command_refuses_bad_corrections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = tmp_path / "contract"
    shutil.copytree(CONTRACT, contract)
    (contract / "corrections" / "more.yaml").write_text("title: 5\n", "utf-8")
    folder = Release().write(tmp_path / "published")
    assert main(["upstream", str(folder), "--contract", str(contract)]) == 2
    assert "corrections/more.yaml:1: /title: Expected `str`, got `int`" in capsys.readouterr().err


STALE = {
    "a difference that there is not": (
        "corrections:\n  - {rule: null-added, at: [WireRunResult/properties/text], published: a, real: b, evidence: c}",
        "null-added at WireRunResult/properties/text: there is no such difference any more",
    ),
    "a difference that looks otherwise": (
        "corrections:\n  - {rule: set-opened, at: [X], seen: integer, published: a, real: b, evidence: c}",
        "set-opened at X (integer): there is no such difference any more",
    ),
    "a type left out that is not published": (
        "left_out:\n  - {reason: None., types: [Nothing]}",
        "the type Nothing is not published any more",
    ),
    "a type left out that is there": (
        "left_out:\n  - {reason: None., types: [WireRunResult]}",
        "the type WireRunResult is in the contract",
    ),
    "a type left out although it is needed": (
        "left_out:\n  - {reason: None., types: {ErrorCode: '123'}}",
        "nothing needs the type ErrorCode any more",
    ),
    "an unpublished type that the contract has not": (
        "unpublished:\n  - {types: [Nothing], evidence: a}",
        "the contract has no type Nothing",
    ),
    "an unpublished type that is published": (
        "unpublished:\n  - {types: [RunResult], evidence: a}",
        "the type RunResult is published now",
    ),
    "behaviour of nothing": (
        "behaviour:\n  - {about: [no/method], published: a, real: b, evidence: c}",
        "there is no `no/method`, in the contract or published",
    ),
}


@pytest.mark.parametrize("fault", STALE)
def test_stale_entries_are_told_with_their_place(fault: str, tmp_path: Path) -> None:
    text, message = STALE[fault]
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections" / "all.yaml").write_text(f"title: A\n{text}\n", "utf-8")
    contract, document = pipeline.read(CONTRACT)
    walk = Walk(Folder(Release().write(tmp_path / "published")), contract, json.loads(document))
    work = Work(walk, [*read_corrections(CONTRACT), *read_corrections(tmp_path)])
    assert work.stale == [("corrections/all.yaml:3", message)]
    assert work.any
