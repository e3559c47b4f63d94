"""Looking into JSON values of unknown shape."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def items(value: object) -> list[Any]:
    """Return the items of a JSON array, or nothing for anything else."""
    return value if is_array(value) else []


def strings(value: object) -> list[str]:
    """Return the strings of a JSON array, or nothing for anything else."""
    return [item for item in items(value) if isinstance(item, str)]


def text(value: object) -> str | None:
    """Return a text, or nothing for what is none."""
    return value if isinstance(value, str) else None
