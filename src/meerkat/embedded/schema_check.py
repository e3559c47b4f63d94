"""Checks JSON against a JSON Schema: the keywords that output schemas use, no more."""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from meerkat._core.codec import is_array, is_object

_NAMES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def fault(schema: Any, value: Any) -> str | None:
    """Say the first thing that is wrong with a value, or ``None``.

    Known are ``type``, ``enum``, ``const``, ``required``, ``properties``, ``additionalProperties``, ``items``,
    the limits of numbers, strings and arrays, and ``anyOf``, ``oneOf``, ``allOf``. Other keywords are ignored.
    """
    if schema is False:
        return f"{_show(value)} is not allowed"
    if not is_object(schema):
        return None
    for check in (_type_fault, _value_fault, _limit_fault, _object_fault, _array_fault, _combination_fault):
        found = check(schema, value)
        if found is not None:
            return found
    return None


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; unlike in Python, true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if is_array(one) and is_array(other):
        return len(one) == len(other) and all(map(_same, one, other))
    if is_object(one) and is_object(other):
        return one.keys() == other.keys() and all(_same(item, other[key]) for key, item in one.items())
    return bool(one == other)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is(name: object, value: Any) -> bool:
    if name == "number":
        return _is_number(value)
    if name == "integer":
        return _is_number(value) and value == int(value)
    return isinstance(name, str) and name in _NAMES and isinstance(value, _NAMES[name])


def _type_fault(schema: dict[str, Any], value: Any) -> str | None:
    names = schema.get("type")
    if names is None:
        return None
    listed = names if is_array(names) else [names]
    if any(_is(name, value) for name in listed):
        return None
    return f"{_show(value)} is not of type {', '.join(_show(name) for name in listed)}"


def _value_fault(schema: dict[str, Any], value: Any) -> str | None:
    if "const" in schema and not _same(schema["const"], value):
        return f"{_show(schema['const'])} was expected"
    allowed = schema.get("enum")
    if is_array(allowed) and not any(_same(item, value) for item in allowed):
        return f"{_show(value)} is not one of {', '.join(_show(item) for item in allowed)}"
    return None


def _limit_fault(schema: dict[str, Any], value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        size, keys, what = value, ("minimum", "maximum"), "the"
    elif isinstance(value, str):
        size, keys, what = len(value), ("minLength", "maxLength"), "its length's"
    elif is_array(value):
        size, keys, what = len(value), ("minItems", "maxItems"), "its length's"
    else:
        return None
    low, high = schema.get(keys[0]), schema.get(keys[1])
    if _is_number(low) and size < low:
        return f"{_show(value)} is below {what} minimum of {low}"
    if _is_number(high) and size > high:
        return f"{_show(value)} is above {what} maximum of {high}"
    return None


def _object_fault(schema: dict[str, Any], value: Any) -> str | None:
    if not is_object(value):
        return None
    for name in schema.get("required", []):
        if name not in value:
            return f"{_show(name)} is a required property"
    known = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name not in known and rest is False:
            return f"{_show(name)} is not an allowed property"
        found = fault(known.get(name, rest), item)
        if found is not None:
            return found
    return None


def _array_fault(schema: dict[str, Any], value: Any) -> str | None:
    if not is_array(value):
        return None
    faults = (fault(schema.get("items", True), item) for item in value)
    return next((found for found in faults if found is not None), None)


def _combination_fault(schema: dict[str, Any], value: Any) -> str | None:
    for part in schema.get("allOf", []):
        found = fault(part, value)
        if found is not None:
            return found
    if "anyOf" in schema and all(fault(part, value) is not None for part in schema["anyOf"]):
        return f"{_show(value)} is not valid under any of the given schemas"
    if "oneOf" in schema and sum(fault(part, value) is None for part in schema["oneOf"]) != 1:
        return f"{_show(value)} is not valid under exactly one of the given schemas"
    return None
