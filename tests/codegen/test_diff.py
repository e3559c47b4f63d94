"""The command `diff`: what it reads, what it prints, when it fails, and what may be accepted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from codegen.cli import main
from codegen.diff.report import next_version, step
from codegen.diff.rules import RULES, worst
from tests.codegen.diffing import Document, changes, contract_of, document, method, param, schemas, struct, thing
from tests.codegen.small import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STRING = {"type": "string"}


def write(directory: Path, name: str, content: Document) -> Path:
    contract_of(content)  # sorts it, and shows that it is one
    path = directory / name
    path.write_text(json.dumps(content), "utf-8")
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A contract."""
    return write(tmp_path, "old.json", document())


@pytest.fixture
def breaking(tmp_path: Path) -> Path:
    """A later one that breaks two things, adds one, and describes one in other words."""
    contract = document()
    thing(contract, "received")["properties"] = {"novel": STRING}
    method(contract, "sent")["params"][0]["schema"] = {"type": "integer"}
    method(contract, "sent")["summary"] = "Send a thing to somebody."
    contract["info"]["version"] = "1.3.0"
    return write(tmp_path, "new.json", contract)


def test_nothing_has_changed(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(old), str(old)]) == 0
    assert capsys.readouterr().out == "Nothing has changed; no new version is needed.\n"


def test_report_of_breaking_changes(old: Path, breaking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(old), str(breaking)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "Breaking (major): 2",
        "  things",
        "    field-removed            Received.value: string",
        "    type-changed             thing/send.first: string -> integer",
        "",
        "Compatible (minor): 1",
        "  things",
        "    field-added-optional     Received.novel: string",
        "",
        "Without effect on code (patch): 1",
        "  things",
        "    method-description       thing/send",
        "",
        "Suggested version step: major (1.2.3 -> 2.0.0); the newer contract says 1.3.0.",
        "2 breaking change(s) that were not accepted.",
    ]


def test_compatible_changes_are_no_failure(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = document()
    method(contract, "sent")["params"].append(param("novel", STRING))
    method(contract, "received")["params"][0]["schema"] = {"type": "string", "format": "uuid"}
    assert main(["diff", str(old), str(write(tmp_path, "new.json", contract))]) == 0
    printed = capsys.readouterr().out
    assert "    format-added             thing/changed.first: uuid  (received)\n" in printed
    assert "Suggested version step: minor (1.2.3 -> 1.3.0); the newer contract says 1.2.3." in printed


def test_values_and_arms_are_named_once(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = document("sent", {"type": "string", "enum": ["a"]})
    start = write(tmp_path, "start.json", contract)
    thing(contract, "sent")["properties"]["value"]["enum"].append("b")
    assert main(["diff", str(start), str(write(tmp_path, "end.json", contract))]) == 0
    assert "    choice-added             Sent.value[b]\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("version", "severity", "expected"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", None, "1.2.3"),
        ("next", "major", "next"),
    ],
)
def test_next_version(version: str, severity: Any, expected: str) -> None:
    assert next_version(version, severity) == expected


def test_the_heaviest_change_decides() -> None:
    assert worst([]) is None
    assert worst(["patch", "major", "minor"]) == "major"
    new = document()
    schemas(new)["Novel"] = struct()
    assert step(changes(document(), new)) == "minor"


# --- accepted breaks ---

ENTRY = {"rule": "field-removed", "subject": "Received.value", "reason": "Nobody reads it.", "expires": "2030-01-31"}
OTHER = {**ENTRY, "rule": "type-changed", "subject": "thing/send.first"}


def accept(directory: Path, *entries: Any) -> Path:
    path = directory / "accepted.yaml"
    path.write_text(json.dumps({"accepted": entries}, indent=1), "utf-8")  # JSON is YAML
    return path


def diff(old: Path, new: Path, accepted: Path, today: str = "2030-01-31") -> int:
    return main(["diff", str(old), str(new), "--accepted", str(accepted), "--today", today])


def test_accepted_breaks_are_no_failure(
    old: Path, breaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff(old, breaking, accept(tmp_path, ENTRY, OTHER)) == 0
    printed = capsys.readouterr().out
    assert "field-removed            Received.value: string  (accepted)" in printed
    assert "not accepted" not in printed
    assert "Suggested version step: major" in printed


def test_a_break_beyond_those_accepted_is_a_failure(old: Path, breaking: Path, tmp_path: Path) -> None:
    assert diff(old, breaking, accept(tmp_path, ENTRY)) == 1


USELESS: dict[str, tuple[list[Any], str, str]] = {
    "expired": ([ENTRY, OTHER], "2030-02-01", "expired on 2030-01-31; undo the break, or accept it anew"),
    "matches nothing": (
        [ENTRY, OTHER, {**ENTRY, "subject": "Received.other"}],
        "2030-01-01",
        "stale: there is no such",
    ),
    "breaks nothing": (
        [ENTRY, OTHER, {**ENTRY, "rule": "field-added-optional", "subject": "Received.novel"}],
        "2030-01-01",
        "stale: the change breaks nothing; remove the entry",
    ),
}


@pytest.mark.parametrize("fault", USELESS)
def test_useless_entries_are_errors(
    fault: str, old: Path, breaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries, today, message = USELESS[fault]
    path = accept(tmp_path, *entries)
    assert diff(old, breaking, path, today) == 1
    told = capsys.readouterr().err
    assert message in told
    line = 1 + next(
        number
        for number, text in enumerate(path.read_text("utf-8").splitlines())
        if f'"subject": "{entries[-1]["subject"]}"' in text
    )
    assert f"{tmp_path.name}/accepted.yaml:{line - 2}: " in told


REFUSED: dict[str, tuple[Any, str]] = {
    "no list": ("accepted: 5\n", "the file must hold `accepted`, a list, and nothing else"),
    "more than a list": ("accepted: []\nmore: 1\n", "the file must hold `accepted`"),
    "no reason": ([{**ENTRY, "reason": " "}], "`reason` must be a text"),
    "a part is missing": ([{"rule": "field-removed"}], "an entry has exactly rule, subject, reason, expires"),
    "an unknown rule": ([{**ENTRY, "rule": "field-odd"}], "there is no rule `field-odd`"),
    "no day": ([{**ENTRY, "expires": "soon"}], "`expires` is a day, such as '2030-12-31'"),
    "a day that is no text": ("accepted:\n  - {expires: 2030-01-01}\n", "is not JSON; put it in quotes"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_bad_lists_of_accepted_breaks_are_refused(
    fault: str, old: Path, breaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, message = REFUSED[fault]
    path = accept(tmp_path, *content) if isinstance(content, list) else tmp_path / "accepted.yaml"
    if isinstance(content, str):
        path.write_text(content, "utf-8")
    assert diff(old, breaking, path) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "accepted.yaml:" in told


def test_a_list_that_is_not_there(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(old, old, tmp_path / "none.yaml") == 2
    assert "none.yaml: /: there is no such file" in capsys.readouterr().err


# --- input ---


def test_a_directory_and_its_bundled_document_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    contract = ROOT / "contract"
    assert main(["diff", str(contract), str(contract / "openrpc.json")]) == 0
    assert capsys.readouterr().out == "Nothing has changed; no new version is needed.\n"


def test_a_directory_with_a_bundled_document_only(old: Path, tmp_path: Path) -> None:
    directory = tmp_path / "released"
    directory.mkdir()
    old.rename(directory / "openrpc.json")
    assert main(["diff", str(directory), str(directory)]) == 0


def put(content: Any, *path: str | int) -> Callable[[Document], None]:
    def edit(contract: Document) -> None:
        target: Any = contract
        for step_ in path[:-1]:
            target = target[step_]
        target[path[-1]] = content

    return edit


def cut(*path: str | int) -> Callable[[Document], None]:
    def edit(contract: Document) -> None:
        target: Any = contract
        for step_ in path[:-1]:
            target = target[step_]
        del target[path[-1]]

    return edit


BAD_INPUT: dict[str, tuple[Any, str]] = {
    "not there": (None, "cannot be read: No such file or directory; give an `openrpc.json`"),
    "not JSON": ('{"openrpc":\n', "bad.json:2: /: not JSON"),
    "not UTF-8": (b"\xff", "not UTF-8"),
    "nested too deeply": ("[" * 100_000, "nested too deeply"),
    "another document": ("[]", "this is no `openrpc.json`"),
    "no schemas": (cut("components", "schemas"), "/components/schemas: an object is expected here"),
    "no errors": (cut("components", "errors"), "/components/errors: an object of objects is expected here"),
    "errors without classes": (
        cut("components", "x-errors", "Lost"),
        "/components/errors: the names must be those in `x-errors`",
    ),
    "a type of no file": (
        cut("components", "schemas", "Sent", "x-module"),
        "/components/schemas/Sent: an object with `x-module` is expected here",
    ),
    "a method without a name": (cut("methods", 0, "name"), "/methods/0: an object with `name` and `x-module`"),
    "no methods": (cut("methods"), "/methods: a list is expected here"),
    "a limit that is no number": (
        put({"type": "integer", "minimum": "1"}, "components", "schemas", "Sent", "properties", "value"),
        "/components/schemas/Sent/properties/value/minimum: `minimum` is a number",
    ),
    "a length that is no whole number": (
        put({"type": "string", "maxLength": 1.5}, "components", "schemas", "Sent", "properties", "value"),
        "/components/schemas/Sent/properties/value/maxLength: `maxLength` is a whole number from 0 on",
    ),
    "a direction that is none": (put({}, "methods", 0, "x-direction"), "a direction is `client-to-server` or"),
    "a route that is none": (put({}, "methods", 0, "x-route-by"), "there is no parameter `{}`"),
    "limits that are none": (
        put({}, "components", "schemas", "Sent", "minProperties"),
        "`minProperties` and `maxProperties` are both 1 or both absent",
    ),
    "a reference to nowhere": (cut("components", "schemas", "Received"), "there is no schema `Received`"),
}


@pytest.mark.parametrize("fault", BAD_INPUT)
def test_bad_contracts_are_refused(fault: str, old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, message = BAD_INPUT[fault]
    path = tmp_path / "bad.json"
    if callable(content):
        contract = document()
        content(contract)
        path.write_text(json.dumps(contract), "utf-8")
    elif content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["diff", str(old), str(path)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "bad.json" in told


def test_bad_directories_are_refused(contract: Path, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (contract / "things.yaml").write_text("components: 5\n", "utf-8")
    assert main(["diff", str(old), str(contract)]) == 2
    assert "contract/things.yaml:1: /components: an object is expected here" in capsys.readouterr().err


def test_two_contracts_are_needed(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(old)]) == 2
    assert "python -m codegen diff OLD NEW" in capsys.readouterr().err


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "--rules"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1 + 2 * len(RULES)
    assert "null-added               minor  major     null-removed" in printed


def test_every_rule_has_a_reverse_and_a_text() -> None:
    for name, rule in RULES.items():
        assert rule.id == name
        assert rule.text.endswith(".")
        # What is added can be required or not, and what is removed takes both back.
        assert RULES[rule.reverse].reverse == name or name.endswith("-added-required")
