"""The work list of a bump: nothing on the version of the contract, everything that a later one brings."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from codegen.cli import main
from codegen.raw import is_array, is_object
from codegen.upstream.folder import Folder, UnusableError
from codegen.upstream.walk import Walk
from codegen.upstream.work import Work
from tests.codegen.outcomes import contract, outcome, outcome_of
from tests.codegen.published import Release

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_but_the_corrections_on_the_version_of_the_contract(tmp_path: Path) -> None:
    result = outcome(Release(), tmp_path)
    assert not result.work.any, result.text
    assert result.work.applied > 400
    assert set(result.work.unreached) <= result.work.recorded
    assert "Nothing to do" in result.text


def test_each_correction_is_needed(tmp_path: Path) -> None:
    folder = Release().write(tmp_path)
    loaded, document, topics = contract()
    work = Work(Walk(Folder(folder), loaded, document), [])
    places = {(change.rule.id, change.place.pointer) for change in work.changes}
    places |= {(fact.kind, fact.place.pointer) for fact in work.facts}
    recorded = {(entry.rule, name) for topic in topics for entry in topic.corrections for name in entry.at}
    assert recorded <= places
    assert not work.applied
    assert not work.stale


def test_what_the_next_version_brings(tmp_path: Path) -> None:
    result = outcome(Release("0.6.6"), tmp_path)
    assert result.found == {
        ("method-added", "live/webrtc/answer", "compatible"),
        ("param-added-optional", "live/open.transport", "sent: compatible"),
        ("arm-added", "LiveTransportBootstrap[webrtc]", "received: compatible"),
        ("type-added", "LiveOpenTransport", "compatible"),
        ("type-added", "LiveWebrtcAnswerParams", "compatible"),
        ("type-added", "LiveWebrtcAnswerResult", "compatible"),
    }
    assert not result.stale
    assert not result.odd
    domain, *lines = result.text.split("\n\n")[1].splitlines()
    assert domain == "live"
    assert "arm appeared       LiveTransportBootstrap[webrtc]: struct of answer_method, http_url?, token" in result.text
    assert len(lines) == 2 * len(result.found)


@pytest.mark.parametrize(("version", "status"), [("0.6.5", 0), ("0.6.6", 1)])
def test_command(version: str, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Release(version).write(tmp_path)
    assert main(["upstream", str(folder), "--unreached"]) == status
    printed = capsys.readouterr().out
    assert f"Published: {version}. Contract: 0.6.5." in printed
    assert "\n    WireSwitchTurnPhase\n" in printed


def test_a_fault_that_was_put_right_makes_its_correction_stale(tmp_path: Path) -> None:
    release = Release()
    release.types["WireRunResult"]["properties"]["session_ref"] = {"type": "string"}
    result = outcome(release, tmp_path)
    (message,) = result.stale
    assert "null-added at WireRunResult/properties/session_ref" in message
    assert result.work.any


def test_a_schema_that_is_published_at_last_is_compared(tmp_path: Path) -> None:
    release = Release()
    fields = {"session_id": {"type": "string"}, "force": {"type": "boolean"}}
    release.types["InterruptParams"] = {"type": "object", "required": ["session_id"], "properties": fields}
    release.roots["params.json"].append("InterruptParams")
    result = outcome(release, tmp_path)
    assert result.found == {("param-added-optional", "turn/interrupt.force", "sent: compatible")}
    assert [message.partition(":")[0] for message in result.stale] == [
        "no-schema at turn/interrupt#params_type (InterruptParams)"
    ]


def test_a_type_that_was_left_out_and_is_needed_now(tmp_path: Path) -> None:
    release = Release()
    release.types["WireRunResult"]["properties"]["kind"] = {"$ref": "#/$defs/RealtimeInputKind"}
    result = outcome(release, tmp_path)
    assert ("type-added", "RealtimeInputKind", "compatible") in result.found
    assert result.stale == ["the type RealtimeInputKind was left out because nothing needed it; now something does"]


def test_a_type_of_the_contract_that_vanishes_behind_a_free_value(tmp_path: Path) -> None:
    release = Release()
    for name in ("WireRunResult", "HelpResponse"):
        release.types[name]["properties"]["extraction_error"] = {}
    for names in release.roots.values():
        names[:] = [name for name in names if name != "ExtractionError"]
    del release.types["ExtractionError"]
    result = outcome(release, tmp_path)
    assert ("type-removed", "ExtractionError", "breaking") in result.found
    assert ("type-freed", "RunResult.extraction_error", "received: breaking") in result.found


def test_a_definition_that_differs_in_one_place_only_is_seen(tmp_path: Path) -> None:
    folder = Release().write(tmp_path)
    path = folder / "wire-types.json"
    content = json.loads(path.read_text("utf-8"))
    content["ScheduleListResult"]["$defs"]["Schedule"]["properties"]["colour"] = {"type": "string"}
    path.write_text(json.dumps(content), "utf-8")
    assert outcome_of(folder).found == {
        ("field-added-optional", "ScheduleRecord.colour", "received: compatible"),
    }


# --- odd input ---


def test_unknown_forms_are_told_with_file_and_pointer(tmp_path: Path) -> None:
    release = Release()
    release.types["LiveTruncateParams"]["properties"]["item_id"]["pattern"] = "^a"
    release.types["WireRunResult"]["properties"]["turns"] = {"type": "tuple"}
    release.types["WireSessionInfo"]["properties"]["labels"] = {"$ref": "#/$defs/Nowhere"}
    release.types["WireModelTier"] = {"enum": [1, "two"]}
    release.methods += [{"no": "name"}, {"name": "a/b", "params_type": 5, "since": "0.7"}]
    odd = outcome(release, tmp_path).odd
    assert (
        "wire-types.json#/LiveTruncateParams/properties/item_id/pattern: the keyword `pattern` is not known here" in odd
    )
    assert "wire-types.json#/WireRunResult/properties/turns: `type: tuple` is not known here" in odd
    assert any(
        "/WireSessionInfo/properties/labels: the reference `#/$defs/Nowhere` leads nowhere" in text for text in odd
    )
    assert any("WireModelTier: a set of values that are not all strings is not known here" in text for text in odd)
    count = len(Release().methods)
    assert f"rpc-methods.json#/methods/{count}: an object with a `name` is expected here" in odd
    assert f"rpc-methods.json#/methods/{count + 1}/params_type: the name of a type is expected here" in odd
    assert f"rpc-methods.json#/methods/{count + 1}/since: `since` is not known here" in odd


def test_new_files_are_noted_and_only_used_for_types_that_stand_nowhere_else(tmp_path: Path) -> None:
    release = Release()
    release.more["later.json"] = {
        "WireRunResult": {"type": "string"},
        "BlobPutParams": {"type": "object", "properties": {"data": {"type": "string"}}},
    }
    release.more["notes.json"] = []
    release.methods.append({"name": "blob/put", "params_type": "BlobPutParams"})
    result = outcome(release, tmp_path)
    assert result.found == {("method-added", "blob/put", "compatible"), ("type-added", "BlobPutParams", "compatible")}
    assert "Note: later.json is not known here; only types that stand nowhere else are taken from it." in result.text
    assert "Note: notes.json is not known here and was ignored." in result.text


def test_the_other_surface_helps_out(tmp_path: Path) -> None:
    release = Release()
    schemas = {
        "BlobPutParams": {"type": "object", "properties": {"kind": {"$ref": "#/components/schemas/BlobKind"}}},
        "BlobKind": {"type": "string", "enum": ["a"]},
    }
    release.more["rest-openapi.json"] = {"components": {"schemas": schemas}}
    release.methods.append({"name": "blob/put", "params_type": "BlobPutParams"})
    result = outcome(release, tmp_path)
    assert not result.odd
    assert ("type-added", "BlobKind", "compatible") in result.found
    assert "rest-openapi.json#/components/schemas/BlobKind" in result.text


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("rpc-methods.json", None, "rpc-methods.json missing"),
        ("wire-types.json", None, "wire-types.json missing"),
        ("params.json", '{"A":\n {', "params.json:2: not JSON"),
        ("events.json", "[]", "events.json: an object is expected"),
        ("rpc-methods.json", '{"methods": {}}', "rpc-methods.json#/methods: a list is expected here"),
        ("params.json", "[" * 100_000, "params.json: nested too deeply"),
    ],
)
def test_unusable_input(
    file: str, content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Release().write(tmp_path)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content, "utf-8")
    assert main(["upstream", str(folder)]) == 2
    assert message in capsys.readouterr().err


def test_no_such_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upstream", str(tmp_path / "none")]) == 2
    assert "there is no such directory" in capsys.readouterr().err


JUNK: list[Any] = [
    None, 5, "x", [], {}, True, False, ["a", 1], {"type": "zz"}, {"$ref": "#/nowhere"}, {"$ref": "#"}, {"$ref": 5},
    {"oneOf": []}, {"oneOf": 5}, {"anyOf": [{"type": "null"}]}, {"allOf": [True]}, {"not": {}}, {"type": []},
    {"type": ["string", "integer"]}, {"type": [5]}, {"type": {}}, {"enum": []}, {"enum": [1, None]}, {"const": 1},
    {"properties": 5}, {"type": "object", "properties": {"a": True}, "required": 5}, {"format": {}, "type": "string"},
    {"type": "array", "items": False}, {"oneOf": [{"$ref": "#"}]}, {"anyOf": [{"$ref": "#"}, {"type": "string"}]},
    {"type": "object", "additionalProperties": False}, {"allOf": [{"$ref": "#"}, {"properties": {"a": {}}}]},
]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_published_there_is_a_report(seed: int, tmp_path: Path) -> None:
    folder = Release().write(tmp_path)
    chance = random.Random(seed)
    for path in sorted(folder.iterdir()):
        content = json.loads(path.read_text("utf-8"))
        for _ in range(8):
            spoil(content, chance)
        path.write_text(json.dumps(content), "utf-8")
    try:
        result = outcome_of(folder)
    except UnusableError:
        return
    assert result.work.any
    assert "To do: " in result.text


def spoil(value: Any, chance: random.Random) -> None:
    """Put junk, a doubtful keyword or nothing at all somewhere into a value."""
    while True:
        keys: list[Any] = list(value) if is_object(value) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        inner: Any = value[key]
        if not (is_object(inner) or is_array(inner)) or not inner or chance.random() < 0.2:
            break
        value = inner
    junk = copy.deepcopy(chance.choice(JUNK))
    if chance.random() < 0.3:
        del value[key]
    elif chance.random() < 0.5:
        value[key] = junk
    elif is_array(value):
        value.append(junk)
    else:
        value[chance.choice(["not", "allOf", "oneOf", "$ref", "x-novel", "if"])] = junk
