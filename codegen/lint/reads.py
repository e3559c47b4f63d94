"""Checks of the values further inside that are attributes as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.ir import StructType, TaggedUnion
from codegen.lint.check import Check
from codegen.names import is_identifier
from codegen.reads import fields, follow

if TYPE_CHECKING:
    from codegen.ir import Read

_METHODS: Final = frozenset({"get", "keys", "property"})
_OF_UNKNOWN: Final = frozenset({"at", "data", "error", "tag", "union"})


class Reads(Check):
    """Whether paths lead to values, and names are free."""

    def reads(self) -> None:
        """What `x-python` lets be read leads to a value, and hides nothing."""
        for named in self.types.values():
            if not isinstance(named, StructType | TaggedUnion) or not (named.reads or _raw(named)):
                continue
            if self.flow.sent_only(named.name):
                self.wrong("reads", named.pointer, "nobody reads what is only sent")
            elif isinstance(named, StructType):
                self._struct(named)
            else:
                self._union(named)

    def _struct(self, struct: StructType) -> None:
        taken = _METHODS | {item.python for item in fields(self.types, struct).values()}
        taken |= {struct.tag.python} if struct.tag else frozenset()
        for read in struct.reads:
            if follow(self.types, struct, read.path) is None:
                self.wrong("reads", struct.pointer, f"`{read.name}`: `{read.dotted}` leads to no field")
            self._name(struct, read.name, taken)

    def _union(self, union: TaggedUnion) -> None:
        arms = [arm for _, name in union.arms if isinstance(arm := self.types.get(name), StructType)]
        taken = _METHODS | _OF_UNKNOWN | {union.tag}
        for read in union.reads:
            if all(follow(self.types, arm, read.path) is None for arm in arms):
                self.wrong("reads", union.pointer, f"`{read.name}`: `{read.dotted}` leads to no field of any arm")
            self._name(union, read.name, taken)
            for arm in arms:
                self._against(union, arm, read)
        raw = _raw(union)
        own = taken | {read.name for read in union.reads} | {item.python for arm in arms for item in arm.properties}
        for name in raw:
            self._name(union, name, own | {other for other in raw if raw.count(other) > 1})

    def _against(self, union: TaggedUnion, arm: StructType, read: Read) -> None:
        paths: dict[str, tuple[str, ...]] = {item.python: (wire,) for wire, item in fields(self.types, arm).items()}
        paths |= {other.name: other.path for other in arm.reads}
        if paths.get(read.name, read.path) != read.path or read.name in {other.name for other in arm.reads}:
            self.wrong("reads", union.pointer, f"`{read.name}` is something else in {arm.name}")

    def _name(self, named: StructType | TaggedUnion, name: str, taken: frozenset[str]) -> None:
        if name in taken or not is_identifier(name):
            self.wrong("reads", named.pointer, f"the name `{name}` is taken")


def _raw(named: StructType | TaggedUnion) -> list[str]:
    return [name for name in (named.raw_tag, named.raw) if name] if isinstance(named, TaggedUnion) else []
