"""JSON Schema -> IR: exactly the schema forms that the contract may use, and a problem for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET

from codegen.ir import (
    Alias,
    AnyJson,
    Choice,
    EnumType,
    ListOf,
    MapOf,
    NamedType,
    Nullable,
    Property,
    Read,
    Ref,
    Scalar,
    StructType,
    Tag,
    TaggedUnion,
    Type,
    UntaggedUnion,
)  # fmt: skip
from codegen.names import field_name, is_identifier, member_name
from codegen.problems import pointer
from codegen.raw import is_array, is_object, items, strings, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from codegen.problems import Problems

Path = tuple["str | int", ...]

_NOTES = frozenset({"description", "default", "deprecated", "examples", "x-python", "x-not-secret"})
_NAMED_NOTES = frozenset({"description", "deprecated", "examples", "x-module", "x-upstream-name"})
_SCALAR_KINDS = ("string", "integer", "number", "boolean", "null")
_SCALAR_KEYS = frozenset({"type", "format", "minimum", "maximum", "minLength", "maxLength"})
_FORMATS = {
    "string": frozenset({"date-time", "uuid", "uri", "byte"}),
    "integer": frozenset({"int32", "int64", "uint8", "uint16", "uint32", "uint64"}),
    "number": frozenset({"float", "double"}),
}
_STRUCT_KEYS = frozenset({
    "type", "properties", "required", "additionalProperties", "allOf", "minProperties", "maxProperties",
})  # fmt: skip
_PYTHON_KEYS = {
    "property": frozenset({"name"}),
    "struct": frozenset({"reads"}),
    "union": frozenset({"base", "unknown", "table", "reads", "raw_tag", "raw"}),
}


class Forms:
    """Reads schemas.

    Args:
        names: Names of all schemas, to resolve references.
        problems: Takes what is wrong.
    """

    def __init__(self, names: Iterable[str], problems: Problems) -> None:
        self._names = frozenset(names)
        self._problems = problems

    def wrong(self, rule: str, path: Path, message: str) -> None:
        """Report a problem."""
        self._problems.add(rule, pointer(*path), message)

    def known(self, value: Mapping[str, Any], allowed: frozenset[str], path: Path, what: str) -> None:
        """Report the keys of an object that are not among those allowed."""
        for key in value:
            if key not in allowed:
                self.wrong("unknown-keyword", (*path, key), f"`{key}` is not allowed in {what}")

    # --- types in place ---

    def type(self, schema: Any, path: Path, notes: frozenset[str] = _NOTES) -> Type:
        """Read the schema of a field, an item or a result."""
        if not is_object(schema):
            self.wrong("form", path, "a schema must be an object; free JSON is `{}`")
            return AnyJson()
        if "$ref" in schema:
            self.known(schema, notes | {"$ref"}, path, "a reference")
            return self.ref(schema["$ref"], (*path, "$ref"))
        if "anyOf" in schema:
            return self._nullable_of(schema, path, notes)
        for keyword, advice in (("oneOf", "a tagged union"), ("allOf", "a struct"), ("properties", "a struct")):
            if keyword in schema:
                self.wrong("inline", path, f"{advice} must be a named schema of its own")
                return AnyJson()
        if "const" in schema:
            self.wrong("const", (*path, "const"), "`const` is for the tags of union arms only; use `enum`")
            return AnyJson()
        kind = schema.get("type")
        if is_array(kind):
            return self._nullable_list(schema, path, notes)
        if kind is None:
            self.known(schema, notes, path, "free JSON")
            return AnyJson()
        return self._typed(schema, kind, path, notes)

    def ref(self, target: Any, path: Path) -> Ref:
        """Read a reference."""
        prefix = "#/components/schemas/"
        name = target.removeprefix(prefix) if isinstance(target, str) else ""
        if not isinstance(target, str) or not target.startswith(prefix):
            self.wrong("ref", path, f"a reference must have the form `{prefix}Name`")
        elif name not in self._names:
            self.wrong("ref", path, f"there is no schema `{name}`")
        return Ref(name=name)

    def _typed(self, schema: Mapping[str, Any], kind: Any, path: Path, notes: frozenset[str]) -> Type:
        if "enum" in schema:
            self.known(schema, notes | {"type", "enum"}, path, "an enum")
            return Choice(values=self._values(schema, path))
        if kind in _SCALAR_KINDS:
            self.known(schema, notes | _SCALAR_KEYS, path, f"a schema of type {kind}")
            format_ = schema.get("format")
            if format_ is not None and format_ not in _FORMATS.get(kind, ()):
                self.wrong("format", (*path, "format"), f"the format `{format_}` is not known for {kind}")
            return Scalar(
                kind=kind,
                format=format_,
                minimum=self._limit(schema, "minimum", path),
                maximum=self._limit(schema, "maximum", path),
                min_length=self._length(schema, "minLength", path),
                max_length=self._length(schema, "maxLength", path),
            )
        if kind == "array":
            self.known(schema, notes | {"type", "items", "minItems", "maxItems"}, path, "an array")
            if "items" not in schema:
                self.wrong("form", path, "an array needs `items`; free items are `{}`")
            return ListOf(
                item=self.type(schema.get("items", {}), (*path, "items")),
                min_items=self._length(schema, "minItems", path),
                max_items=self._length(schema, "maxItems", path),
            )
        if kind == "object":
            self.known(schema, notes | {"type", "additionalProperties"}, path, "a map")
            return MapOf(value=self._map_value(schema, path))
        self.wrong("form", (*path, "type"), f"`{kind}` is no type")
        return AnyJson()

    def _limit(self, schema: Mapping[str, Any], key: str, path: Path) -> int | float | None:
        limit: Any = schema.get(key)
        if limit is None or (isinstance(limit, int | float) and not isinstance(limit, bool)):
            return limit
        self.wrong("form", (*path, key), f"`{key}` is a number")
        return None

    def _length(self, schema: Mapping[str, Any], key: str, path: Path) -> int | None:
        length = self._limit(schema, key, path)
        if length is None or (isinstance(length, int) and length >= 0):
            return length
        self.wrong("form", (*path, key), f"`{key}` is a whole number from 0 on")
        return None

    def _map_value(self, schema: Mapping[str, Any], path: Path) -> Type:
        if not is_object(schema.get("additionalProperties")):
            self.wrong("form", path, "an object without properties needs `additionalProperties: <schema>`")
            return AnyJson()
        return self.type(schema["additionalProperties"], (*path, "additionalProperties"))

    def _nullable_of(self, schema: Mapping[str, Any], path: Path, notes: frozenset[str]) -> Type:
        self.known(schema, notes | {"anyOf"}, path, "a nullable type")
        members = items(schema["anyOf"])
        if len(members) != 2 or members[1] != {"type": "null"}:
            self.wrong("nullable", (*path, "anyOf"), "`anyOf` in place is one schema and `{type: 'null'}`")
            return AnyJson()
        return _nullable(self.type(members[0], (*path, "anyOf", 0)))

    def _nullable_list(self, schema: Mapping[str, Any], path: Path, notes: frozenset[str]) -> Type:
        kinds: list[Any] = schema["type"]
        if len(kinds) != 2 or kinds[1] != "null" or not isinstance(kinds[0], str) or kinds[0] == "null":
            self.wrong("nullable", (*path, "type"), "a list of types is `[<type>, 'null']`")
            return AnyJson()
        plain = {**schema, "type": kinds[0]}
        if "enum" in schema:
            values = items(schema["enum"])
            if None not in values:
                self.wrong("nullable", (*path, "enum"), "the values of a nullable enum must contain null")
            plain["enum"] = [value for value in values if value is not None]
        return _nullable(self.type(plain, path, notes))

    def _values(self, schema: Mapping[str, Any], path: Path) -> tuple[str, ...]:
        if schema.get("type") != "string":
            self.wrong("enum", path, "an enum has `type: string`")
        values = strings(schema["enum"])
        if not values or values != schema["enum"]:
            self.wrong("enum", (*path, "enum"), "the values of an enum are strings, at least one")
        if len(set(values)) != len(values):
            self.wrong("enum", (*path, "enum"), "a value stands here twice")
        return tuple(values)

    # --- named types ---

    def named(self, name: str, schema: Mapping[str, Any], path: Path) -> NamedType:
        """Read a schema of ``components/schemas``."""
        common: dict[str, Any] = {
            "name": name,
            "module": schema["x-module"],
            "pointer": pointer(*path),
            "description": _text(schema.get("description")),
            "deprecated": schema.get("deprecated") is True,
        }
        if "oneOf" in schema:
            return self._tagged(schema, path, common)
        if "x-untagged" in schema:
            return self._untagged(schema, path, common)
        if schema.get("type") == "string" and "enum" in schema:
            self.known(schema, _NAMED_NOTES | {"type", "enum"}, path, "an enum")
            return EnumType(**common, values=self._members(schema, path))
        if "properties" in schema or "allOf" in schema or schema.get("additionalProperties") is False:
            return self._struct(schema, path, common)
        return Alias(**common, type=self.type(schema, path, _NAMED_NOTES))

    def _members(self, schema: Mapping[str, Any], path: Path) -> tuple[tuple[str, str], ...]:
        members: dict[str, str] = {}
        for value in self._values(schema, path):
            member = member_name(value)
            if not is_identifier(member):
                self.wrong("member-name", (*path, "enum"), f"the value `{value}` gives no member name")
            elif member in members:
                self.wrong(
                    "member-name", (*path, "enum"), f"`{value}` and `{members[member]}` both give the member {member}"
                )
            members.setdefault(member, value)
        return tuple((value, member) for member, value in members.items())

    def _tagged(self, schema: Mapping[str, Any], path: Path, common: dict[str, Any]) -> TaggedUnion:
        self.known(schema, _NAMED_NOTES | {"oneOf", "discriminator", "x-python"}, path, "a tagged union")
        arms: list[str] = []
        for index, arm in enumerate(items(schema["oneOf"])):
            if is_object(arm) and set(arm) == {"$ref"}:
                arms.append(self.ref(arm["$ref"], (*path, "oneOf", index, "$ref")).name)
            else:
                self.wrong("inline", (*path, "oneOf", index), "an arm is a `$ref` to a named struct and nothing else")
        discriminator: Any = schema.get("discriminator")
        if not is_object(discriminator) or set(discriminator) != {"propertyName", "mapping"}:
            self.wrong("discriminator", path, "a tagged union needs `discriminator: {propertyName, mapping}`")
            return TaggedUnion(**common, tag="", arms=())
        mapping: dict[str, str] = {}
        listed: dict[str, Any] = discriminator["mapping"] if is_object(discriminator["mapping"]) else {}
        for tag, target in listed.items():
            mapping[tag] = self.ref(target, (*path, "discriminator", "mapping", tag)).name
        if sorted(mapping.values()) != sorted(arms):
            odd = ", ".join(sorted(set(mapping.values()) ^ set(arms))) or "an arm is there twice"
            self.wrong("discriminator", (*path, "discriminator", "mapping"), f"mapping and `oneOf` differ: {odd}")
        tags = {target: tag for tag, target in mapping.items()}
        python = self._python(schema, path, "union")
        return TaggedUnion(
            **common,
            tag=str(discriminator["propertyName"]),
            arms=tuple((tags[arm], arm) for arm in arms if arm in tags),
            base=text(python.get("base")),
            unknown=text(python.get("unknown")),
            table=python.get("table") is True,
            reads=_reads(python),
            raw_tag=text(python.get("raw_tag")),
            raw=text(python.get("raw")),
        )

    def _untagged(self, schema: Mapping[str, Any], path: Path, common: dict[str, Any]) -> UntaggedUnion:
        self.known(schema, _NAMED_NOTES | {"anyOf", "x-untagged"}, path, "an untagged union")
        members = items(schema.get("anyOf"))
        if len(members) < 2 or schema["x-untagged"] is not True:
            self.wrong(
                "untagged", path, "an untagged union is `x-untagged: true` and an `anyOf` of at least two members"
            )
            return UntaggedUnion(**common, members=())
        return UntaggedUnion(
            **common, members=tuple(self.type(item, (*path, "anyOf", index)) for index, item in enumerate(members))
        )

    def _struct(self, schema: Mapping[str, Any], path: Path, common: dict[str, Any]) -> StructType:
        self.known(schema, _NAMED_NOTES | _STRUCT_KEYS | {"x-python"}, path, "a struct")
        if schema.get("type", "object" if "allOf" in schema else None) != "object":
            self.wrong("struct", path, "a struct has `type: object`")
        extra = schema.get("additionalProperties")
        if extra is not None and extra is not False:
            self.wrong("struct", (*path, "additionalProperties"), "a struct is open or `additionalProperties: false`")
        limits = schema.get("minProperties"), schema.get("maxProperties")
        if limits not in ((None, None), (1, 1)):
            self.wrong("struct", path, "`minProperties` and `maxProperties` are both 1 or both absent")
        fields: dict[str, Any] = schema["properties"] if is_object(schema.get("properties")) else {}
        required = strings(schema.get("required", []))
        for name in required:
            if name not in fields:
                self.wrong("required", (*path, "required"), f"`{name}` is required and no property")
        tag, own = self._split_tag(fields, required, path)
        order = [*(name for name in required if name in own), *(name for name in own if name not in required)]
        properties = tuple(
            self.property(name, own[name], (*path, "properties", name), required=name in required) for name in order
        )
        self._distinct(properties, tag, path)
        if limits == (1, 1) and (required or not properties):
            self.wrong("struct", path, "where exactly one field is present, none can be required")
        return StructType(
            **common,
            properties=properties,
            base=self._base(schema, path),
            tag=tag,
            closed=extra is False,
            exactly_one=limits == (1, 1),
            reads=_reads(self._python(schema, path, "struct")),
        )

    def _split_tag(self, fields: dict[str, Any], required: list[str], path: Path) -> tuple[Tag | None, dict[str, Any]]:
        tag: Tag | None = None
        own: dict[str, Any] = {}
        for name, schema in fields.items():
            if not (is_object(schema) and "const" in schema):
                own[name] = schema
                continue
            where = (*path, "properties", name)
            self.known(schema, frozenset({"const", "type", "description", "x-python"}), where, "a tag")
            if not isinstance(schema["const"], str):
                self.wrong("tag", where, "a tag is a string")
            elif tag is not None:
                self.wrong(
                    "tag", where, f"`{tag.wire}` is a tag already; merge the arms and make the second an `enum` field"
                )
            else:
                tag = Tag(wire=name, python=self._field_name(name, schema, where), value=schema["const"])
            if name not in required:
                self.wrong("tag", where, f"the tag `{name}` must be required")
        return tag, own

    def _base(self, schema: Mapping[str, Any], path: Path) -> str | None:
        if "allOf" not in schema:
            return None
        match schema["allOf"]:
            case [{"$ref": base, **others}] if not others:
                return self.ref(base, (*path, "allOf", 0, "$ref")).name
            case _:
                pass
        self.wrong("inheritance", (*path, "allOf"), "`allOf` is for inheritance: exactly one `$ref`")
        return None

    # --- fields ---

    def property(self, wire: str, schema: Any, path: Path, *, required: bool) -> Property:
        """Read a property of a struct."""
        notes: dict[str, Any] = schema if is_object(schema) else {}
        default = notes.get("default", UNSET)
        return Property(
            wire=wire,
            python=self._field_name(wire, notes, path),
            type=self.type(schema, path),
            required=required,
            pointer=pointer(*path),
            description=_text(notes.get("description")),
            default=default,
            deprecated=notes.get("deprecated") is True,
            not_secret=_text(notes.get("x-not-secret")),
        )

    def param(self, descriptor: Mapping[str, Any], path: Path) -> Property:
        """Read a content descriptor of a method's parameters."""
        wire = str(descriptor.get("name", ""))
        inner = self.property(wire, descriptor.get("schema"), (*path, "schema"), required=False)
        required = descriptor.get("required", False) is True
        return Property(
            wire=wire,
            python=self._field_name(wire, descriptor, path) if "x-python" in descriptor else inner.python,
            type=inner.type,
            required=required,
            pointer=pointer(*path),
            description=_text(descriptor.get("description")) or inner.description,
            default=inner.default,
            deprecated=descriptor.get("deprecated") is True or inner.deprecated,
            not_secret=_text(descriptor.get("x-not-secret")),
        )

    def _field_name(self, wire: str, notes: Mapping[str, Any], path: Path) -> str:
        name = text(self._python(notes, path, "property").get("name")) or field_name(wire)
        if not is_identifier(name) or name.startswith("_"):
            self.wrong("field-name", path, f"`{wire}` gives the Python name `{name}`; choose one with `x-python`")
        return name

    def _python(
        self, notes: Mapping[str, Any], path: Path, what: Literal["property", "struct", "union"]
    ) -> dict[str, Any]:
        hints: Any = notes.get("x-python", {})
        if not is_object(hints):
            self.wrong("extension", (*path, "x-python"), "`x-python` is an object")
            return {}
        self.known(hints, _PYTHON_KEYS[what], (*path, "x-python"), f"the `x-python` of a {what}")
        return hints

    def _distinct(self, properties: tuple[Property, ...], tag: Tag | None, path: Path) -> None:
        seen: dict[str, str] = {tag.python: tag.wire} if tag else {}
        for item in properties:
            if item.python in seen:
                self.wrong("field-name", path, f"`{item.wire}` and `{seen[item.python]}` are both `{item.python}`")
            seen.setdefault(item.python, item.wire)


def _nullable(inner: Type) -> Type:
    return inner if isinstance(inner, AnyJson) else Nullable(inner=inner)


def _reads(python: Mapping[str, Any]) -> tuple[Read, ...]:
    listed: Any = python.get("reads")
    if not is_object(listed):
        return ()
    return tuple(Read(name=name, path=tuple(str(path).split("."))) for name, path in listed.items())


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
