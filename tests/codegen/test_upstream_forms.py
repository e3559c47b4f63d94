"""Published schemas as types: every form that generators of schemas write, brought to one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from codegen.diff.describe import describe
from codegen.ir import Alias, EnumType, StructType, TaggedUnion, UntaggedUnion
from codegen.upstream.folder import Folder
from codegen.upstream.published import Published
from codegen.upstream.shapes import Shapes
from tests.codegen.pack_published import pack, text_of
from tests.codegen.published import Release

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.ir import NamedType, Type

STRING = {"type": "string"}
NUMBERED = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


def tagged(tag: str, value: str, **fields: Any) -> dict[str, Any]:
    properties = {tag: {"type": "string", "const": value}, **fields}
    return {"type": "object", "required": [tag], "properties": properties}


def keyed(key: str, value: Any) -> dict[str, Any]:
    return {"type": "object", "required": [key], "properties": {key: value}, "additionalProperties": False}


class Spelling:
    """Types as text, with those that have no name of their own spelt out."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes

    def named(self, named: NamedType) -> str:
        match named:
            case StructType():
                fields = [f"{f.wire}{'' if f.required else '?'}: {self.type(f.type)}" for f in named.properties]
                if named.tag is not None:
                    fields.insert(0, f"{named.tag.wire}={named.tag.value}")
                kind = "one of " if named.exactly_one else "closed " if named.closed else ""
                return f"{kind}<{', '.join(fields)}>"
            case EnumType(values=values):
                return f"enum({', '.join(value for value, _ in values)})"
            case TaggedUnion(tag=tag, arms=arms):
                return f"by {tag}: {' or '.join(self.named(self.shapes[arm]) for _, arm in arms)}"
            case UntaggedUnion(members=members):
                return " or ".join(self.type(member) for member in members)
            case Alias(type=type_):
                return self.type(type_)

    def type(self, type_: Type) -> str:
        return describe(type_, self.label)

    def label(self, key: str) -> str:
        return self.shapes.labels[key] if self.shapes.is_definition(key) else f"({self.named(self.shapes[key])})"


def spelt(tmp_path: Path, schema: Any, **types: Any) -> tuple[str, Shapes]:
    files: dict[str, Any] = {
        "rpc-methods.json": {"methods": [], "notifications": []},
        "params.json": {"Subject": {**schema, "$defs": types} if isinstance(schema, dict) else schema},
        "wire-types.json": {},
        "events.json": {},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content), "utf-8")
    shapes = Shapes(Published(Folder(tmp_path)), {})
    definition = shapes.published.named("Subject")
    assert definition is not None
    return Spelling(shapes).named(shapes[shapes.ref(definition).name]), shapes


FORMS: dict[str, tuple[Any, str]] = {
    "anything": ({}, "any JSON"),
    "anything, said with true": (True, "any JSON"),
    "a newtype": ({"type": "string", "format": "uuid"}, "string (uuid)"),
    "an integer of no known width": ({"type": "integer", "format": "uint", "minimum": 0}, "integer"),
    "a free object": ({"type": "object"}, "{any JSON}"),
    "a map": ({"type": "object", "additionalProperties": STRING}, "{string}"),
    "a map with keys of a pattern": (
        {"type": "object", "patternProperties": {"^[0-9]+$": STRING}, "additionalProperties": False},
        "{string}",
    ),
    "an array": ({"type": "array", "items": {"type": ["integer", "null"]}}, "[integer | null]"),
    "an array of anything": ({"type": "array"}, "[any JSON]"),
    "a struct": (
        {"type": "object", "required": ["a"], "properties": {"a": STRING, "b": {"type": "boolean"}}},
        "<a: string, b?: boolean>",
    ),
    "an empty closed struct": ({"type": "object", "additionalProperties": False}, "closed <>"),
    "a struct in place": (
        {"type": "object", "required": ["a"], "properties": {"a": NUMBERED}},
        "<a: (<n: integer>)>",
    ),
    "null by a list of types": (
        {"type": "object", "required": ["a"], "properties": {"a": {"type": ["string", "null"]}}},
        "<a: string | null>",
    ),
    "null beside a reference": (
        {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#/$defs/Other"}, {"type": "null"}]}}},
        "<a?: Other | null>",
    ),
    "null in a set": (
        {"type": "object", "properties": {"a": {"type": ["string", "null"], "enum": ["x", None]}}},
        '<a?: "x" | null>',
    ),
    "null as OpenAPI has it": (
        {"type": "object", "properties": {"a": {"type": "string", "nullable": True}}},
        "<a?: string | null>",
    ),
    "a reference with a description": (
        {"type": "object", "properties": {"a": {"allOf": [{"$ref": "#/$defs/Other"}], "default": {}}}},
        "<a?: Other>",
    ),
    "an enum": ({"type": "string", "enum": ["a", "b"]}, "enum(a, b)"),
    "an enum of constants": ({"oneOf": [{"const": "a"}, {"type": "string", "const": "b"}]}, "enum(a, b)"),
    "an enum of enums and constants": ({"oneOf": [{"enum": ["a", "b"]}, {"const": "c"}]}, "enum(a, b, c)"),
    "a union by tag": (
        {"oneOf": [tagged("kind", "a", x=STRING), tagged("kind", "b")]},
        "by kind: <kind=a, x?: string> or <kind=b>",
    ),
    "a union of one arm": ({"oneOf": [tagged("kind", "a")]}, "by kind: <kind=a>"),
    "an arm that is a reference": (
        {"oneOf": [{"$ref": "#/$defs/Arm"}, tagged("kind", "b")]},
        "by kind: <kind=arm, n?: integer> or <kind=b>",
    ),
    "an arm that is a reference with a tag beside it": (
        {"oneOf": [{**tagged("kind", "a"), "$ref": "#/$defs/Other"}, tagged("kind", "b")]},
        "by kind: <kind=a, n: integer> or <kind=b>",
    ),
    "an arm with an object below it": (
        {"oneOf": [tagged("kind", "a", data=NUMBERED), tagged("kind", "b", data=STRING)]},
        "by kind: <kind=a, data?: (<n: integer>)> or <kind=b, data?: string>",
    ),
    "of several constants the one that differs is the tag": (
        {"oneOf": [tagged("kind", "a", version={"const": "1"}), tagged("kind", "b", version={"const": "1"})]},
        'by kind: <kind=a, version?: "1"> or <kind=b, version?: "1">',
    ),
    "two levels of tags": (
        {
            "oneOf": [
                tagged("type", "text", text=STRING),
                {
                    **tagged("type", "image"),
                    "oneOf": [tagged("source", "inline", data=STRING), tagged("source", "blob", id=STRING)],
                },
            ]
        },
        'by type: <type=text, text?: string> or <type=image, source: "inline" | "blob", data?: string, id?: string>',
    ),
    "a union of references to unions": (
        {"oneOf": [{**tagged("to", "here"), "$ref": "#/$defs/Kinds"}, tagged("to", "there")]},
        'by to: <to=here, kind: "a" | "b", x?: string> or <to=there>',
    ),
    "a union by key": (
        {"oneOf": [keyed("one", STRING), keyed("two", {"type": "integer"})]},
        "one of <one?: string, two?: integer>",
    ),
    "a union by key beside strings": (
        {"oneOf": [{"type": "string", "const": "all"}, keyed("only", {"type": "array", "items": STRING})]},
        '(one of <only?: [string]>) or "all"',
    ),
    "a union of unlike things": ({"anyOf": [STRING, {"type": "array", "items": STRING}]}, "string or [string]"),
    "a union by several types": ({"type": ["string", "integer"]}, "string or integer"),
    "a union of named structs": (
        {"anyOf": [{"$ref": "#/$defs/Other"}, {"$ref": "#/$defs/Kinds"}]},
        "Other or Kinds",
    ),
    "fields shared by untagged forms": (
        {
            "type": "object",
            "required": ["name"],
            "properties": {"name": STRING},
            "anyOf": [{"$ref": "#/$defs/Other"}, keyed("url", STRING)],
        },
        "(<name: string, n: integer>) or (closed <name: string, url: string>)",
    ),
    "inheritance": (
        {"allOf": [{"$ref": "#/$defs/Other"}, {"type": "object", "properties": {"m": STRING}}]},
        "<n: integer, m?: string>",
    ),
    "a struct or null": (
        {"anyOf": [{"type": "object", "required": ["a"], "properties": {"a": STRING}}, {"type": "null"}]},
        "(<a: string>) | null",
    ),
    "inheritance that is closed": (
        {"allOf": [{"$ref": "#/$defs/Other"}, {"properties": {"m": STRING}}], "unevaluatedProperties": False},
        "closed <n: integer, m?: string>",
    ),
    "itself": (
        {"type": "object", "properties": {"parts": {"type": "array", "items": {"$ref": "#"}}}},
        "<parts?: [Subject]>",
    ),
    "limits that are excluded": ({"type": "integer", "exclusiveMinimum": 0}, "integer"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_understood(form: str, tmp_path: Path) -> None:
    schema, expected = FORMS[form]
    others = {
        "Other": NUMBERED,
        "Arm": tagged("kind", "arm", n={"type": "integer"}),
        "Kinds": {"oneOf": [tagged("kind", "a", x=STRING), tagged("kind", "b")]},
    }
    text, shapes = spelt(tmp_path, schema, **others)
    assert text == expected
    assert not shapes.oddities


ODD: dict[str, tuple[Any, str, str]] = {
    "a schema that nothing satisfies": (
        {"type": "object", "properties": {"a": False}},
        "/Subject/properties/a",
        "this is no schema that a value could satisfy",
    ),
    "a keyword": (
        {"type": "object", "properties": {"a": {"not": {}}}},
        "/Subject/properties/a/not",
        "the keyword `not` is not known here",
    ),
    "a keyword of an arm": (
        {"oneOf": [{**tagged("kind", "a"), "if": {}}]},
        "/Subject/oneOf/0/if",
        "the keyword `if` is not known here",
    ),
    "a reference to nowhere": (
        {"type": "array", "items": {"$ref": "elsewhere.json#/A"}},
        "/Subject/items",
        "the reference `elsewhere.json#/A` leads nowhere",
    ),
    "forms of one tag value that disagree": (
        {
            "oneOf": [
                {**tagged("t", "a"), "oneOf": [tagged("s", "x", v=STRING), tagged("s", "y", v=NUMBERED)]},
                tagged("t", "b"),
            ]
        },
        "/Subject/oneOf/0/properties/v",
        "the forms of one tag value give this field different types",
    ),
    "several kinds of keys": (
        {"type": "object", "properties": {"a": {"type": "object", "patternProperties": {"a": STRING, "b": STRING}}}},
        "/Subject/properties/a",
        "an object with several kinds of keys is not known here",
    ),
    "a set of numbers": ({"enum": [1, 2]}, "/Subject", "a set of values that are not all strings is not known here"),
}


@pytest.mark.parametrize("form", ODD)
def test_each_unknown_form_is_told(form: str, tmp_path: Path) -> None:
    schema, where, message = ODD[form]
    _, shapes = spelt(tmp_path, schema)
    assert (f"params.json#{where}", message) in shapes.oddities


def test_an_excluded_limit_counts_as_the_next_one(tmp_path: Path) -> None:
    _, shapes = spelt(tmp_path, {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10})
    (alias,) = (shapes[key] for key in shapes)
    assert isinstance(alias, Alias)
    assert (alias.type.minimum, alias.type.maximum) == (1, 9)  # type: ignore[union-attr] # it is a scalar


def test_names_of_places_outlast_new_arms(tmp_path: Path) -> None:
    arms = [tagged("kind", "a", x=STRING), tagged("kind", "b", y=STRING)]
    places: list[str] = []
    for index, schema in enumerate(({"oneOf": arms}, {"oneOf": [tagged("kind", "c"), *arms]})):
        directory = tmp_path / str(index)
        directory.mkdir()
        _, shapes = spelt(directory, schema)
        places.append(shapes.place_of("Subject/oneOf/b/properties/y"))
    assert places == ["params.json#/Subject/oneOf/1/properties/y", "params.json#/Subject/oneOf/2/properties/y"]


@pytest.mark.parametrize("version", ["0.6.5", "0.6.6"])
def test_a_folder_survives_being_packed(version: str, tmp_path: Path) -> None:
    release = Release(version)
    folder = release.write(tmp_path)
    path = folder / "wire-types.json"
    spoken = json.loads(path.read_text("utf-8"))
    result = spoken["WireRunResult"]
    result.update(title="Result", description="What a run comes to.")
    result["properties"]["text"]["description"] = "What was said."
    result["properties"]["title"] = {"type": "string"}
    path.write_text(json.dumps(spoken), "utf-8")
    packed = json.loads(text_of(pack(folder)))
    release.types["WireRunResult"]["properties"]["title"] = {"type": "string"}
    assert packed["types"] == release.types
    assert packed["roots"] == release.roots
    assert (packed["methods"], packed["notifications"]) == (release.methods, release.notifications)
    assert (packed["values"], packed["odd"]) == (release.values, release.odd)
    assert packed["other"].keys() == {"CapabilityId"}
