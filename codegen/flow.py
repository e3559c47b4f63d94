"""What follows from the contract as a whole: who writes a type, which file needs which, in what order to declare."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from codegen.ir import (
    Alias,
    Choice,
    Contract,
    Direction,
    ListOf,
    MapOf,
    NamedType,
    Nullable,
    Ref,
    StructType,
    TaggedUnion,
    Type,
    UntaggedUnion,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def refs_of_type(type_: Type) -> Iterator[str]:
    """Yield the names that a type refers to."""
    match type_:
        case Ref(name=name):
            yield name
        case ListOf(item=inner) | MapOf(value=inner) | Nullable(inner=inner):
            yield from refs_of_type(inner)
        case _:
            return


def refs(named: NamedType) -> Iterator[str]:
    """Yield the names that a named type refers to."""
    match named:
        case StructType(properties=properties, base=base):
            if base is not None:
                yield base
            for item in properties:
                yield from refs_of_type(item.type)
        case TaggedUnion(arms=arms):
            for _, arm in arms:
                yield arm
        case UntaggedUnion(members=members):
            for member in members:
                yield from refs_of_type(member)
        case Alias(type=type_):
            yield from refs_of_type(type_)
        case _:
            return


class Flow:
    """Answers questions about a contract.

    Args:
        contract: The contract.
    """

    def __init__(self, contract: Contract) -> None:
        self._types = contract.types
        self._directions: dict[str, Direction] = dict.fromkeys(contract.types, Direction.NONE)
        for method in contract.methods:
            asks = Direction.RECEIVED if method.from_server else Direction.SENT
            answers = Direction.SENT if method.from_server else Direction.RECEIVED
            if method.params_type is not None:
                self._reach(method.params_type, asks)
            for name in refs_of_type(method.result) if method.result is not None else ():
                self._reach(name, answers)
        for error in contract.errors.values():
            for name in (*(target for _, target in error.attributes), *filter(None, [error.data])):
                self._reach(name, Direction.RECEIVED)
        self._based = {
            arm: named
            for named in contract.types.values()
            if isinstance(named, TaggedUnion) and named.base is not None
            for _, arm in named.arms
        }

    def _reach(self, start: str, direction: Direction) -> None:
        pending = [start]
        while pending:
            name = pending.pop()
            if name in self._directions and direction not in self._directions[name]:
                self._directions[name] |= direction
                pending += refs(self._types[name])

    def direction(self, name: str) -> Direction:
        """Return who writes a type."""
        return self._directions[name]

    def sent_only(self, name: str) -> bool:
        """Whether only the client ever writes a type."""
        return self._directions[name].sent_only

    def based_on(self, arm: str) -> TaggedUnion | None:
        """Return the union whose common base class a struct has."""
        return self._based.get(arm)

    def module_graph(self) -> dict[str, dict[str, str]]:
        """Return, for each module, the modules that it needs, each with one type that needs it."""
        graph: dict[str, dict[str, str]] = defaultdict(dict)
        for named in self._types.values():
            for name in refs(named):
                target = self._types.get(name)
                if target is not None and target.module != named.module:
                    graph[named.module].setdefault(target.module, named.name)
        return dict(graph)

    def module_cycle(self) -> list[str] | None:
        """Return modules that need each other in a circle, or ``None``."""
        return _cycle({module: sorted(needs) for module, needs in self.module_graph().items()})

    def statement_cycle(self) -> list[str] | None:
        """Return types that cannot be declared one after the other, or ``None``: aliases of aliases, bases of bases."""
        return _cycle({name: sorted(self._at_import(named)) for name, named in sorted(self._types.items())})

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Return the names so that each statement comes after those that it needs when it runs."""
        wanted = sorted(names)
        done: dict[str, None] = {}

        def visit(name: str) -> None:
            if name in done:
                return
            for needed in sorted(self._at_import(self._types[name])):
                if needed in wanted:
                    visit(needed)
            done[name] = None

        for name in wanted:
            visit(name)
        return list(done)

    def _at_import(self, named: NamedType) -> set[str]:
        """Return the names that must exist when the declaration of a type runs."""
        if isinstance(named, StructType):
            return {named.base} if named.base is not None else set()
        return {name for name in refs(named) if name in self._types}


def has_choice(type_: Type) -> bool:
    """Whether an enum without a name stands in a type."""
    match type_:
        case Choice():
            return True
        case ListOf(item=inner) | MapOf(value=inner) | Nullable(inner=inner):
            return has_choice(inner)
        case _:
            return False


def _cycle(graph: dict[str, list[str]]) -> list[str] | None:
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str] | None:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return None
        done.add(node)
        for target in graph.get(node, ()):
            found = visit(target, [*path, node])
            if found:
                return found
        return None

    for node in sorted(graph):
        found = visit(node, [])
        if found:
            return found
    return None
