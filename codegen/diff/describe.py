"""Types in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.ir import AnyJson, Choice, ListOf, MapOf, Nullable, Ref, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.ir import Type


def describe(type_: Type, label: Callable[[str], str]) -> str:
    """Return a type in a few words; ``label`` gives the text of a reference."""
    match type_:
        case Scalar(kind=kind, format=format_):
            return f"{kind} ({format_})" if format_ else kind
        case AnyJson():
            return "any JSON"
        case Ref(name=name):
            return label(name)
        case ListOf(item=item):
            return f"[{describe(item, label)}]"
        case MapOf(value=value):
            return f"{{{describe(value, label)}}}"
        case Choice(values=values):
            return " | ".join(f'"{value}"' for value in values)
        case Nullable(inner=inner):
            return f"{describe(inner, label)} | null"
