"""Values further inside of a struct that are its attributes as well: where their paths lead, and their properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from codegen.annotate import Annotator
from codegen.docs import docstring
from codegen.ir import AnyJson, ListOf, MapOf, Nullable, Read, Ref, StructType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.annotate import Imports
    from codegen.flow import Flow
    from codegen.ir import NamedType, Property, TaggedUnion, Type


class Found(NamedTuple):
    """Where a path leads.

    Attributes:
        type: Type of the value, without null.
        attributes: Names in Python of the fields on the way, the value's own last.
        absent: For each field on the way, whether it can be ``None``.
    """

    type: Type
    attributes: tuple[str, ...]
    absent: tuple[bool, ...]

    def value(self, nothing: str) -> str:
        """Return the expression in a method of the struct, which is ``nothing`` where a field on the way is absent."""
        steps = ["self." + ".".join(self.attributes[:end]) for end in range(1, len(self.attributes) + 1)]
        gaps = [f"{step} is None" for step, absent in zip(steps[:-1], self.absent, strict=False) if absent]
        return f"{nothing} if {' or '.join(gaps)} else {steps[-1]}" if gaps else steps[-1]


def fields(types: Mapping[str, NamedType], struct: StructType) -> dict[str, Property]:
    """Return the fields of a struct by wire name, inherited ones included."""
    base = types.get(struct.base) if struct.base is not None else None
    inherited = fields(types, base) if isinstance(base, StructType) else {}
    return {**inherited, **{item.wire: item for item in struct.properties}}


def follow(types: Mapping[str, NamedType], struct: StructType, path: tuple[str, ...]) -> Found | None:
    """Return where a path leads, or ``None`` when it leads nowhere."""
    place: NamedType | None = struct
    attributes: list[str] = []
    absent: list[bool] = []
    type_: Type = AnyJson()
    for wire in path:
        if not isinstance(place, StructType):
            return None
        item = fields(types, place).get(wire)
        if item is None:
            return None
        type_ = item.type.inner if isinstance(item.type, Nullable) else item.type
        attributes.append(item.python)
        absent.append(item.nullable or not (item.required or item.default is not UNSET))
        place = types.get(type_.name) if isinstance(type_, Ref) else None
    return Found(type_, tuple(attributes), tuple(absent))


class Reads:
    """Renders the properties.

    Args:
        types: All named types.
        flow: Who writes which type.
    """

    def __init__(self, types: dict[str, NamedType], flow: Flow) -> None:
        self._types = types
        self._flow = flow

    def of_struct(self, struct: StructType, imports: Imports) -> list[dict[str, str]]:
        """Return the properties of a struct: its own, and what it has of those of its union."""
        union = self._flow.based_on(struct.name)
        names = {item.python for item in fields(self._types, struct).values()}
        reads = [*struct.reads, *(read for read in (union.reads if union else ()) if read.name not in names)]
        annotator = self._annotator(imports, [*names, *(read.name for read in reads)])
        properties: list[dict[str, str]] = []
        for read in reads:
            found = follow(self._types, struct, read.path)
            if found is not None:
                nothing = _nothing(self._found(union, read) if union and read in union.reads else [found])
                annotation = self._annotation(annotator, [found], optional=nothing == "None" and any(found.absent))
                doc = docstring(f"Same as ``{read.dotted}``.", 8)
                properties.append({"name": read.name, "type": annotation, "doc": doc, "value": found.value(nothing)})
        return properties

    def overriding(self, struct: StructType) -> frozenset[str]:
        """Return the fields of a struct that stand in place of properties of its union's base class."""
        union = self._flow.based_on(struct.name)
        return frozenset(read.name for read in (union.reads if union else ()))

    def of_union(self, union: TaggedUnion, imports: Imports) -> list[dict[str, Any]]:
        """Return what every arm of a union can be asked for."""
        annotator = self._annotator(imports, [read.name for read in union.reads])
        return [self._of_arms(union, read, annotator) for read in union.reads]

    def _found(self, union: TaggedUnion, read: Read) -> list[Found]:
        arms = [self._types[arm] for _, arm in union.arms]
        places = [follow(self._types, arm, read.path) for arm in arms if isinstance(arm, StructType)]
        return [place for place in places if place is not None]

    def _of_arms(self, union: TaggedUnion, read: Read, annotator: Annotator) -> dict[str, Any]:
        found = self._found(union, read)
        nothing = _nothing(found)
        what = f"Same as ``{read.dotted}``" if len(read.path) > 1 else f"The field ``{read.dotted}``"
        return {
            "name": read.name,
            "type": self._annotation(annotator, found, optional=nothing == "None"),
            "doc": docstring(f"{what}; {'empty' if nothing != 'None' else '``None``'} in arms without it.", 8),
            "nothing": nothing,
            "path": read.path,
        }

    def _annotation(self, annotator: Annotator, found: list[Found], *, optional: bool) -> str:
        kinds = dict.fromkeys(annotator.exact(place.type, sent_only=False) for place in found)
        if "Any" in kinds:
            return "Any"
        return " | ".join([*kinds, "None"] if optional else kinds)

    def _annotator(self, imports: Imports, names: list[str]) -> Annotator:
        return Annotator(self._types, self._flow, imports, frozenset(names))


def _nothing(found: list[Found]) -> str:
    """Return what an arm answers that has no such value: what an absent one is read as elsewhere."""
    if any(place.absent[-1] for place in found):
        return "None"
    if all(isinstance(place.type, ListOf) for place in found):
        return "[]"
    return "{}" if all(isinstance(place.type, MapOf) for place in found) else "None"
