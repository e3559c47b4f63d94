"""Comparison of named types: structs, enums, unions and plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from codegen.diff.values import Values, short
from codegen.ir import Alias, Choice, EnumType, Property, Ref, StructType, TaggedUnion, UntaggedUnion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.diff.changes import Place
    from codegen.ir import Direction, NamedType, Type


class NamedTypes(Values):
    """Compares named types of two documents, each with everything that it declares."""

    def named(self, old: NamedType, new: NamedType, place: Place, direction: Direction) -> None:
        """Compare two named types."""
        match old, new:
            case StructType(), StructType():
                self._structs(old, new, place, direction)
            case EnumType(), EnumType():
                self._enums(old, new, place, direction)
            case TaggedUnion(), TaggedUnion():
                self._unions(old, new, place, direction)
            case UntaggedUnion(), UntaggedUnion():
                self._members(old, new, place, direction)
            case Alias(), Alias():
                self.types(old.type, new.type, place, direction)
            case _:
                self.unlike_forms(old, new, place, direction)

    def unlike_forms(self, old: NamedType, new: NamedType, place: Place, direction: Direction) -> None:
        """Report that two types are of different kinds."""
        self._changes.add("type-form", place, direction, form(old), form(new))

    # --- structs ---

    def _structs(self, old: StructType, new: StructType, place: Place, direction: Direction) -> None:
        self.closedness(old, new, place, direction)
        if old.exactly_one != new.exactly_one:
            rule = "one-field-begun" if new.exactly_one else "one-field-ended"
            self._changes.add(rule, place, direction)
        if self.names and old.base != new.base:
            if old.base is not None:
                self._changes.add("base-removed", place, direction, old.base)
            if new.base is not None:
                self._changes.add("base-added", place, direction, "", new.base)
        if old.tag is not None and new.tag is not None and old.tag != new.tag:
            before, after = f"{old.tag.wire}: {old.tag.value}", f"{new.tag.wire}: {new.tag.value}"
            self._changes.add("struct-tag", place, direction, before, after)
        with_tag = (old.tag is None) != (new.tag is None)
        line_before, line_after = _lineage(old, self._old), _lineage(new, self._new)
        # What both inherit from the same struct is compared there.
        shared: frozenset[str] = frozenset()
        if self.names:
            shared = frozenset({base.name for base in line_before[1:]} & {base.name for base in line_after[1:]})
        self.properties(
            _fields(line_before, shared, with_tag=with_tag),
            _fields(line_after, shared, with_tag=with_tag),
            "field",
            place,
            direction,
        )

    def closedness(self, old: StructType, new: StructType, place: Place, direction: Direction) -> None:
        """Compare whether unknown fields are refused."""
        if old.closed != new.closed:
            self._changes.add("struct-closed" if new.closed else "struct-opened", place, direction)

    def properties(
        self, old: Mapping[str, Property], new: Mapping[str, Property], what: str, place: Place, direction: Direction
    ) -> None:
        """Compare the fields of two structs, or the parameters of two methods (``what`` is `field` or `param`)."""
        for wire, item in new.items():
            if wire not in old:
                here = place.part(f".{wire}")._replace(pointer=item.pointer)
                rule = f"{what}-added-{'required' if item.required else 'optional'}"
                self._changes.add(rule, here, direction, "", self.new_text(item.type))
        for wire, item in old.items():
            here = place.part(f".{wire}", "properties", wire)
            if wire not in new:
                self._changes.add(f"{what}-removed", here, direction, self.old_text(item.type))
                continue
            after = new[wire]
            self._property(item, after, what, here._replace(pointer=after.pointer), direction)

    def _property(self, old: Property, new: Property, what: str, place: Place, direction: Direction) -> None:
        if old.required != new.required:
            self.presence(old, new, what, place, direction)
        if self.names:
            self._notes(old, new, what, place, direction)
        self.types(old.type, new.type, place, direction)

    def presence(self, old: Property, new: Property, what: str, place: Place, direction: Direction) -> None:
        """Report that a field has become required or optional."""
        rule = f"{what}-{'required' if new.required else 'optional'}"
        self._changes.add(rule, place, direction, self.old_text(old.type), self.new_text(new.type))

    def _notes(self, old: Property, new: Property, what: str, place: Place, direction: Direction) -> None:
        if old.python != new.python:
            self._changes.add(f"{what}-renamed", place, direction, old.python, new.python)
        if old.deprecated != new.deprecated:
            self._changes.add(f"{what}-{'' if new.deprecated else 'un'}deprecated", place, direction)
        if old.description != new.description:
            self._changes.add(f"{what}-description", place, direction)
        # The default of a required field is its only value.
        if (old.default, type(old.default)) == (new.default, type(new.default)) or old.required or new.required:
            return
        if old.default is UNSET:
            self._changes.add("default-added", place, direction, "", short(new.default))
        elif new.default is UNSET:
            self._changes.add("default-removed", place, direction, short(old.default))
        else:
            self._changes.add("default-changed", place, direction, short(old.default), short(new.default))

    # --- enums and unions ---

    def _enums(self, old: EnumType, new: EnumType, place: Place, direction: Direction) -> None:
        before, after = dict(old.values), dict(new.values)
        for value in after:
            if value not in before:
                self._changes.add("enum-value-added", place.part(f"[{value}]", "enum", value), direction, "", value)
        for value in before:
            if value not in after:
                self._changes.add("enum-value-removed", place.part(f"[{value}]", "enum", value), direction, value)

    def _unions(self, old: TaggedUnion, new: TaggedUnion, place: Place, direction: Direction) -> None:
        if old.tag != new.tag:
            self._changes.add("tag-renamed", place, direction, old.tag, new.tag)
            return
        if self.names and (old.base, old.unknown) != (new.base, new.unknown):
            before, after = (f"{union.base or '-'}, {union.unknown or '-'}" for union in (old, new))
            self._changes.add("union-classes", place, direction, before, after)
        arms_before, arms_after = dict(old.arms), dict(new.arms)
        for tag, arm in arms_after.items():
            here = place.part(f"[{tag}]", "oneOf", tag)
            if tag not in arms_before:
                self._changes.add("arm-added", here, direction, "", tag)
            elif self.names:
                if arms_before[tag] != arm:
                    self._changes.add("arm-replaced", here, direction, arms_before[tag], arm)
            else:
                self.references(Ref(name=arms_before[tag]), Ref(name=arm), here, direction)
        for tag in arms_before:
            if tag not in arms_after:
                self._changes.add("arm-removed", place.part(f"[{tag}]", "oneOf", tag), direction, tag)

    def _members(self, old: UntaggedUnion, new: UntaggedUnion, place: Place, direction: Direction) -> None:
        """Compare forms: those that look alike belong together, and the rest has come or gone."""
        after = [(self.new_text(member), member) for member in new.members]
        before = [(self.old_text(member), member) for member in old.members]
        pairs: list[tuple[Type, Type]] = []
        for alike in (self._same_text, self._same_kind):
            for mine in list(before):
                other = next((item for item in after if alike(mine, item)), None)
                if other is not None:
                    before.remove(mine)
                    after.remove(other)
                    pairs.append((mine[1], other[1]))
        for index, (mine_type, other_type) in enumerate(pairs):
            self.types(mine_type, other_type, place.part("", "anyOf", str(index)), direction)
        for text, _ in after:
            self._changes.add("member-added", place.part(f"[{text}]", "anyOf", text), direction, "", text)
        for text, _ in before:
            self._changes.add("member-removed", place.part(f"[{text}]", "anyOf", text), direction, text)
        if self.names and not after and not before:
            order = [new.members.index(other) for _, other in sorted(pairs, key=lambda p: old.members.index(p[0]))]
            if order != sorted(order):
                self._changes.add("member-order", place, direction)

    def _same_text(self, old: tuple[str, Type], new: tuple[str, Type]) -> bool:
        return old[0] == new[0]

    def _same_kind(self, old: tuple[str, Type], new: tuple[str, Type]) -> bool:
        kind = self.kind(old[1], self._old)
        return kind == self.kind(new[1], self._new) and (kind != "object" or not self.names)


def form(named: NamedType) -> str:
    """Return what kind of type it is."""
    match named:
        case StructType():
            return "struct"
        case EnumType():
            return "enum"
        case TaggedUnion():
            return "tagged union"
        case UntaggedUnion():
            return "untagged union"
        case Alias():
            return "plain value"


def _lineage(struct: StructType, types: Mapping[str, NamedType]) -> list[StructType]:
    """Return a struct, its base, the base of that, and so on."""
    line = [struct]
    base = struct.base
    while base is not None and isinstance(named := types.get(base), StructType) and named not in line:
        line.append(named)
        base = named.base
    return line


def _fields(line: list[StructType], without: frozenset[str], *, with_tag: bool) -> dict[str, Property]:
    """Return the fields of a struct by wire name, those of its bases included."""
    fields: dict[str, Property] = {}
    tag = line[0].tag
    if with_tag and tag is not None:
        pointer = f"{line[0].pointer}/properties/{tag.wire}"
        only = Choice(values=(tag.value,))
        fields[tag.wire] = Property(wire=tag.wire, python=tag.python, type=only, required=True, pointer=pointer)
    for struct in line:
        for item in struct.properties if struct.name not in without else ():
            fields.setdefault(item.wire, item)
    return fields
