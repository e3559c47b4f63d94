"""Checks of unions, tags, inheritance and defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from codegen.ir import (
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
    Type,
)  # fmt: skip
from codegen.lint.check import Check
from codegen.raw import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.ir import NamedType, Property

_DEFAULTS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Types(Check):
    """Whether types fit together."""

    def types_fit(self) -> None:
        """Unions, tags, inheritance and defaults fit together."""
        tagged: set[str] = set()
        based: dict[str, str] = {}
        tables = [named for named in self.types.values() if isinstance(named, TaggedUnion) and named.table]
        for union in tables[1:]:
            self.wrong("union-base", union.pointer, f"{tables[0].name} has the table of arms already")
        for named in self.types.values():
            if isinstance(named, TaggedUnion):
                tagged.update(arm for _, arm in named.arms)
                self._arms(named)
                for _, arm in named.arms if named.base is not None else ():
                    if based.setdefault(arm, named.name) != named.name:
                        self.wrong("union-base", named.pointer, f"`{arm}` has the base class of {based[arm]} already")
        for named in self.types.values():
            if isinstance(named, StructType):
                if named.tag is not None and named.name not in tagged:
                    self.wrong("tag", named.pointer, f"`{named.tag.wire}` is a tag, but no union has this arm")
                if named.base is not None:
                    self._inherits(named, named.base, based)
                for item in named.properties:
                    self._default(item, self.flow.sent_only(named.name))

    def _arms(self, union: TaggedUnion) -> None:
        for tag, name in union.arms:
            arm = self.types.get(name)
            if arm is None:
                continue
            if not isinstance(arm, StructType):
                self.wrong("discriminator", union.pointer, f"the arm `{name}` is no struct; a tag has one level only")
            elif arm.tag is None or arm.tag.wire != union.tag:
                self.wrong("tag", arm.pointer, f"as an arm of {union.name} it needs `{union.tag}: {{const: {tag}}}`")
            elif arm.tag.value != tag:
                self.wrong("tag", arm.pointer, f"the tag is `{arm.tag.value}`, but {union.name} maps `{tag}` to it")

    def _inherits(self, struct: StructType, base_name: str, based: Mapping[str, str]) -> None:
        base = self.types.get(base_name)
        if base is None:
            return
        if not isinstance(base, StructType):
            self.wrong("inheritance", struct.pointer, f"the base `{base_name}` is no struct")
            return
        if base.tag is not None and (struct.tag is None or struct.tag.wire != base.tag.wire):
            message = f"the base `{base_name}` is an arm of a union, so its tag would be inherited"
            self.wrong("inheritance", struct.pointer, message)
        if struct.name in based:
            self.wrong("inheritance", struct.pointer, f"it has the base class of {based[struct.name]} already")
        inherited = {item.python for item in base.properties}
        if struct.tag is not None and struct.tag.python in inherited:
            self.wrong(
                "inheritance", struct.pointer, f"its tag `{struct.tag.wire}` is a field of the base `{base_name}`"
            )
        for item in struct.properties:
            if item.python in inherited:
                self.wrong("inheritance", item.pointer, f"`{item.wire}` is declared by the base `{base_name}` already")

    def _default(self, item: Property, sent: bool) -> None:
        if item.default is UNSET:
            return
        if item.required:
            if item.default != item.constant:
                self.wrong("default", item.pointer, "what is required has no default, unless it has one value only")
            return
        if not self._fits(item.default, item.type):
            self.wrong("default", item.pointer, f"the default {item.default!r} does not fit the type")
        elif not sent and (is_array(item.default) or is_object(item.default)) and item.default:
            self.wrong("default", item.pointer, "a default of something received is a scalar, `[]` or `{}`")

    def _fits(self, value: Any, type_: Type) -> bool:
        match type_:
            case AnyJson():
                return True
            case Scalar(kind=kind):
                return isinstance(value, _DEFAULTS[kind]) and (kind == "boolean" or not isinstance(value, bool))
            case Choice(values=values):
                return value in values
            case ListOf(item=inner):
                return is_array(value) and all(self._fits(item, inner) for item in value)
            case MapOf():
                return is_object(value)
            case Nullable(inner=inner):
                return value is None or self._fits(value, inner)
            case Ref(name=name):
                named = self.types.get(name)
                return named is None or self._fits_named(value, named)

    def _fits_named(self, value: Any, named: NamedType) -> bool:
        match named:
            case EnumType(values=values):
                return value in dict(values)
            case StructType() | TaggedUnion():
                return is_object(value) and self.flow.sent_only(named.name)
            case _:
                members = getattr(named, "members", None) or (getattr(named, "type", None),)
                return any(member is not None and self._fits(value, member) for member in members)
