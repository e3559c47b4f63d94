"""Comparison of types as they stand in fields, and of the named types behind them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from codegen.diff.describe import describe
from codegen.diff.scalars import compare_lengths, compare_scalars
from codegen.ir import (
    Alias,
    AnyJson,
    Choice,
    EnumType,
    ListOf,
    MapOf,
    Nullable,
    Ref,
    Scalar,
    StructType,
    TaggedUnion,
    UntaggedUnion,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.diff.changes import Changes, Place
    from codegen.ir import Direction, NamedType, Type


class Values(ABC):
    """Compares the types of two documents, as far as they stand in place.

    Args:
        old: Named types of the older document.
        new: Named types of the newer one.
        changes: Takes what is found.

    Attributes:
        names: Whether it matters how types are called, and not only what they look like on the wire.
    """

    names: ClassVar[bool]

    def __init__(self, old: Mapping[str, NamedType], new: Mapping[str, NamedType], changes: Changes) -> None:
        self._old = old
        self._new = new
        self._changes = changes

    @abstractmethod
    def references(self, old: Ref, new: Ref, place: Place, direction: Direction) -> None:
        """Compare two named types that stand in the same place, neither of them an alias."""

    def old_text(self, type_: Type) -> str:
        """Return an old type in a few words."""
        return describe(type_, lambda name: name)

    def new_text(self, type_: Type) -> str:
        """Return a new type in a few words."""
        return describe(type_, lambda name: name)

    def types(self, old: Type, new: Type, place: Place, direction: Direction) -> None:
        """Compare two types that stand in the same place."""
        if self.names and isinstance(old, Ref) and isinstance(new, Ref) and old.name == new.name:
            return
        before, after = self._plain(old, self._old), self._plain(new, self._new)
        if isinstance(before, AnyJson) or isinstance(after, AnyJson):
            if before != after:
                rule = "type-freed" if isinstance(after, AnyJson) else "type-fixed"
                self._say(rule, place, direction, old, new)
            return
        if isinstance(before, Nullable) or isinstance(after, Nullable):
            if not (isinstance(before, Nullable) and isinstance(after, Nullable)):
                rule = "null-added" if isinstance(after, Nullable) else "null-removed"
                self._say(rule, place, direction, old, new)
            self.types(_not_null(before, old), _not_null(after, new), place, direction)
            return
        if self.names and (before, after) != (old, new) and before == after:
            self._say("alias-replaced", place, direction, old, new)
        match before, after:
            case Scalar(), Scalar():
                compare_scalars(before, after, place, direction, self._changes)
            case ListOf(), ListOf():
                compare_lengths(
                    (before.min_items, before.max_items),
                    (after.min_items, after.max_items),
                    place,
                    direction,
                    self._changes,
                )
                self.types(before.item, after.item, place.items(), direction)
            case MapOf(), MapOf():
                self.types(before.value, after.value, place.values(), direction)
            case _:
                self._unlike(before, after, place, direction)

    def _unlike(self, old: Type, new: Type, place: Place, direction: Direction) -> None:
        """Compare types of which at least one is named or a set of strings."""
        before, after = self._set(old, self._old), self._set(new, self._new)
        if before is not None and after is not None and not (isinstance(old, Ref) and isinstance(new, Ref)):
            self._sets(old, new, place, direction)
        elif before is not None and _is_string(new):
            self._say("set-opened", place, direction, old, new)
        elif after is not None and _is_string(old):
            self._say("set-closed", place, direction, old, new)
        elif isinstance(old, Ref) and isinstance(new, Ref):
            self.references(old, new, place, direction)
        elif isinstance(new, Ref) and isinstance(union := self._new.get(new.name), UntaggedUnion):
            self._one_of(old, union, new, place, direction)
        elif isinstance(old, Ref) and isinstance(union := self._old.get(old.name), UntaggedUnion):
            self._one_left(union, new, old, place, direction)
        elif _is_free_map(old) and self._is_object(new, self._new):
            self._say("type-fixed", place, direction, old, new)
        elif _is_free_map(new) and self._is_object(old, self._old):
            self._say("type-freed", place, direction, old, new)
        else:
            self._say("type-changed", place, direction, old, new)

    def _sets(self, old: Type, new: Type, place: Place, direction: Direction) -> None:
        before, after = self._set(old, self._old) or (), self._set(new, self._new) or ()
        if self.names and isinstance(old, Ref) != isinstance(new, Ref):
            self._say("set-named" if isinstance(new, Ref) else "set-unnamed", place, direction, old, new)
        for value in after:
            if value not in before:
                self._changes.add("choice-added", place.part(f"[{value}]", "enum", value), direction, "", value)
        for value in before:
            if value not in after:
                self._changes.add("choice-removed", place.part(f"[{value}]", "enum", value), direction, value)

    def _one_of(self, old: Type, union: UntaggedUnion, new: Type, place: Place, direction: Direction) -> None:
        """Compare a type with a union that may have it as a member."""
        member = self.member_like(old, self._old, union, self._new)
        self._say("type-changed" if member is None else "type-widened", place, direction, old, new)
        if member is not None:
            self.types(old, member, place, direction)

    def _one_left(self, union: UntaggedUnion, new: Type, old: Type, place: Place, direction: Direction) -> None:
        """Compare a union with a type that may have been one of its members."""
        member = self.member_like(new, self._new, union, self._old)
        self._say("type-changed" if member is None else "type-narrowed", place, direction, old, new)
        if member is not None:
            self.types(member, new, place, direction)

    def member_like(
        self, type_: Type, types: Mapping[str, NamedType], union: UntaggedUnion, members: Mapping[str, NamedType]
    ) -> Type | None:
        """Return the first member of a union that is the same kind of JSON as a type."""
        wanted = self.kind(type_, types)
        return next((member for member in union.members if self.kind(member, members) == wanted), None)

    def kind(self, type_: Type, types: Mapping[str, NamedType]) -> str:
        """Return what kind of JSON a type is."""
        match self._plain(type_, types):
            case Scalar(kind=kind):
                return kind
            case Choice():
                return "string"
            case ListOf():
                return "array"
            case MapOf():
                return "object"
            case Nullable(inner=inner):
                return self.kind(inner, types)
            case Ref(name=name):
                match types.get(name):
                    case EnumType():
                        return "string"
                    case UntaggedUnion():
                        return "several"
                    case _:
                        return "object"
            case _:
                return "any"

    def _plain(self, type_: Type, types: Mapping[str, NamedType]) -> Type:
        seen: set[str] = set()
        while isinstance(type_, Ref) and type_.name not in seen:
            seen.add(type_.name)
            named = types.get(type_.name)
            if not isinstance(named, Alias):
                break
            type_ = named.type
        return type_

    def _set(self, type_: Type, types: Mapping[str, NamedType]) -> tuple[str, ...] | None:
        match type_:
            case Choice(values=values):
                return values
            case Ref(name=name):
                named = types.get(name)
                return tuple(value for value, _ in named.values) if isinstance(named, EnumType) else None
            case _:
                return None

    def _is_object(self, type_: Type, types: Mapping[str, NamedType]) -> bool:
        return isinstance(type_, Ref) and isinstance(types.get(type_.name), StructType | TaggedUnion)

    def _say(self, rule: str, place: Place, direction: Direction, old: Type, new: Type) -> None:
        self._changes.add(rule, place, direction, self.old_text(old), self.new_text(new))


def short(value: Any) -> str:
    """Return a JSON value in short."""
    text = str(value).lower() if isinstance(value, bool) or value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _not_null(plain: Type, written: Type) -> Type:
    return plain.inner if isinstance(plain, Nullable) else written


def _is_string(type_: Type) -> bool:
    return isinstance(type_, Scalar) and type_.kind == "string"


def _is_free_map(type_: Type) -> bool:
    return isinstance(type_, MapOf) and isinstance(type_.value, AnyJson)
