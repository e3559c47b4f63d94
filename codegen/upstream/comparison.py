"""Compares published types with those of the contract, place by place, whatever either calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from codegen.diff.changes import Place
from codegen.diff.describe import describe
from codegen.diff.named import NamedTypes, form
from codegen.ir import Alias, Choice, Direction, EnumType, Ref, Scalar, StructType, TaggedUnion, UntaggedUnion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.diff.changes import Changes
    from codegen.ir import Contract, NamedType, Property, Type
    from codegen.upstream.shapes import Shapes


class PublishedTypes(NamedTypes):
    """Compares types of the contract (old) with published ones (new).

    Args:
        contract: The contract.
        shapes: The published types.
        upstream_names: Published name of each type of the contract that may have one.
        changes: Takes what is found.

    Attributes:
        pairs: Keys of the published types that each type of the contract was compared with.
        met: Keys of the published types that something of the contract was compared with.
        in_place: Types of the contract that were compared with what is published without a name.
    """

    names = False

    def __init__(self, contract: Contract, shapes: Shapes, upstream_names: Mapping[str, str], changes: Changes) -> None:
        super().__init__(contract.types, shapes, changes)
        self._shapes = shapes
        self._upstream_names = upstream_names
        self._done: set[tuple[str, str, Direction]] = set()
        self.pairs: dict[str, set[str]] = {}
        self.met: set[str] = set()
        self.in_place: set[str] = set()

    def new_text(self, type_: Type) -> str:
        """Return a published type in a few words."""
        return describe(type_, lambda key: self._shapes.labels.get(key, key))

    # The types say themselves where they stand.
    def references(self, old: Ref, new: Ref, place: Place, direction: Direction) -> None:  # noqa: ARG002
        """Compare two named types, once for each direction."""
        named, published = self._old[old.name], self._new[new.name]
        self.pairs.setdefault(old.name, set()).add(new.name)
        self.met.add(new.name)
        if (old.name, new.name, direction) in self._done:
            return
        self._done.add((old.name, new.name, direction))
        here = Place(old.name, named.module, published.pointer)
        if isinstance(named, StructType) and named.method is not None and isinstance(published, StructType):
            before, after = ({item.wire: item for item in struct.properties} for struct in (named, published))
            self.properties(before, after, "param", here._replace(subject=named.method), direction)
            return
        self.named(named, published, here, direction)

    def types(self, old: Type, new: Type, place: Place, direction: Direction) -> None:
        """Compare two types, and remember which named ones stand in the same place."""
        if new is self._shapes.missing:
            return
        if isinstance(new, Ref):
            self.met.add(new.name)
            if isinstance(old, Ref):
                self.pairs.setdefault(old.name, set()).add(new.name)
        elif isinstance(old, Ref) and isinstance(new, Scalar | Choice):
            self.in_place.add(old.name)
        super().types(old, new, place, direction)

    def presence_and_default(self, old: Property, new: Property, what: str, place: Place, direction: Direction) -> None:
        """Compare presence, and defaults as far as the contract can repeat them."""
        if old.required != new.required:
            self.presence(old, new, what, place, direction)
        if old.required or new.required:
            return
        default = UNSET if new.default is None else new.default
        if old.default is UNSET and isinstance(default, dict | list) and default:
            return
        self.defaults(old.default, default, place, direction)

    def closedness(self, old: StructType, new: StructType, place: Place, direction: Direction) -> None:
        """Compare whether unknown fields are refused, which matters for what is only sent."""
        if direction is Direction.SENT:
            super().closedness(old, new, place, direction)

    def unlike_forms(self, old: NamedType, new: NamedType, place: Place, direction: Direction) -> None:
        """Compare a struct with the arm that it is; a union of one arm is the same on the wire."""
        if isinstance(old, StructType) and isinstance(new, TaggedUnion):
            value = _only_value(old, new.tag)
            arm = dict(new.arms).get(value) if value is not None else None
            if arm is not None:
                self.met.add(arm)
                self.named(old, self._new[arm], place._replace(pointer=self._new[arm].pointer), direction)
                for tag, other in new.arms:
                    if tag != value:
                        self.arm_added(other, place.part(f"[{tag}]", "oneOf", tag), direction)
                return
        super().unlike_forms(old, new, place, direction)

    def arm_added(self, arm: str, place: Place, direction: Direction) -> None:
        """Report a new arm and what it is made of."""
        self._changes.add("arm-added", place, direction, "", self.form_text(self._new[arm]))

    def form_text(self, new: NamedType) -> str:
        """Return the kind of a published type, and what it is made of: a correction has to notice when that changes."""
        match new:
            case StructType(properties=properties):
                parts = [f"{item.wire}{'' if item.required else '?'}" for item in properties]
            case TaggedUnion(arms=arms):
                parts = [tag for tag, _ in arms]
            case EnumType(values=values):
                parts = [value for value, _ in values]
            case UntaggedUnion(members=members):
                parts = [self.new_text(member) for member in members]
            case Alias(type=type_):
                parts = [self.new_text(type_)]
        return f"{form(new)} of {', '.join(sorted(parts))}"

    def alike(self, old: Type, new: Type) -> float:
        """Return how much two members of untagged unions have in common, from 0 to 1."""
        if new is self._shapes.missing:
            return 0.1
        if isinstance(old, Ref) and isinstance(new, Ref):
            if self._upstream_names.get(old.name) == self._shapes.labels.get(new.name):
                return 1
            named, published = self._old[old.name], self._new[new.name]
            if isinstance(named, StructType) and isinstance(published, StructType):
                mine, theirs = ({item.wire for item in struct.properties} for struct in (named, published))
                return len(mine & theirs) / max(len(mine | theirs), 1) * 0.9
        return super().alike(old, new)


def _only_value(struct: StructType, wire: str) -> str | None:
    """Return the only value of a field that tells an arm from others."""
    if struct.tag is not None and struct.tag.wire == wire:
        return struct.tag.value
    return next((item.constant for item in struct.properties if item.wire == wire), None)
