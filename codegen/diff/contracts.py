"""Comparison of two contracts: their types, their errors and the contract as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.diff.changes import Change, Changes, Place
from codegen.diff.methods import Methods
from codegen.diff.named import NamedTypes
from codegen.flow import Flow
from codegen.ir import Direction, Ref, StructType

if TYPE_CHECKING:
    from codegen.ir import Contract, ErrorKind, NamedType

_BOTH = Direction.SENT | Direction.RECEIVED


def compare(old: Contract, new: Contract) -> list[Change]:
    """Return what has changed from one contract to the next, in the order of files and subjects."""
    changes = Changes()
    types = ContractTypes(old, new, changes)
    types.compare()
    Methods(old, new, types, changes).compare()
    _Errors(old, new, changes).compare()
    return sorted(changes, key=lambda change: (change.place.module, change.place.subject, change.rule.id, change.new))


class ContractTypes(NamedTypes):
    """Compares the named types of two contracts, each with its namesake.

    Args:
        old: The older contract.
        new: The newer one.
        changes: Takes what is found.
    """

    names = True

    def __init__(self, old: Contract, new: Contract, changes: Changes) -> None:
        super().__init__(old.types, new.types, changes)
        self._flow_before = Flow(old)
        self._flow_after = Flow(new)

    def references(self, old: Ref, new: Ref, place: Place, direction: Direction) -> None:
        """Report another name; types of the same name are compared where they are declared."""
        if old.name != new.name:
            self._changes.add("type-replaced", place, direction, old.name, new.name)

    def compare(self) -> None:
        """Compare all types that are declared; those derived from parameters are compared as parameters."""
        for name, new in self._new.items():
            if name not in self._old and not _derived(new):
                self._changes.add("type-added", _place(new), self._flow_after.direction(name))
        for name, old in self._old.items():
            namesake = self._new.get(name)
            if namesake is None:
                if not _derived(old):
                    self._changes.add("type-removed", _place(old), self._flow_before.direction(name))
            elif not (_derived(old) or _derived(namesake)):
                self._pair(name, old, namesake)

    def _pair(self, name: str, old: NamedType, new: NamedType) -> None:
        place = _place(new)
        before, after = self._flow_before.direction(name), self._flow_after.direction(name)
        self._directions(before, after, place)
        self._type_notes(old, new, place)
        # What is only about to be sent or received cannot break on that side.
        self.named(old, new, place, (before & after) or before | after)

    def _directions(self, before: Direction, after: Direction, place: Place) -> None:
        for direction, what in ((Direction.SENT, "sending"), (Direction.RECEIVED, "receiving")):
            if before and after and (direction in before) != (direction in after):
                rule = f"{what}-{'begun' if direction in after else 'ended'}"
                self._changes.add(rule, place, direction)

    def _type_notes(self, old: NamedType, new: NamedType, place: Place) -> None:
        if old.module != new.module:
            self._changes.add("type-moved", place, _BOTH, old.module, new.module)
        if old.description != new.description:
            self._changes.add("type-description", place, _BOTH)
        if old.deprecated != new.deprecated:
            self._changes.add(f"type-{'' if new.deprecated else 'un'}deprecated", place, _BOTH)


class _Errors:
    def __init__(self, old: Contract, new: Contract, changes: Changes) -> None:
        self._old = old
        self._new = new
        self._changes = changes

    def compare(self) -> None:
        for name, new in self._new.errors.items():
            if name not in self._old.errors:
                self._say("error-added", new, "", new.class_name)
        for name, old in self._old.errors.items():
            if name in self._new.errors:
                self._pair(old, self._new.errors[name])
            else:
                self._say("error-removed", old, old.class_name)

    def _pair(self, old: ErrorKind, new: ErrorKind) -> None:
        if old.code != new.code:
            self._say("error-code", new, str(old.code), str(new.code))
        if old.message != new.message:
            self._say("error-message", new)
        if old.description != new.description:
            self._say("error-description", new)
        if old.class_name != new.class_name:
            self._say("error-class", new, old.class_name, new.class_name)
        self._bases(old, new)
        self._attributes(old, new)
        if old.data != new.data:
            what = "added" if old.data is None else "removed" if new.data is None else "type"
            self._say(f"error-data-{what}", new, old.data or "", new.data or "")

    def _bases(self, old: ErrorKind, new: ErrorKind) -> None:
        before, after = _bases(old, self._old), _bases(new, self._new)
        for base in before:
            if base not in after:
                self._say("error-base-lost", new, base)
        for base in after:
            if base not in before:
                self._say("error-base-gained", new, "", base)

    def _attributes(self, old: ErrorKind, new: ErrorKind) -> None:
        before, after = dict(old.attributes), dict(new.attributes)
        for name, type_ in after.items():
            if name not in before:
                self._say("error-attribute-added", new, "", name)
            elif before[name] != type_:
                self._say("error-attribute-type", new, f"{name}: {before[name]}", f"{name}: {type_}")
        for name in before:
            if name not in after:
                self._say("error-attribute-removed", new, name)

    def _say(self, rule: str, kind: ErrorKind, old: str = "", new: str = "") -> None:
        self._changes.add(rule, Place(kind.name, kind.module, kind.pointer), Direction.RECEIVED, old, new)


def _bases(kind: ErrorKind, contract: Contract) -> list[str]:
    """Return the names of all classes that the class of an error derives from."""
    by_class = {other.class_name: other.base for other in contract.errors.values()}
    bases: list[str] = []
    base = kind.base
    while base is not None and base not in bases:
        bases.append(base)
        base = by_class.get(base)
    return bases


def _derived(named: NamedType) -> bool:
    return isinstance(named, StructType) and named.method is not None


def _place(named: NamedType) -> Place:
    return Place(named.name, named.module, named.pointer)
