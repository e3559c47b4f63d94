"""Modules whose names are imported at their first use (PEP 562)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


def attributes(
    namespace: dict[str, Any],
    homes: Mapping[str, str],
    aliases: Mapping[str, str] | None = None,
    *,
    modules: Collection[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the functions ``__getattr__`` and ``__dir__`` of a module.

    Args:
        namespace: The module's ``globals()``; names are kept there once they are imported.
        homes: The modules of its names.
        aliases: More names, and those of ``homes`` that they stand for.
        modules: Its public submodules.
    """
    module = namespace["__name__"]
    others = aliases or {}

    def getattr_(name: str) -> Any:
        if name in modules:
            return import_module(f"{module}.{name}")  # which makes it an attribute
        home = homes.get(others.get(name, name))
        if home is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = namespace[name] = getattr(import_module(home), others.get(name, name))
        return value

    def dir_() -> list[str]:
        return sorted({*namespace, *homes, *others, *modules})

    return getattr_, dir_
