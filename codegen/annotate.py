"""Types of the contract as Python annotations, with the imports that they need."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

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
    Type,
    UntaggedUnion,
)  # fmt: skip

if TYPE_CHECKING:
    from codegen.flow import Flow
    from codegen.ir import NamedType

PACKAGE = "meerkat._generated"
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


class Imports:
    """Names that a module imports.

    Args:
        module: Name of the module, which need not import its own names.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._names: dict[str, set[str]] = defaultdict(set)
        self._modules: set[str] = set()

    def use(self, module: str, *names: str) -> None:
        """Import names of a module."""
        if module != self._module:
            self._names[module].update(names)

    def use_module(self, module: str) -> None:
        """Import a module."""
        self._modules.add(module)

    def lines(self) -> list[str]:
        """Return the statements; ruff puts them in order."""
        return [
            *(f"import {module}" for module in sorted(self._modules)),
            *(f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(self._names.items())),
        ]


def types_module(named: NamedType) -> str:
    """Return the full name of the module that a type lives in."""
    return f"{PACKAGE}.types.{named.module}"


class Annotator:
    """Writes annotations of one module.

    Args:
        types: All named types.
        flow: Who writes them.
        imports: Takes what the annotations need.
        shadowed: Names of builtins that mean something else where the annotations stand.
    """

    def __init__(
        self, types: dict[str, NamedType], flow: Flow, imports: Imports, shadowed: frozenset[str] = frozenset()
    ) -> None:
        self._types = types
        self._flow = flow
        self._imports = imports
        self._shadowed = shadowed

    def builtin(self, name: str) -> str:
        """Return a builtin's name, qualified where the bare one means something else."""
        if name not in self._shadowed:
            return name
        self._imports.use_module("builtins")
        return f"builtins.{name}"

    def typing(self, name: str) -> str:
        """Return a name of ``typing``."""
        self._imports.use("typing", name)
        return name

    def name(self, name: str) -> str:
        """Return the name of a type of the contract."""
        self._imports.use(types_module(self._types[name]), name)
        return name

    def exact(self, type_: Type, *, sent_only: bool) -> str:
        """Return the type as it is decoded.

        Args:
            type_: The type.
            sent_only: Whether only the client writes it, so that enums in place are closed.
        """
        match type_:
            case AnyJson():
                return self.typing("Any")
            case Scalar(kind=kind):
                return "None" if kind == "null" else self.builtin(_SCALARS[kind])
            case Ref(name=name):
                return self.name(name)
            case Choice(values=values):
                return self.literal(values) if sent_only else self.builtin("str")
            case ListOf(item=item):
                return f"{self.builtin('list')}[{self.exact(item, sent_only=sent_only)}]"
            case MapOf(value=value):
                return f"{self.builtin('dict')}[{self.builtin('str')}, {self.exact(value, sent_only=sent_only)}]"
            case Nullable(inner=inner):
                return f"{self.exact(inner, sent_only=sent_only)} | None"

    def limited(self, type_: Type) -> str | None:
        """Return a type with its limits, or ``None`` when it has none; what a struct in it holds is its own affair."""
        match type_:
            case Nullable(inner=wrapped):
                inner = self.limited(wrapped)
                return f"{self.typing('Optional')}[{inner}]" if inner else None  # evaluated, so `|` will not do
            case Ref(name=name):
                named = self._types[name]
                return self.limited(named.type) if isinstance(named, Alias) else None
            case Scalar(kind=kind):
                limits = bounds(type_)
                return self._within(self.builtin(_SCALARS[kind]), limits) if limits else None
            case ListOf(item=item):
                inner, limits = self.limited(item), bounds(type_)
                if not (inner or limits):
                    return None
                return self._within(f"{self.builtin('list')}[{inner or self.typing('Any')}]", limits)
            case MapOf(value=value):
                inner = self.limited(value)
                return f"{self.builtin('dict')}[{self.builtin('str')}, {inner}]" if inner else None
            case _:
                return None

    def _within(self, name: str, limits: dict[str, float]) -> str:
        if not limits:
            return name
        self._imports.use("msgspec", "Meta")
        return f"{self.typing('Annotated')}[{name}, Meta({', '.join(f'{key}={at}' for key, at in limits.items())})]"

    def accepted(self, type_: Type) -> str:
        """Return what a caller may give: besides the type itself, the JSON that it stands for."""
        return _union(self._accepted(type_))

    def literal(self, values: tuple[str, ...]) -> str:
        """Return a ``Literal``."""
        return f"{self.typing('Literal')}[{', '.join(json.dumps(value, ensure_ascii=False) for value in values)}]"

    def _accepted(self, type_: Type) -> list[str]:
        match type_:
            case Ref(name=name):
                return self._accepted_name(name)
            case ListOf(item=item):
                self._imports.use("collections.abc", "Sequence")
                return [f"Sequence[{self.accepted(item)}]"]
            case MapOf(value=value):
                return [f"{self._mapping()}[{self.builtin('str')}, {self.accepted(value)}]"]
            case Nullable(inner=inner):
                return [*self._accepted(inner), "None"]
            case _:
                return [self.exact(type_, sent_only=True)]

    def _accepted_name(self, name: str) -> list[str]:
        own = self.name(name)
        match self._types[name]:
            case StructType() | TaggedUnion():
                return [own, f"{self._mapping()}[{self.builtin('str')}, {self.typing('Any')}]"]
            case EnumType():
                return [own] if self._flow.sent_only(name) else [own, self.builtin("str")]
            case UntaggedUnion(members=members):
                parts = [part for member in members for part in self._accepted(member)]
                return [own, *(part for part in parts if self._adds(part))]
            case Alias(type=type_):
                return [own, *(part for part in self._accepted(type_) if self._adds(part))]

    def _adds(self, part: str) -> bool:
        # A scalar of a union or the text behind an id is part of the alias already.
        return "[" in part and not part.startswith("Literal[")

    def _mapping(self) -> str:
        self._imports.use("collections.abc", "Mapping")
        return "Mapping"


def bounds(type_: Type) -> dict[str, float]:
    """Return the limits of a type itself, by their names in msgspec."""
    match type_:
        case Scalar(minimum=low, maximum=high, min_length=least, max_length=most):
            limits = {"ge": low, "le": high, "min_length": least, "max_length": most}
        case ListOf(min_items=least, max_items=most):
            limits = {"min_length": least, "max_length": most}
        case _:
            return {}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _union(parts: list[str]) -> str:
    distinct = list(dict.fromkeys(parts))
    return "Any" if "Any" in distinct else " | ".join(distinct)
