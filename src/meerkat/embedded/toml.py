"""Writes a configuration as TOML; the standard library only reads it."""

from __future__ import annotations

import json
import re
from typing import Any

from meerkat._core.codec import is_array, is_object

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dumps(document: dict[str, Any]) -> str:
    """Write a document; what is ``None`` is left out, since TOML has no null."""
    lines: list[str] = []
    _table(lines, (), document)
    return "\n".join(lines).strip() + "\n"


def _table(lines: list[str], path: tuple[str, ...], table: dict[str, Any]) -> None:
    plain = {key: value for key, value in table.items() if value is not None and not is_object(value)}
    tables = {key: value for key, value in table.items() if is_object(value)}
    if path and (plain or not tables):
        lines += ["", f"[{'.'.join(map(_key, path))}]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in tables.items():
        _table(lines, (*path, key), value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if is_array(value):
        return f"[{', '.join(_value(item) for item in value if item is not None)}]"
    if is_object(value):
        items = (f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {', '.join(items)} }}"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def _string(text: str) -> str:
    # A JSON string is a basic string of TOML, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
