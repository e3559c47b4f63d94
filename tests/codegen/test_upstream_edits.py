"""One edit of what is published at a time: what is told, and with which consequence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.codegen.outcomes import outcome
from tests.codegen.published import Release

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def add_required(schema: dict[str, Any], name: str, field: Any) -> None:
    schema["properties"][name] = field
    schema.setdefault("required", []).append(name)


def remove(schema: dict[str, Any], name: str) -> None:
    del schema["properties"][name]
    schema["required"].remove(name)


def tag_index(release: Release, union: str, tag: str) -> int:
    arms = release.types[union]["oneOf"]
    return next(index for index, arm in enumerate(arms) if arm["properties"]["type"]["const"] == tag)


def rename(release: Release, old: str, new: str) -> None:
    text = json.dumps(release.types).replace(f'"#/$defs/{old}"', f'"#/$defs/{new}"')
    release.types = json.loads(text)
    release.types[new] = release.types.pop(old)
    for names in release.roots.values():
        names[:] = [new if name == old else name for name in names]


def add_method(release: Release) -> None:
    release.methods.append({"name": "blob/put", "params_type": "BlobPutParams", "result_type": "Value"})
    release.types["BlobPutParams"] = {"type": "object", "properties": {"kind": {"$ref": "#/$defs/BlobKind"}}}
    release.types["BlobKind"] = {"type": "string", "enum": ["a"]}
    release.roots["params.json"].append("BlobPutParams")


def make_request(release: Release) -> None:
    release.notifications.remove({"name": "cancel"})
    release.methods.append({"name": "cancel"})


def rename_tag(release: Release) -> None:
    for arm in release.types["WireLiveAdapterStatus"]["oneOf"]:
        arm["properties"]["phase"] = arm["properties"].pop("status")
        arm["required"] = ["phase"]


CASES: dict[str, tuple[Callable[[Release], Any], set[tuple[str, str, str]]]] = {
    "a method appears with its types": (
        add_method,
        {
            ("method-added", "blob/put", "compatible"),
            ("type-added", "BlobPutParams", "compatible"),
            ("type-added", "BlobKind", "compatible"),
        },
    ),
    "a method appears whose types have no schema": (
        lambda r: r.methods.append({"name": "blob/put", "params_type": "BlobPutParams"}),
        {("method-added", "blob/put", "compatible"), ("no-schema", "blob/put", "to be observed")},
    ),
    "a method vanishes": (
        lambda r: r.methods.remove(r.method("models/catalog")),
        {("method-removed", "models/catalog", "breaking")},
    ),
    "a notification appears": (
        lambda r: r.notifications.append({"name": "session/closed"}),
        {("method-added", "session/closed", "compatible")},
    ),
    "a notification becomes a request": (
        make_request,
        {("answer-added", "cancel", "sent: breaking")},
    ),
    "parameters appear where there were none": (
        lambda r: r.method("runtime/health").update(params_type="RealmIdParams"),
        {("param-added-required", "runtime/health.realm_id", "sent: breaking")},
    ),
    "a field appears in what is received": (
        lambda r: r.types["WireRunResult"]["properties"].update(cost={"type": "number"}),
        {("field-added-optional", "RunResult.cost", "received: compatible")},
    ),
    "a field appears that has to be sent": (
        lambda r: add_required(r.types["MobWiringRulesInput"], "depth", {"type": "integer"}),
        {("field-added-required", "MobWiringRulesInput.depth", "sent: breaking")},
    ),
    "a field vanishes from what is received": (
        lambda r: remove(r.types["WireSessionSummary"], "message_count"),
        {("field-removed", "SessionSummary.message_count", "received: breaking")},
    ),
    "a parameter becomes required": (
        lambda r: r.types["HelpRequest"]["required"].append("model"),
        {("param-required", "help/ask.model", "sent: breaking")},
    ),
    "a field of both directions becomes optional": (
        lambda r: r.types["WireContentBlock"]["oneOf"][1].update(required=["type"]),
        {("field-optional", "ImageBlock.media_type", "sent: compatible, received: breaking")},
    ),
    "an enum value appears": (
        lambda r: r.types["WireStopReason"]["enum"].append("refused"),
        {("enum-value-added", "StopReason[refused]", "received: compatible")},
    ),
    "an enum value vanishes": (
        lambda r: r.types["RealtimeTurningMode"]["enum"].remove("explicit_commit"),
        {("enum-value-removed", "RealtimeTurningMode[explicit_commit]", "sent: breaking")},
    ),
    "an event appears": (
        lambda r: r.types["AgentEvent"]["oneOf"].insert(
            3, {"type": "object", "required": ["type"], "properties": {"type": {"const": "dream_started"}}}
        ),
        {("arm-added", "AgentEvent[dream_started]", "received: compatible")},
    ),
    "an event vanishes": (
        lambda r: r.types["AgentEvent"]["oneOf"].pop(tag_index(r, "AgentEvent", "compaction_started")),
        {("arm-removed", "AgentEvent[compaction_started]", "received: breaking")},
    ),
    "a tag is renamed": (
        rename_tag,
        {("tag-renamed", "LiveAdapterStatus", "received: breaking")},
    ),
    "a type changes altogether": (
        lambda r: r.types["LiveTruncateParams"]["properties"].update(content_index={"type": "string"}),
        {("type-changed", "live/truncate.content_index", "sent: breaking")},
    ),
    "null becomes possible": (
        lambda r: r.types["ScheduleIdParams"]["properties"].update(schedule_id={"type": ["string", "null"]}),
        {
            ("null-added", f"schedule/{name}.schedule_id", "sent: compatible")
            for name in ("get", "pause", "resume", "delete")
        },
    ),
    "a limit is tightened": (
        lambda r: r.types["LiveTruncateParams"]["properties"]["audio_played_ms"].update(maximum=1000),
        {("maximum-lowered", "live/truncate.audio_played_ms", "sent: breaking")},
    ),
    "a default changes": (
        lambda r: r.types["McpAddParams"]["properties"]["persisted"].update(default=True),
        {("default-changed", "mcp/add.persisted", "sent: compatible")},
    ),
    "an object of what is sent refuses unknown fields": (
        lambda r: r.types["PeerMeta"].update(additionalProperties=False),
        {("struct-closed", "PeerMeta", "sent: breaking")},
    ),
    "a type is renamed": (
        lambda r: rename(r, "WireModelTier", "ModelTierWire"),
        {("name-changed", "ModelTier", "no effect on the wire")},
    ),
    "a value is listed that no type has": (
        lambda r: r.values["providers"].append("mistral"),
        {("values-changed", "auth-connection-contracts.json#/providers", "to be observed")},
    ),
    "a type changes that the contract leaves open": (
        lambda r: r.types["WireReasoningEffort"]["enum"].append("enormous"),
        {("type-unseen", "WireReasoningEffort", "to be observed")},
    ),
    "a type changes that the contract describes otherwise": (
        lambda r: r.types["MobSpawnManyResultEntry"]["properties"].update(index={"type": "integer"}),
        {("type-form", "MobSpawnManyResultEntry", "received: breaking")},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_difference_is_told_with_its_consequence(case: str, tmp_path: Path) -> None:
    edit, expected = CASES[case]
    release = Release()
    edit(release)
    result = outcome(release, tmp_path)
    assert result.found == expected, result.text
