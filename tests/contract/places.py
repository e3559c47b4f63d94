"""Where, inside what the runtime sends, something new can turn up: every union, enum and object, at every place."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from meerkat._core.codec import is_object
from tests.contract.document import document
from tests.support.samples import Schema, is_struct, split_null, tag_of, target

if TYPE_CHECKING:
    from collections.abc import Iterator

Path: TypeAlias = "tuple[str | int, ...]"
Kind: TypeAlias = Literal["union", "enum", "text", "object"]


@dataclass(frozen=True)
class Place:
    """One place in a value.

    Attributes:
        kind: A tagged union (one arm alone included), a named enum, an enum without a name, or any object.
        path: Keys and indexes that lead there.
        schema: What belongs there.
        around: A valid value as a whole, with a valid value at the place.
    """

    kind: Kind
    path: Path
    schema: Schema
    around: Any

    def __str__(self) -> str:
        return f"{self.kind} at {shown(self.path)}"

    def filled(self, value: Any) -> Any:
        """Return the whole value with another one at the place."""
        return put(self.around, self.path, value)

    @property
    def here(self) -> Any:
        """The valid value at the place."""
        return look(self.around, self.path)

    @property
    def arms(self) -> dict[str, Schema]:
        """Listed arms by their tags, for a union."""
        tag = self.tag
        if "discriminator" not in self.schema:
            return {self.schema["properties"][tag]["const"]: self.schema}
        mapping: dict[str, str] = self.schema["discriminator"]["mapping"]
        return {value: document().schemas[arm.rpartition("/")[2]] for value, arm in mapping.items()}

    @property
    def tag(self) -> str:
        """Name of the tag, for a union."""
        if "discriminator" in self.schema:
            return str(self.schema["discriminator"]["propertyName"])
        return str(tag_of(self.schema))


def shown(path: Path) -> str:
    """Write a path as messages do, as far as it leads through fields and lists."""
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


def look(value: Any, path: Path) -> Any:
    """Return what a path leads to, in JSON or in what it was decoded to."""
    for key in path:
        value = value[key]
    return value


def put(value: Any, path: Path, new: Any) -> Any:
    """Return a copy of JSON with another value at a place."""
    if not path:
        return new
    whole = json.loads(json.dumps(value))
    look(whole, path[:-1])[path[-1]] = new
    return whole


def places(root: Schema) -> Iterator[Place]:
    """Yield all places in the values of a schema; of a named type those in its first occurrence.

    Args:
        root: Schema of the whole value.
    """
    made = document().samples
    seen: set[str] = set()
    pending: deque[tuple[Schema, Path, Any, bool]] = deque([(root, (), made.minimal(root), False)])
    while pending:
        schema, path, around, is_arm = pending.popleft()
        name = target(schema)
        if name is not None:
            schema = document().schemas[name]
        plain, nullable = split_null(schema)
        if nullable:
            pending.append((plain, path, put(around, path, made.minimal(plain)), False))
            continue
        for kind in _kinds(schema, named=name is not None, is_arm=is_arm):
            yield Place(kind, path, schema, around)
        if name is None or name not in seen:
            seen |= {name} if name is not None else set()
            pending.extend((*part, "oneOf" in schema) for part in _inside(schema, path, around))


def _kinds(schema: Schema, *, named: bool, is_arm: bool) -> Iterator[Kind]:
    if "oneOf" in schema:
        yield "union"
    elif is_struct(schema):
        yield "object"
        if tag_of(schema) is not None and not is_arm:
            yield "union"
    elif "enum" in schema:
        yield "enum" if named else "text"


def _inside(schema: Schema, path: Path, around: Any) -> Iterator[tuple[Schema, Path, Any]]:
    """Yield the parts of a schema with their paths, and the whole value with a valid one there."""
    made = document().samples
    if "oneOf" in schema or "anyOf" in schema:
        for member in schema.get("oneOf") or schema["anyOf"]:
            yield member, path, put(around, path, made.minimal(member))
    elif is_struct(schema):
        fields, _ = made.fields(schema)
        here: Any = {} if schema.get("maxProperties") == 1 else look(around, path)
        for field, inner in fields.items():
            if "const" not in inner:
                value = here[field] if is_object(here) and field in here else made.minimal(inner, field)
                yield inner, (*path, field), put(around, path, {**here, field: value})
    elif schema.get("type") == "array":
        item = made.minimal(schema["items"])
        items = [item] * max(1, schema.get("minItems", 0))
        yield schema["items"], (*path, 0), put(around, path, items)
    elif schema.get("type") == "object":
        key = "some key"
        yield (
            schema["additionalProperties"],
            (*path, key),
            put(around, path, {key: made.minimal(schema["additionalProperties"])}),
        )
