"""Objects as alternatives of flat fields: what inheritance, nesting and references beside properties come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from codegen.ir import StructType, Tag
from codegen.raw import is_object, items, strings

if TYPE_CHECKING:
    from codegen.ir import Property
    from codegen.upstream.published import Spot
    from codegen.upstream.shapes import Shapes

_MOST: Final = 500


class Slot(NamedTuple):
    """A field of a view.

    Attributes:
        schema: Its schema.
        spot: Where that stands.
        depth: How many unions deep.
    """

    schema: Any
    spot: Spot
    depth: int


class View(NamedTuple):
    """One flat form that an object can have.

    Attributes:
        fields: Its fields by name.
        required: Names of those that are required.
        closed: Whether other fields are refused.
        spot: Where the object stands.
        target: Key of the definition that it is, when it is a plain reference.
    """

    fields: dict[str, Slot]
    required: frozenset[str]
    closed: bool
    spot: Spot
    target: str | None = None

    def constants(self) -> dict[str, str]:
        """Return the required fields that have one value only, with that value."""
        found: dict[str, str] = {}
        for name, slot in self.fields.items():
            value = constant(slot.schema)
            if value is not None and name in self.required:
                found[name] = value
        return found


def constant(schema: Any) -> str | None:
    """Return the only string that satisfies a schema, if there is just one."""
    if not is_object(schema):
        return None
    values = [schema["const"]] if "const" in schema else items(schema.get("enum"))
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


class Views:
    """Makes views.

    Args:
        shapes: Where types are kept.
    """

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._within: set[str] = set()

    def of(self, schema: Any, spot: Spot, depth: int = 0) -> list[View] | None:
        """Return the flat forms that an object can have, or ``None`` when a schema is not one of objects."""
        if not is_object(schema) or spot.key in self._within:
            return None
        self._within.add(spot.key)
        try:
            return self._forms(schema, spot, depth)
        finally:
            self._within.remove(spot.key)

    def _forms(self, schema: dict[str, Any], spot: Spot, depth: int) -> list[View] | None:
        if "$ref" in schema and not {"properties", "oneOf", "anyOf", "allOf"} & set(schema):
            return self._target(schema["$ref"], spot, depth)
        parts: list[list[View]] = []
        if "properties" in schema or schema.get("additionalProperties") is False:
            parts.append([self._own(schema, spot, depth)])
        if "$ref" in schema:
            parts.append(self._target(schema["$ref"], spot, depth + 1) or [])
        parts += [
            self._branches(schema[keyword], spot.down(keyword), depth)
            for keyword in ("oneOf", "anyOf")
            if keyword in schema
        ]
        parts += [
            self.of(part, spot.down("allOf", index), depth) or []
            for index, part in enumerate(items(schema.get("allOf")))
        ]
        if not parts or not all(parts):
            return None
        views = parts[0]
        for others in parts[1:]:
            if len(views) * len(others) > _MOST:
                self._shapes.odd(spot, "there are too many ways to combine these forms")
                return None
            views = [_joined(view, other, spot) for view in views for other in others]
        if schema.get("unevaluatedProperties") is False:
            views = [view._replace(closed=True) for view in views]
        return views

    def _branches(self, branches: Any, spot: Spot, depth: int) -> list[View]:
        """Return the forms of all branches, or none when one of them is no object."""
        found: list[View] = []
        for index, branch in enumerate(items(branches)):
            views = self.of(branch, spot.down(index), depth + 1)
            if views is None:
                return []
            found += views
        return found

    def _target(self, target: Any, spot: Spot, depth: int) -> list[View] | None:
        definition = self._shapes.published.referred(target, spot) if isinstance(target, str) else None
        if definition is None:
            return None
        views = self.of(definition.schema, definition.spot, depth)
        if views is None or len(views) != 1:
            return views
        return [views[0]._replace(target=self._shapes.ref(definition).name)]

    def _own(self, schema: dict[str, Any], spot: Spot, depth: int) -> View:
        self._shapes.check(schema, spot)
        listed: dict[str, Any] = schema["properties"] if is_object(schema.get("properties")) else {}
        fields = {name: Slot(field, spot.down("properties", name), depth) for name, field in listed.items()}
        required = frozenset(strings(schema.get("required")))
        return View(fields, required, schema.get("additionalProperties") is False, spot)

    def struct(self, view: View, key: str, name: str, tag: str | None = None) -> StructType:
        """Make a struct of a view.

        Args:
            view: The view.
            key: Key of the struct.
            name: Name of its spot, from which those of its fields follow.
            tag: The field that is its tag in a union.
        """
        properties: list[Property] = []
        for wire, slot in view.fields.items():
            if wire != tag:
                spot = slot.spot.named(f"{name}/properties/{wire}")
                properties.append(self._shapes.property(wire, slot.schema, spot, required=wire in view.required))
        value = constant(view.fields[tag].schema) if tag is not None else None
        return StructType(
            name=key,
            module="",
            pointer=name,
            properties=tuple(properties),
            tag=Tag(wire=tag, python=tag, value=value) if tag is not None and value is not None else None,
            closed=view.closed,
        )


def _joined(view: View, other: View, spot: Spot) -> View:
    return View(
        view.fields | {name: slot for name, slot in other.fields.items() if name not in view.fields},
        view.required | other.required,
        view.closed or other.closed,
        spot,
    )
