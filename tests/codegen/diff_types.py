"""Edits of types: of values in place, of fields, of named types."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.codegen.diffing import Case, Document, arm, ref, schemas, struct, thing, union

if TYPE_CHECKING:
    from collections.abc import Callable


def value(before: Any, after: Any, forward: str, backward: str, **types: Any) -> Case:
    """An edit of the schema of a field; ``types`` are there before and after."""

    def start(contract: Document, side: str) -> None:
        schemas(contract).update(copy.deepcopy(types))
        thing(contract, side)["properties"]["value"] = before

    def edit(contract: Document, side: str) -> None:
        thing(contract, side)["properties"]["value"] = after

    return Case(edit, forward, backward, start)


def declared(before: Any, after: Any, forward: str, backward: str, **types: Any) -> Case:
    """An edit of a named type `Subject`, which a field refers to."""

    def start(contract: Document, side: str) -> None:
        schemas(contract).update(copy.deepcopy(types), Subject=copy.deepcopy(before))
        thing(contract, side)["properties"]["value"] = ref("Subject")

    def edit(contract: Document, side: str) -> None:
        schemas(contract)["Subject"] = copy.deepcopy(after)

    return Case(edit, forward, backward, start)


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
ENUM = {"type": "string", "enum": ["a", "b"], "description": "A kind.", "x-module": "things"}
MORE = {**ENUM, "enum": ["a", "b", "c"]}
KIND = {**struct(), "description": "A kind."}
NAME = {"type": "string", "description": "A name.", "x-module": "things"}
ARMS = {"ArmA": arm("type", "a"), "ArmB": arm("type", "b")}
SEVERAL = {"x-untagged": True, "description": "Some form.", "x-module": "things"}
WITH_BASE = {**struct(own=STRING), "allOf": [ref("Base")]}
NESTED = struct(inner=ref("Inner"))
INNER = struct(a=STRING, b=STRING)
CLASSES = {"base": "Event", "unknown": "UnknownEvent"}

VALUES = {
    "null": value(STRING, {"type": ["string", "null"]}, "null-added minor major", "null-removed major minor"),
    "null of a type": value(
        ref("Name"),
        {"anyOf": [ref("Name"), {"type": "null"}]},
        "null-added minor major",
        "null-removed major minor",
        Name=NAME,
    ),
    "another type": value(STRING, INTEGER, "type-changed major major", "type-changed major major"),
    "another type of items": value(
        {"type": "array", "items": STRING},
        {"type": "array", "items": INTEGER},
        "type-changed major major",
        "type-changed major major",
    ),
    "another type of a map's values": value(
        {"type": "object", "additionalProperties": STRING},
        {"type": "object", "additionalProperties": INTEGER},
        "type-changed major major",
        "type-changed major major",
    ),
    "a list of what was one": value(
        STRING, {"type": "array", "items": STRING}, "type-changed major major", "type-changed major major"
    ),
    "an integer becomes a number": value(
        INTEGER, {"type": "number"}, "type-widened minor major", "type-narrowed major minor"
    ),
    "one of several forms": value(
        STRING,
        ref("Forms"),
        "type-widened minor major",
        "type-narrowed major minor",
        Forms={**SEVERAL, "anyOf": [STRING, {"type": "array", "items": STRING}]},
    ),
    "anything": value(STRING, {}, "type-freed minor major", "type-fixed major major"),
    "a struct in place of a map": value(
        {"type": "object", "additionalProperties": {}},
        ref("Base"),
        "type-fixed major major",
        "type-freed minor major",
        Base=struct(a=STRING),
    ),
    "another named type": value(
        ref("Base"),
        ref("Other"),
        "type-replaced major major",
        "type-replaced major major",
        Base=struct(),
        Other=struct(),
    ),
    "another name of the same": value(
        STRING, ref("Name"), "alias-replaced patch patch", "alias-replaced patch patch", Name=NAME
    ),
    "a set becomes free": value(
        ref("Subject"), STRING, "set-opened minor major", "set-closed major minor", Subject=ENUM
    ),
    "a set gets a name": value(
        {"type": "string", "enum": ["a", "b"]},
        ref("Subject"),
        "set-named minor minor",
        "set-unnamed minor major",
        Subject=ENUM,
    ),
    "a value of a set in place": value(
        {"type": "string", "enum": ["a"]},
        {"type": "string", "enum": ["a", "b"]},
        "choice-added minor minor",
        "choice-removed major patch",
    ),
    "a minimum": value(
        INTEGER, {"type": "integer", "minimum": 1}, "minimum-raised major patch", "minimum-lowered minor patch"
    ),
    "a greater minimum": value(
        {"type": "integer", "minimum": 0},
        {"type": "integer", "minimum": 1},
        "minimum-raised major patch",
        "minimum-lowered minor patch",
    ),
    "a maximum": value(
        INTEGER, {"type": "integer", "maximum": 9}, "maximum-lowered major patch", "maximum-raised minor patch"
    ),
    "a length": value(
        STRING, {"type": "string", "minLength": 1}, "length-tightened major patch", "length-loosened minor patch"
    ),
    "a number of items": value(
        {"type": "array", "items": STRING, "maxItems": 8},
        {"type": "array", "items": STRING, "maxItems": 4},
        "length-tightened major patch",
        "length-loosened minor patch",
    ),
    "a range that moves": value(
        {"type": "string", "minLength": 1, "maxLength": 4},
        {"type": "string", "minLength": 2, "maxLength": 8},
        "length-tightened major patch, length-loosened minor patch",
        "length-tightened major patch, length-loosened minor patch",
    ),
    "a format": value(
        STRING, {"type": "string", "format": "uuid"}, "format-added major minor", "format-removed minor major"
    ),
    "another format": value(
        {"type": "string", "format": "uuid"},
        {"type": "string", "format": "uri"},
        "format-changed major major",
        "format-changed major major",
    ),
    "more bits": value(
        {"type": "integer", "format": "uint32"},
        {"type": "integer", "format": "uint64"},
        "number-widened minor minor",
        "number-narrowed major patch",
    ),
    "no limit of bits": value(
        {"type": "integer", "format": "uint32"}, INTEGER, "number-widened minor minor", "number-narrowed major patch"
    ),
    "a default": value(STRING, {**STRING, "default": "x"}, "default-added minor minor", "default-removed minor major"),
    "another default": value(
        {**STRING, "default": "x"},
        {**STRING, "default": "y"},
        "default-changed minor major",
        "default-changed minor major",
    ),
    "false in place of 0": value(
        {"default": 0}, {"default": False}, "default-changed minor major", "default-changed minor major"
    ),
}


def set_field(**properties: Any) -> Callable[[Document, str], None]:
    return lambda contract, side: thing(contract, side)["properties"].update(copy.deepcopy(properties))


def require(contract: Document, side: str) -> None:
    thing(contract, side)["required"] = ["value"]


def add_required(contract: Document, side: str) -> None:
    thing(contract, side)["properties"]["novel"] = STRING
    thing(contract, side)["required"] = ["novel"]


def replace_field(contract: Document, side: str) -> None:
    thing(contract, side)["properties"] = {"value": {**STRING, "description": "Other words."}}


FIELDS = {
    "an optional field": Case(set_field(novel=STRING), "field-added-optional minor minor", "field-removed major major"),
    "a required field": Case(add_required, "field-added-required major minor", "field-removed major major"),
    "a field becomes required": Case(require, "field-required major minor", "field-optional minor major"),
    "another Python name": Case(
        set_field(value={**STRING, "x-python": {"name": "novel"}}),
        "field-renamed major major",
        "field-renamed major major",
    ),
    "a deprecated field": Case(
        set_field(value={**STRING, "deprecated": True}),
        "field-deprecated minor minor",
        "field-undeprecated patch patch",
    ),
    "other words for a field": Case(replace_field, "field-description patch patch", "field-description patch patch"),
}


def add_type(contract: Document, side: str) -> None:
    schemas(contract)["Novel"] = struct()


def receive_what_is_sent(contract: Document, side: str) -> None:
    thing(contract, "received")["properties"]["more"] = ref("Sent")


def send_what_is_received(contract: Document, side: str) -> None:
    thing(contract, "sent")["properties"]["more"] = ref("Received")


TYPES = {
    "a value of an enum": declared(ENUM, MORE, "enum-value-added minor minor", "enum-value-removed major major"),
    "an enum becomes a struct": declared(ENUM, KIND, "type-form major major", "type-form major major"),
    "an arm": declared(
        union("type", a="ArmA", b="ArmB"),
        union("type", a="ArmA", b="ArmB", c="ArmC"),
        "arm-added minor minor",
        "arm-removed major major",
        **ARMS,
        ArmC=arm("type", "c"),
    ),
    "another arm for a tag": declared(
        union("type", a="ArmA", b="ArmB"),
        union("type", a="ArmA", b="ArmC"),
        "arm-replaced major major",
        "arm-replaced major major",
        **ARMS,
        ArmC=arm("type", "b"),
    ),
    "another tag": declared(
        union("type", a="ArmA"), union("kind", a="ArmA"), "tag-renamed major major", "tag-renamed major major", **ARMS
    ),
    "classes of a union": declared(
        union("type", a="ArmA"),
        {**union("type", a="ArmA"), "x-python": {"base": "Event", "unknown": "UnknownEvent"}},
        "union-classes-added minor minor",
        "union-classes-removed major major",
        **ARMS,
    ),
    "other classes of a union": declared(
        {**union("type", a="ArmA"), "x-python": {"base": "Event", "unknown": "UnknownEvent"}},
        {**union("type", a="ArmA"), "x-python": {"base": "Happening", "unknown": "UnknownEvent"}},
        "union-classes major major",
        "union-classes major major",
        **ARMS,
    ),
    "another form": declared(
        {**SEVERAL, "anyOf": [STRING, INTEGER]},
        {**SEVERAL, "anyOf": [STRING, INTEGER, {"type": "array", "items": STRING}]},
        "member-added minor major",
        "member-removed major minor",
    ),
    "another order of forms": declared(
        {**SEVERAL, "anyOf": [STRING, INTEGER]},
        {**SEVERAL, "anyOf": [INTEGER, STRING]},
        "member-order minor minor",
        "member-order minor minor",
    ),
    "a form changes": declared(
        {**SEVERAL, "anyOf": [INTEGER, {"type": "array", "items": STRING}]},
        {**SEVERAL, "anyOf": [INTEGER, {"type": "array", "items": {"type": ["string", "null"]}}]},
        "null-added minor major",
        "null-removed major minor",
    ),
    "a closed struct": declared(
        struct(a=STRING),
        {**struct(a=STRING), "additionalProperties": False},
        "struct-closed major patch",
        "struct-opened minor patch",
    ),
    "exactly one field": declared(
        struct(a=STRING, b=STRING),
        {**struct(a=STRING, b=STRING), "minProperties": 1, "maxProperties": 1},
        "one-field-begun major minor",
        "one-field-ended minor major",
    ),
    "a base": declared(
        {**struct(own=STRING, a=STRING)},
        WITH_BASE,
        "base-added minor minor",
        "base-removed major major",
        Base=struct(a=STRING),
    ),
    "another tag value": declared(
        arm("type", "a"), arm("type", "b"), "struct-tag major major", "struct-tag major major"
    ),
    "a tag at all": declared(struct(), arm("type", "a"), "struct-tag major major", "struct-tag major major"),
    "a tag that was a field": declared(
        struct("type", type={"type": "string", "enum": ["a", "b"]}),
        arm("type", "a"),
        "choice-removed major patch",
        "choice-added minor minor",
    ),
    "the type of a plain value": declared(
        NAME, {**NAME, "type": "integer"}, "type-changed major major", "type-changed major major"
    ),
    "a value further inside": declared(
        NESTED,
        {**NESTED, "x-python": {"reads": {"a": "inner.a"}}},
        "read-added minor minor",
        "read-removed major major",
        Inner=INNER,
    ),
    "another value further inside": declared(
        {**NESTED, "x-python": {"reads": {"a": "inner.a"}}},
        {**NESTED, "x-python": {"reads": {"a": "inner.b"}}},
        "read-changed major major",
        "read-changed major major",
        Inner=INNER,
    ),
    "a field in place of a value further inside": declared(
        {**NESTED, "x-python": {"reads": {"a": "inner.a"}}},
        struct(inner=ref("Inner"), a=STRING),
        "read-changed major major, field-added-optional minor minor",
        "read-added minor minor, field-removed major major",
        Inner=INNER,
    ),
    "what every arm can be asked for": declared(
        {**union("type", a="ArmA"), "x-python": CLASSES},
        {**union("type", a="ArmA"), "x-python": {**CLASSES, "reads": {"type_name": "type"}}},
        "read-added minor minor",
        "read-removed major major",
        **ARMS,
    ),
    "something else that every arm can be asked for": declared(
        {**union("type", a="ArmC"), "x-python": {**CLASSES, "reads": {"a": "inner.a"}}},
        {**union("type", a="ArmC"), "x-python": {**CLASSES, "reads": {"a": "inner.b"}}},
        "read-changed major major",
        "read-changed major major",
        ArmC=arm("type", "a", inner=ref("Inner")),
        Inner=INNER,
    ),
    "the JSON of an unknown arm": declared(
        {**union("type", a="ArmA"), "x-python": CLASSES},
        {**union("type", a="ArmA"), "x-python": {**CLASSES, "raw": "raw"}},
        "read-added minor minor",
        "read-removed major major",
        **ARMS,
    ),
    "a type": Case(
        add_type,
        "type-added minor minor",
        "type-removed major major",
    ),
    "a deprecated type": declared(
        ENUM, {**ENUM, "deprecated": True}, "type-deprecated minor minor", "type-undeprecated patch patch"
    ),
    "other words for a type": declared(
        ENUM, {**ENUM, "description": "Other words."}, "type-description patch patch", "type-description patch patch"
    ),
    "another file for a type": declared(
        ENUM, {**ENUM, "x-module": "others"}, "type-moved patch patch", "type-moved patch patch"
    ),
    "received as well": Case(
        receive_what_is_sent,
        "receiving-begun minor minor, field-added-optional minor minor",
        "receiving-ended major major, field-removed major major",
        sides=("received",),
    ),
    "sent as well": Case(
        send_what_is_received,
        "sending-begun minor minor, field-added-optional minor minor",
        "sending-ended patch patch, field-removed major major",
        sides=("sent",),
    ),
}
