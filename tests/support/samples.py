"""Values made from the contract's schemas: valid ones, and ones that are wrong in exactly one place.

Knows the schema forms that the contract may use and nothing of the types that are generated from them. Everything is
enumerated in a fixed order, so that a run can be repeated; texts and numbers tell which field they were made for, so
that two fields that are mixed up are noticed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from meerkat._core.codec import is_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema: TypeAlias = "Mapping[str, Any]"

NOVEL: Final = "zz-novel"
"""A tag, value or key that no contract has."""

FREE: Final[list[Any]] = [
    {"nested": {"list": [1, 2.5, None, True, "x"]}, "type": "anything"}, [], {}, "", "text", 0, -1.5, False, None,
]  # fmt: skip
"""Values of free JSON."""

_OF_A_KIND: Final[dict[str, Any]] = {
    "null": None, "boolean": True, "integer": 7, "number": 1.5, "string": "zz-text", "array": [], "object": {},
}  # fmt: skip
_TAKEN_FOR: Final = {
    "boolean": ("integer", "string", "array"),
    "integer": ("number", "boolean", "string"),
    "number": ("boolean", "string", "object"),
    "string": ("integer", "array", "object"),
    "array": ("object", "string", "boolean"),
    "object": ("array", "string", "integer"),
}
"""For each kind of JSON those that are most easily taken for it."""

_TEXTS: Final = {
    "date-time": ("2026-01-02T03:04:05.123456Z", "1970-01-01T00:00:00+00:00"),
    "uuid": ("0190c8f0-0000-7000-8000-000000000001",),
    "uri": ("https://example.org/a?b=c#d",),
    "byte": ("aGVsbG8=", ""),
}
_RANGES: Final = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
_PREFIX: Final = "#/components/schemas/"


@dataclass(frozen=True)
class Fault:
    """A value that is wrong in one place.

    Attributes:
        kind: What is wrong with it.
        where: Where it is wrong, as a path.
        value: The whole value.
    """

    kind: str
    where: str
    value: Any


class EndlessError(Exception):
    """A type that refers to itself cannot be finished on this way."""


def target(schema: Schema) -> str | None:
    """Name of the schema that another one refers to, or ``None`` when it is no reference."""
    ref = schema.get("$ref")
    return ref.removeprefix(_PREFIX) if isinstance(ref, str) else None


def is_struct(schema: Schema) -> bool:
    """Whether a schema is an object with known fields."""
    return "properties" in schema or "allOf" in schema or schema.get("additionalProperties") is False


def tag_of(schema: Schema) -> str | None:
    """Name of the tag of a union's arm, or ``None`` for any other schema."""
    return next((name for name, inner in schema.get("properties", {}).items() if "const" in inner), None)


def split_null(schema: Schema) -> tuple[Schema, bool]:
    """Separate what a schema says from whether it also allows null."""
    kind = schema.get("type")
    if is_array(kind):
        plain: dict[str, Any] = {**schema, "type": kind[0]}
        if "enum" in schema:
            plain["enum"] = [value for value in schema["enum"] if value is not None]
        return plain, True
    members = schema.get("anyOf", [])
    if "x-untagged" not in schema and len(members) == 2 and members[1] == {"type": "null"}:
        return members[0], True
    return schema, False


class Samples:
    """Makes values of the schemas of one document.

    Args:
        schemas: All named schemas.
    """

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    # --- one value ---

    def full(self, schema: Schema, hint: str = "value") -> Any:
        """Return a value with every field, to any depth; only what refers to itself is left out or empty."""
        return self._make(schema, hint, (), 99)

    def minimal(self, schema: Schema, hint: str = "value") -> Any:
        """Return a value with the required fields only."""
        return self._make(schema, hint, (), 0)

    def _make(self, schema: Schema, hint: str, within: tuple[str, ...], depth: int) -> Any:
        name = target(schema)
        if name is not None:
            if name in within:
                raise EndlessError(name)
            return self._make(self._schemas[name], hint, (*within, name), depth)
        plain, nullable = split_null(schema)
        if nullable:
            return self._make(plain, hint, within, depth)
        if "oneOf" in schema or "anyOf" in schema:
            return self._first(schema.get("oneOf") or schema["anyOf"], hint, within, depth)
        if is_struct(schema):
            return self._struct(schema, within, depth)
        match schema.get("type"):
            case "array":
                return self._items(schema, hint, within, depth)
            case "object":
                try:
                    return {f"{hint}-key": self._make(schema["additionalProperties"], hint, within, depth - 1)}
                except EndlessError:
                    return {}
            case _:
                return next(self._scalars(schema, hint))

    def _first(self, members: list[Schema], hint: str, within: tuple[str, ...], depth: int) -> Any:
        for member in members:
            try:
                return self._make(member, hint, within, depth)
            except EndlessError:
                continue
        raise EndlessError(hint)

    def _items(self, schema: Schema, hint: str, within: tuple[str, ...], depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        if depth <= 0 and not least:
            return []
        try:
            return [self._make(schema["items"], hint, within, depth - 1)] * max(least, 1)
        except EndlessError:
            if least:
                raise
            return []

    def _struct(self, schema: Schema, within: tuple[str, ...], depth: int) -> dict[str, Any]:
        fields, required = self.fields(schema)
        value: dict[str, Any] = {}
        for name, inner in fields.items():
            if name not in required and depth <= 0:
                continue
            try:
                value[name] = self._make(inner, name, within, depth - 1)
            except EndlessError:
                if name in required:
                    raise
        if schema.get("maxProperties") == 1:
            first = next(iter(fields))
            return {first: self._make(fields[first], first, within, depth - 1)}
        return value

    def fields(self, schema: Schema) -> tuple[dict[str, Schema], frozenset[str]]:
        """Return the fields of a struct by name, inherited ones first, and the names of those that are required."""
        fields: dict[str, Schema] = {}
        required: set[str] = set()
        for base in schema.get("allOf", []):
            inherited, demanded = self.fields(self._schemas[str(target(base))])
            fields |= inherited
            required |= demanded
        return fields | schema.get("properties", {}), frozenset(required | set(schema.get("required", [])))

    def _scalars(self, schema: Schema, hint: str) -> Iterator[Any]:
        if "const" in schema:
            yield schema["const"]
            return
        if "enum" in schema:
            yield from schema["enum"]
            return
        match schema.get("type"):
            case "string":
                texts = _TEXTS.get(schema.get("format", ""), (f"some {hint}", "", 'é ✓ 𝄞 "\\\n\x00'))
                yield from (text for text in texts if len(text) >= schema.get("minLength", 0))
            case "integer":
                yield from _integers(schema, hint)
            case "number":
                yield from (_number(hint) + 0.5, 0.0, -1e-300, 1.7976931348623157e308, 3)
            case "boolean":
                yield from (True, False)
            case "null":
                yield None
            case _:
                yield from FREE

    # --- many values ---

    def valid(self, schema: Schema, hint: str = "value") -> Iterator[Any]:
        """Yield valid values: every arm, every enum value, every field with its own values, absent and null."""
        name = target(schema)
        if name is not None:
            yield from self.valid(self._schemas[name], hint)
            return
        yield self.full(schema, hint)
        yield self.minimal(schema, hint)
        yield from self._variants(schema, hint)

    def _variants(self, schema: Schema, hint: str) -> Iterator[Any]:
        schema, nullable = split_null(schema)
        if nullable:
            yield None
        if "oneOf" in schema or "anyOf" in schema:
            for member in schema.get("oneOf") or schema["anyOf"]:
                yield self._make(member, hint, (), 1)
                yield self._make(member, hint, (), 0)
        elif is_struct(schema):
            yield from self._structs(schema)
        elif schema.get("type") == "array":
            yield from self._arrays(schema, hint)
        elif schema.get("type") == "object":
            yield {}
            yield {key: self.minimal(schema["additionalProperties"], hint) for key in ("", "k-2", "zz key ✓")}
        elif target(schema) is not None:
            yield from self._referred(schema, hint)
        else:
            yield from self._scalars(schema, hint)

    def _referred(self, schema: Schema, hint: str) -> Iterator[Any]:
        """Yield a few values of a named type; the rest is told where it stands alone."""
        named = self._schemas[str(target(schema))]
        if is_struct(named):
            yield self.minimal(named, hint)
        elif "oneOf" in named:
            for member in named["oneOf"]:
                yield self.minimal(member, hint)
        else:
            yield from self._variants(named, hint)

    def _arrays(self, schema: Schema, hint: str) -> Iterator[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", 99)
        if not least:
            yield []
        items = [self.minimal(schema["items"], hint), *self._variants(schema["items"], hint)]
        for start in range(0, len(items), most):
            part = items[start : start + most]
            yield part + part[:1] * (least - len(part))

    def _structs(self, schema: Schema) -> Iterator[Any]:
        fields, required = self.fields(schema)
        if schema.get("maxProperties") == 1:
            for name, inner in fields.items():
                yield from ({name: value} for value in self._variants(inner, name))
            return
        base = self._struct(schema, (), 1)
        yield base
        for name, inner in fields.items():
            if name not in required:
                yield {key: value for key, value in base.items() if key != name}
                if "default" in inner:
                    yield {**base, name: inner["default"]}
            yield from ({**base, name: value} for value in self._variants(inner, name))

    # --- values that are wrong in one place ---

    def faults(self, schema: Schema, hint: str = "value", depth: int = 2) -> Iterator[Fault]:
        """Yield values that are wrong in exactly one place.

        Args:
            schema: What they break.
            hint: What the valid parts are named after.
            depth: Levels of structs that are entered; of the inner ones one fault of each kind is made.
        """
        name = target(schema)
        if name is not None:
            schema = self._schemas[name]
        schema, nullable = split_null(schema)
        kinds = self.kinds(schema)
        if nullable:
            kinds.add("null")
        yield from _other_kinds(kinds)
        for fault in self._inner_faults(schema, hint, depth):
            if fault.where or fault.kind not in {"null", "kind"}:
                yield fault

    def _inner_faults(self, schema: Schema, hint: str, depth: int) -> Iterator[Fault]:
        if target(schema) is not None:
            yield from self.faults(schema, hint, depth)
        elif "oneOf" in schema:
            if depth > 0:
                yield from self._wrong_arms(schema, hint, depth)
        elif "anyOf" in schema:
            for member in schema["anyOf"]:
                yield from (fault for fault in self.faults(member, hint, depth) if fault.where)
        elif is_struct(schema):
            if depth > 0:
                yield from self._wrong_structs(schema, depth)
        else:
            yield from self._wrong_parts(schema, hint, depth)

    def kinds(self, schema: Schema) -> set[str]:
        """Return the kinds of JSON that a schema takes; ``any`` among them for free JSON."""
        name = target(schema)
        if name is not None:
            return self.kinds(self._schemas[name])
        schema, nullable = split_null(schema)
        if nullable:
            return self.kinds(schema) | {"null"}
        if "anyOf" in schema:
            return {kind for member in schema["anyOf"] for kind in self.kinds(member)}
        if "oneOf" in schema or is_struct(schema):
            return {"object"}
        return {str(schema.get("type", "string" if "const" in schema else "any"))}

    def _wrong_arms(self, schema: Schema, hint: str, depth: int) -> Iterator[Fault]:
        tag = schema["discriminator"]["propertyName"]
        arm = self.minimal(schema["oneOf"][0], hint)
        yield Fault("tag", f".{tag}", {**arm, tag: NOVEL})
        yield Fault("tag", f".{tag}", {**arm, tag: 5})
        yield Fault("tag", f".{tag}", {key: value for key, value in arm.items() if key != tag})
        for member in schema["oneOf"]:
            inner = self.faults(member, hint, depth)
            yield from _one_of_each(fault for fault in inner if fault.where and fault.kind != "tag")

    def _wrong_structs(self, schema: Schema, depth: int) -> Iterator[Fault]:
        fields, required = self.fields(schema)
        tag = tag_of(schema)
        single = schema.get("maxProperties") == 1
        base = {} if single else self._struct(schema, (), 1)
        if single:
            yield Fault("one key", "", {})
            yield Fault("one key", "", {name: self.minimal(inner, name) for name, inner in fields.items()})
        if schema.get("additionalProperties") is False:
            yield Fault("key", f".{NOVEL}", {**base, NOVEL: 1})
        for name, inner in fields.items():
            where = f".{name}"
            if name in required:
                missing = {key: value for key, value in base.items() if key != name}
                yield Fault("tag" if name == tag else "missing", where, missing)
            if name == tag:
                yield Fault("tag", where, {**base, name: NOVEL})
                yield Fault("tag", where, {**base, name: 5})
                continue
            for fault in _few_inside(self.faults(inner, name, depth - 1)):
                null = fault.kind == "null" and not fault.where and name not in required
                kind = "null for absent" if null else fault.kind
                yield Fault(kind, f"{where}{fault.where}", {**base, name: fault.value})

    def _wrong_parts(self, schema: Schema, hint: str, depth: int) -> Iterator[Fault]:
        if "enum" in schema:
            yield Fault("enum", "", NOVEL)
            return
        match schema.get("type"):
            case "array":
                yield from self._wrong_items(schema, hint, depth)
            case "object":
                for fault in self.faults(schema["additionalProperties"], hint, depth):
                    yield Fault(fault.kind, f"['k']{fault.where}", {"k": fault.value})
            case "string" if schema.get("minLength"):
                yield Fault("length", "", "")
            case "integer":
                if "minimum" in schema:
                    yield Fault("limit", "", schema["minimum"] - 1)
                if "maximum" in schema:
                    yield Fault("limit", "", schema["maximum"] + 1)
            case _:
                return

    def _wrong_items(self, schema: Schema, hint: str, depth: int) -> Iterator[Fault]:
        item = self.minimal(schema["items"], hint)
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if least:
            yield Fault("length", "", [item] * (least - 1))
        if most is not None:
            yield Fault("length", "", [item] * (most + 1))
        before = [item] * (least - 1)
        for fault in self.faults(schema["items"], hint, depth):
            yield Fault(fault.kind, f"[{len(before)}]{fault.where}", [*before, fault.value])


def _other_kinds(kinds: set[str]) -> Iterator[Fault]:
    """Yield values of kinds that do not belong."""
    if "any" in kinds:
        return
    others = dict.fromkeys(other for kind in sorted(kinds) for other in _TAKEN_FOR.get(kind, ()))
    for other in others:
        if other not in kinds and not (other == "integer" and "number" in kinds):
            yield Fault("kind", "", _OF_A_KIND[other])
    if "null" not in kinds:
        yield Fault("null", "", None)


def _one_of_each(faults: Iterator[Fault]) -> Iterator[Fault]:
    """Leave one fault of each kind."""
    seen: set[str] = set()
    for fault in faults:
        if fault.kind not in seen:
            seen.add(fault.kind)
            yield fault


def _few_inside(faults: Iterator[Fault]) -> Iterator[Fault]:
    """Leave all faults of a value itself, and one of each kind inside of it."""
    seen: set[str] = set()
    for fault in faults:
        if not fault.where or fault.kind not in seen:
            if fault.where:
                seen.add(fault.kind)
            yield fault


def _number(hint: str) -> int:
    return zlib.crc32(hint.encode()) % 89 + 10


def _integers(schema: Schema, hint: str) -> Iterator[int]:
    low, high = _RANGES.get(schema.get("format", ""), (0, 2**31 - 1))
    low = max(low, schema.get("minimum", low))
    high = min(high, schema.get("maximum", high))
    yield min(low + _number(hint) if low >= 0 else _number(hint), high)
    yield from dict.fromkeys((low, high, 0) if low <= 0 else (low, high))
