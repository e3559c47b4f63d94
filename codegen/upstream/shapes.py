"""Published JSON Schema -> IR, so that it can be compared with the contract.

Only what is asked for is converted. A form that is not known is remembered as an oddity and stands for any JSON value;
nothing here fails on what a later version may publish.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from codegen.ir import Alias, AnyJson, Choice, EnumType, ListOf, MapOf, NamedType, Nullable, Property, Ref, Scalar, Type
from codegen.raw import is_array, is_object, items, strings
from codegen.upstream.folder import Oddity
from codegen.upstream.unions import Unions
from codegen.upstream.views import Views

if TYPE_CHECKING:
    from codegen.upstream.published import Definition, Published, Spot

_ANNOTATIONS: Final = frozenset({
    "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "example", "examples",
    "deprecated", "readOnly", "writeOnly", "externalDocs", "contentEncoding", "contentMediaType", "discriminator",
})  # fmt: skip
_COMPARED: Final = frozenset({
    "$ref", "type", "enum", "const", "oneOf", "anyOf", "allOf", "properties", "required", "additionalProperties",
    "items", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "minItems", "maxItems", "nullable", "patternProperties",
})  # fmt: skip
# Nothing in a type of the package could follow them.
_OVERLOOKED: Final = frozenset({"uniqueItems", "minProperties", "maxProperties", "unevaluatedProperties"})
_COMPOSED: Final = frozenset({"properties", "allOf", "$ref"})
_PART: Final = "#"
_KINDS: Final = frozenset({"string", "integer", "number", "boolean"})
# The contract keeps the formats that mean something to a reader; the others are widths of integers in the runtime.
_FORMATS: Final = frozenset({
    "date-time", "uuid", "uri", "byte", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
})  # fmt: skip


class Shapes(Mapping[str, NamedType]):
    """The published types as IR, by the place they stand in (see `Spot.key`).

    Args:
        published: The definitions.
        tags: Tag of a union by published name, where it is known.

    Attributes:
        oddities: Forms that are not known.
        labels: How people call a type, by key.
        places: File and pointer of every name of a spot that was met.
        missing: Stands for a type that is named but has no schema.
    """

    def __init__(self, published: Published, tags: Mapping[str, str]) -> None:
        self.published = published
        self.oddities: dict[Oddity, None] = {}
        self.labels: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.missing = AnyJson()
        self.tags = tags
        self._types: dict[str, NamedType] = {}
        self._pending: dict[str, Definition] = {}
        self._making: set[str] = set()
        self.views = Views(self)
        self._unions = Unions(self)

    def __getitem__(self, key: str) -> NamedType:
        if key not in self._types:
            schema, spot = self._pending[key]
            # What refers to itself while it is converted sees a plain value.
            self._types[key] = Alias(name=key, module="", pointer=spot.name, type=AnyJson())
            self._types[key] = self._named(schema, spot)
        return self._types[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pending)

    def __len__(self) -> int:
        return len(self._pending)

    def is_definition(self, key: str) -> bool:
        """Whether a key is that of a definition, and not of a part of one."""
        return key in self._pending

    def ref(self, definition: Definition) -> Ref:
        """Return a reference to a definition, which is converted when it is looked at."""
        key = definition.spot.key
        self._pending.setdefault(key, definition)
        self.meet(definition.spot)
        self.labels.setdefault(key, definition.spot.name)
        return Ref(name=key)

    def put(self, spot: Spot, named: NamedType, label: str) -> Ref:
        """Keep a type that was made, and return a reference to it."""
        self._types[named.name] = named
        self.labels.setdefault(named.name, label)
        self.meet(spot)
        return Ref(name=named.name)

    def part(self, spot: Spot, make: Callable[[], NamedType]) -> Ref:
        """Return a reference to a type that stands in place; it is made once, and may contain itself."""
        # A definition at the same place is another type: this one, or null, for example.
        key = f"{spot.key}{_PART}" if spot.key in self._pending else spot.key
        self.labels.setdefault(key, spot.name)
        if key not in self._types and key not in self._making:
            self._making.add(key)
            named = make()
            self._making.remove(key)
            self.put(spot, msgspec.structs.replace(named, name=key), spot.name)
        return Ref(name=key)

    def odd(self, spot: Spot, message: str) -> None:
        """Remember a form that is not known."""
        self.oddities.setdefault(Oddity(spot.key, message))

    def meet(self, spot: Spot) -> None:
        """Remember where a spot is."""
        self.places.setdefault(spot.name, spot.key)

    def place_of(self, name: str) -> str:
        """Return file and pointer of the name of a spot, or of the nearest spot around it that was met."""
        found = name
        while found not in self.places and "/" in found:
            found = found.rpartition("/")[0]
        return self.places.get(found, name)

    # --- types in place ---

    def type(self, schema: Any, spot: Spot) -> Type:
        """Convert the schema of a field or an item."""
        self.meet(spot)
        if schema is True:
            return AnyJson()
        if not is_object(schema):
            self.odd(spot, "this is no schema that a value could satisfy")
            return AnyJson()
        self.check(schema, spot)
        plain = {key: value for key, value in schema.items() if key in _COMPARED}
        if plain.pop("nullable", False) is True:
            return _nullable(self.type(plain, spot))
        # `allOf` with one member is how a reference gets a description or a default.
        if set(plain) == {"allOf"} and len(items(plain["allOf"])) == 1:
            return self.type(plain["allOf"][0], spot)
        if "$ref" in plain and set(plain) <= {"$ref", "type"}:
            return self._reference(plain["$ref"], spot)
        alternatives = self._alternatives(plain)
        if alternatives is not None:
            return self._either(plain, alternatives, spot)
        kind = plain.get("type")
        if is_array(kind) and strings(kind) == kind and kind:
            return self._kinds(plain, strings(kind), spot)
        if "enum" in plain or "const" in plain:
            return self._set(plain, spot)
        return self._typed(plain, kind, spot)

    def _typed(self, schema: dict[str, Any], kind: Any, spot: Spot) -> Type:
        if isinstance(kind, str) and kind in _KINDS:
            return _scalar(schema, kind)
        if kind == "array" or (kind is None and "items" in schema):
            item = self.type(schema.get("items", True), spot.down("items"))
            return ListOf(item=item, min_items=_whole(schema.get("minItems")), max_items=_whole(schema.get("maxItems")))
        if kind in ("object", None) and not _COMPOSED.isdisjoint(schema):
            return self._struct_in_place(schema, spot)
        if kind == "object":
            return self._map(schema, spot)
        if kind is not None:
            self.odd(spot, f"`type: {kind}` is not known here")
        return AnyJson()

    def _struct_in_place(self, schema: dict[str, Any], spot: Spot) -> Type:
        views = self.views.of(schema, spot)
        if views is None or len(views) != 1:
            self.odd(spot, "an object of this form is not known here")
            return AnyJson()
        view = views[0]
        return self.part(spot, lambda: self.views.struct(view, spot.key, spot.name))

    def _map(self, schema: dict[str, Any], spot: Spot) -> Type:
        extra = schema.get("additionalProperties", True)
        patterns: Any = schema.get("patternProperties")
        if is_object(patterns) and len(patterns) == 1 and extra is False:
            # Keys that are numbers: a map to whoever reads JSON.
            ((pattern, value),) = patterns.items()
            return MapOf(value=self.type(value, spot.down("patternProperties", pattern)))
        if patterns is not None:
            self.odd(spot, "an object with several kinds of keys is not known here")
        if extra is False:
            return self._struct_in_place({**schema, "properties": {}}, spot)
        return MapOf(value=self.type(extra, spot.down("additionalProperties")))

    def _reference(self, target: Any, spot: Spot) -> Type:
        definition = self.published.referred(target, spot) if isinstance(target, str) else None
        if definition is None:
            self.odd(spot, f"the reference `{target}` leads nowhere")
            return AnyJson()
        return self.ref(definition)

    def _alternatives(self, schema: dict[str, Any]) -> str | None:
        return next((keyword for keyword in ("oneOf", "anyOf") if keyword in schema), None)

    def _either(self, schema: dict[str, Any], keyword: str, spot: Spot) -> Type:
        branches = items(schema[keyword])
        others = [branch for branch in branches if not _is_null(branch)]
        if len(others) < len(branches):
            rest = {**schema, keyword: others}
            return _nullable(self.type(rest, spot)) if others else Scalar(kind="null")
        # A lone arm with a tag is a union all the same.
        if len(others) == 1 and set(schema) == {keyword} and not self._unions.lone_arm(others[0], spot):
            return self.type(others[0], spot)
        values = self._unions.constants(others)
        if values is not None and set(schema) <= {keyword, "type"}:
            return Choice(values=values)
        return self.part(spot, lambda: self._unions.union(schema, spot))

    def _kinds(self, schema: dict[str, Any], kinds: list[str], spot: Spot) -> Type:
        rest = [kind for kind in kinds if kind != "null"]
        if len(rest) < len(kinds):
            values = [value for value in items(schema.get("enum")) if value is not None]
            plain = {**schema, "type": rest[0] if len(rest) == 1 else rest, **({"enum": values} if values else {})}
            return _nullable(self.type(plain, spot)) if rest else Scalar(kind="null")
        if len(rest) == 1:
            return self.type({**schema, "type": rest[0]}, spot)
        members = {"anyOf": [{**schema, "type": kind} for kind in rest]}
        return self.part(spot, lambda: self._unions.union(members, spot))

    def _set(self, schema: dict[str, Any], spot: Spot) -> Type:
        values = [schema["const"]] if "const" in schema else items(schema["enum"])
        named = [value for value in values if isinstance(value, str)]
        if len(named) == len(values) and named:
            return Choice(values=tuple(named))
        if None in values and len(named) == len(values) - 1 and named:
            return Nullable(inner=Choice(values=tuple(named)))
        if all(isinstance(value, bool) for value in values):
            return Scalar(kind="boolean")
        self.odd(spot, "a set of values that are not all strings is not known here")
        return AnyJson()

    def check(self, schema: dict[str, Any], spot: Spot) -> None:
        """Remember keywords that are not known."""
        for keyword in schema:
            if keyword not in _ANNOTATIONS | _COMPARED | _OVERLOOKED and not keyword.startswith("x-"):
                self.odd(spot.down(keyword), f"the keyword `{keyword}` is not known here")

    # --- named types ---

    def _named(self, schema: Any, spot: Spot) -> NamedType:
        if is_object(schema):
            plain = {key: value for key, value in schema.items() if key in _COMPARED}
            keyword = self._alternatives(plain)
            branches = items(plain.get(keyword)) if keyword is not None else []
            if branches and self._unions.constants(branches) is None and not any(_is_null(item) for item in branches):
                if len(branches) > 1 or set(plain) != {keyword} or self._unions.lone_arm(branches[0], spot):
                    self.check(schema, spot)
                    return self._unions.union(plain, spot)
            elif not branches and not _COMPOSED.isdisjoint(plain) and set(plain) != {"$ref"}:
                views = self.views.of(schema, spot)
                if views is not None and len(views) == 1:
                    self.check(schema, spot)
                    return self.views.struct(views[0], spot.key, spot.name)
        type_ = self.type(schema, spot)
        if isinstance(type_, Ref) and type_.name == f"{spot.key}{_PART}":
            return msgspec.structs.replace(self._types[type_.name], name=spot.key)
        if isinstance(type_, Choice):
            values = tuple((value, value) for value in type_.values)
            return EnumType(name=spot.key, module="", pointer=spot.name, values=values)
        return Alias(name=spot.key, module="", pointer=spot.name, type=type_)

    def property(self, wire: str, schema: Any, spot: Spot, *, required: bool) -> Property:
        """Convert a field."""
        notes: dict[str, Any] = schema if is_object(schema) else {}
        return Property(
            wire=wire,
            python=wire,
            type=self.type(schema, spot),
            required=required,
            pointer=spot.name,
            default=notes.get("default", UNSET),
            deprecated=notes.get("deprecated") is True,
        )


def _scalar(schema: dict[str, Any], kind: Any) -> Scalar:
    format_: Any = schema.get("format")
    minimum, maximum = _number(schema.get("minimum")), _number(schema.get("maximum"))
    above, below = _whole(schema.get("exclusiveMinimum")), _whole(schema.get("exclusiveMaximum"))
    return Scalar(
        kind=kind,
        format=format_ if isinstance(format_, str) and format_ in _FORMATS else None,
        minimum=minimum if above is None else above + 1,
        maximum=maximum if below is None else below - 1,
        min_length=_whole(schema.get("minLength")),
        max_length=_whole(schema.get("maxLength")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_null(schema: object) -> bool:
    return is_object(schema) and schema.get("type") == "null"


def _nullable(inner: Type) -> Type:
    return inner if isinstance(inner, AnyJson | Nullable) else Nullable(inner=inner)
