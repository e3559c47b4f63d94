"""Walks through decoded values: what is unknown in them, and what of their JSON they lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from meerkat._core.codec import is_array, is_object
from meerkat._core.model import Model, OpenStrEnum, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator


def unknowns(value: object, path: str = "$") -> Iterator[str]:
    """Say where a decoded value holds what the contract does not list: union arms and enum values."""
    if isinstance(value, Unknown):
        yield f"{path}: {value!r}"
    elif isinstance(value, OpenStrEnum):
        if not value.is_known:
            yield f"{path}: {type(value).__name__} has no value {str(value)!r}"
    elif isinstance(value, Model):
        for name in value.__struct_fields__:
            yield from unknowns(getattr(value, name), f"{path}.{name}")
    elif is_object(value):
        for key, item in value.items():
            yield from unknowns(item, f"{path}.{key}")
    elif is_array(value):
        for index, item in enumerate(value):
            yield from unknowns(item, f"{path}[{index}]")


def losses(wire: Any, value: object, again: Any, path: str = "$") -> Iterator[str]:
    """Say what of a JSON value was lost or altered on its way through the types and back.

    Exactly two differences are allowed, and only in a struct: a field that came as ``null`` and reads ``None``, and
    one that came with its contract default, are left out when the struct is encoded again. Whole numbers may come
    back as floats of the same value where the contract says ``number``.

    Args:
        wire: The JSON as it came.
        value: What it was decoded to.
        again: What that was encoded to.
        path: Where in the JSON this is.
    """
    if is_object(wire) and is_object(again):
        for key in again.keys() - wire.keys():
            yield f"{path}.{key}: appeared as {again[key]!r}"
        for key, item in wire.items():
            inner = _inner(value, key)
            if key in again:
                yield from losses(item, inner, again[key], f"{path}.{key}")
            elif not (isinstance(value, Model) and _is_default(value, key, item)):
                yield f"{path}.{key}: lost {item!r}"
    elif is_array(wire) and is_array(again):
        if len(wire) != len(again):
            yield f"{path}: {len(wire)} items became {len(again)}"
        items: list[Any] = value if is_array(value) else [None] * len(wire)
        for index, (item, inner, other) in enumerate(zip(wire, items, again, strict=False)):
            yield from losses(item, inner, other, f"{path}[{index}]")
    elif wire != again or isinstance(wire, bool) != isinstance(again, bool):
        yield f"{path}: {wire!r} became {again!r}"


def _inner(value: object, key: str) -> object:
    if isinstance(value, Model) and key in value:
        return value[key]
    return value.get(key) if is_object(value) else None


def _is_default(value: Model, key: str, wire: Any) -> bool:
    """Whether a field is absent from the encoding because the wire gave it as null or with its default."""
    for info in msgspec.structs.fields(value):
        if info.encode_name == key:
            default = info.default_factory() if info.default_factory is not msgspec.NODEFAULT else info.default
            return bool(getattr(value, info.name) == default == wire)
    return False
