"""Comparison of named types: structs, enums, unions and plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from codegen.diff.values import Values, short
from codegen.ir import Alias, Choice, Direction, EnumType, Property, Ref, StructType, TaggedUnion, UntaggedUnion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.diff.changes import Place
    from codegen.ir import NamedType, Type


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
        self._changes.add("type-form", place, direction, form(old), self.form_text(new))

    def form_text(self, new: NamedType) -> str:
        """Return what kind of type the newer one is."""
        return form(new)

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
        if self.names:
            self._reads(_reads_of_struct(old), _reads_of_struct(new), {item.python for item in new.properties}, place)
        with_tag = self._tags(old, new, place, direction)
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

    def _tags(self, old: StructType, new: StructType, place: Place, direction: Direction) -> bool:
        """Compare the tags, and return whether they must be compared as fields: one side has it as a field."""
        if old.tag is not None and new.tag is not None:
            if (old.tag.wire, old.tag.value) != (new.tag.wire, new.tag.value):
                before, after = f"{old.tag.wire}: {old.tag.value}", f"{new.tag.wire}: {new.tag.value}"
                self._changes.add("struct-tag", place, direction, before, after)
            return False
        tag = old.tag or new.tag
        if tag is None:
            return False
        other = new if old.tag is not None else old
        if any(item.wire == tag.wire for item in other.properties):
            return True
        if self.names:
            before, after = (f"{struct.tag.wire}: {struct.tag.value}" if struct.tag else "" for struct in (old, new))
            self._changes.add("struct-tag", place, direction, before, after)
        return False

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
        self.presence_and_default(old, new, what, place, direction)
        if self.names:
            self._notes(old, new, what, place, direction)
        self.types(old.type, new.type, place, direction)

    def presence_and_default(self, old: Property, new: Property, what: str, place: Place, direction: Direction) -> None:
        """Compare whether a field is required, and what its absence means."""
        if old.required != new.required:
            self.presence(old, new, what, place, direction)
        # The default of a required field is its only value.
        elif not old.required:
            self.defaults(old.default, new.default, place, direction)

    def presence(self, old: Property, new: Property, what: str, place: Place, direction: Direction) -> None:
        """Report that a field has become required or optional."""
        rule = f"{what}-{'required' if new.required else 'optional'}"
        self._changes.add(rule, place, direction, self.old_text(old.type), self.new_text(new.type))

    def defaults(self, old: Any, new: Any, place: Place, direction: Direction) -> None:
        """Compare what absence means."""
        if (old, type(old)) == (new, type(new)):
            return
        if old is UNSET:
            self._changes.add("default-added", place, direction, "", short(new))
        elif new is UNSET:
            self._changes.add("default-removed", place, direction, short(old))
        else:
            self._changes.add("default-changed", place, direction, short(old), short(new))

    def _notes(self, old: Property, new: Property, what: str, place: Place, direction: Direction) -> None:
        if old.python != new.python:
            self._changes.add(f"{what}-renamed", place, direction, old.python, new.python)
        if old.deprecated != new.deprecated:
            self._changes.add(f"{what}-{'' if new.deprecated else 'un'}deprecated", place, direction)
        if old.description != new.description:
            self._changes.add(f"{what}-description", place, direction)

    def _reads(self, old: Mapping[str, str], new: Mapping[str, str], fields: set[str], place: Place) -> None:
        """Compare by what names values further inside are read; ``fields`` are names that newer fields have."""
        # Whoever writes the value, it is the client that reads it.
        direction = Direction.RECEIVED
        for name, path in new.items():
            if name not in old:
                here = place.part(f".{name}", "x-python", "reads", name)
                self._changes.add("read-added", here, direction, "", path)
        for name, path in old.items():
            here = place.part(f".{name}", "x-python", "reads", name)
            after = new.get(name, f"field `{name}`" if name in fields else None)
            if after is None:
                self._changes.add("read-removed", here, direction, path)
            elif after != path:
                self._changes.add("read-changed", here, direction, path, after)

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
            added, removed = old.base is old.unknown is None, new.base is new.unknown is None
            rule = "union-classes-added" if added else "union-classes-removed" if removed else "union-classes"
            self._changes.add(rule, place, direction, before, after)
        if self.names:
            self._reads(_reads_of_union(old), _reads_of_union(new), set(), place)
        arms_before, arms_after = dict(old.arms), dict(new.arms)
        for tag, arm in arms_after.items():
            here = place.part(f"[{tag}]", "oneOf", tag)
            if tag not in arms_before:
                self.arm_added(arm, here, direction)
            elif self.names:
                if arms_before[tag] != arm:
                    self._changes.add("arm-replaced", here, direction, arms_before[tag], arm)
            else:
                self.references(Ref(name=arms_before[tag]), Ref(name=arm), here, direction)
        for tag in arms_before:
            if tag not in arms_after:
                self._changes.add("arm-removed", place.part(f"[{tag}]", "oneOf", tag), direction, tag)

    def arm_added(self, arm: str, place: Place, direction: Direction) -> None:
        """Report a new arm."""
        self._changes.add("arm-added", place, direction, "", self.new_text(Ref(name=arm)))

    def _members(self, old: UntaggedUnion, new: UntaggedUnion, place: Place, direction: Direction) -> None:
        """Compare forms: those that look alike belong together, and the rest has come or gone."""
        after = [(self.new_text(member), member) for member in new.members]
        before = [(self.old_text(member), member) for member in old.members]
        pairs: list[tuple[Type, Type]] = []
        candidates = [(self.alike(mine[1], other[1]), mine, other) for mine in before for other in after]
        for score, mine, other in sorted(candidates, key=lambda candidate: -candidate[0]):
            if score > 0 and mine in before and other in after:
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

    def alike(self, old: Type, new: Type) -> float:
        """Return how much two members of untagged unions have in common, from 0 to 1."""
        if self.old_text(old) == self.new_text(new):
            return 1
        kind = self.kind(old, self._old)
        # Where names matter, an object under another name is another one.
        if kind != self.kind(new, self._new) or (kind == "object" and self.names):
            return 0
        return 0.5


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


def _reads_of_struct(struct: StructType) -> dict[str, str]:
    return {read.name: read.dotted for read in struct.reads}


def _reads_of_union(union: TaggedUnion) -> dict[str, str]:
    """Return what every arm can be asked for, what an unknown one is asked for included."""
    of_unknown = {union.raw_tag: "tag of an unknown arm", union.raw: "JSON of an unknown arm"}
    return {
        **{read.name: read.dotted for read in union.reads},
        **{name: what for name, what in of_unknown.items() if name is not None},
    }


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
