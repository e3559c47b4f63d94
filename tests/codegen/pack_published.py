"""Makes a compact file of a folder of published schemas: ``python -m tests.codegen.pack_published DIR``.

The result goes to ``tests/data/upstream`` when the contract moves to another version. Prose is left out, and so is what
the comparison does not read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from codegen.raw import is_array, is_object
from codegen.upstream.folder import METHODS, SCHEMAS, VALUES, VERSION

PROSE = frozenset({"title", "description", "$schema"})


def pack(folder: Path) -> dict[str, Any]:
    """Return the compact form of a folder."""
    content = {path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}
    types: dict[str, Any] = {}
    other: dict[str, Any] = {}
    roots: dict[str, list[str]] = {}
    odd: dict[str, dict[str, Any]] = {}
    for file in SCHEMAS:
        roots[file] = []
        for root, schema in content.get(file, {}).items():
            if not is_object(schema) or not {"type", "oneOf", "anyOf", "allOf", "enum", "$ref"} & set(schema):
                odd.setdefault(file, {})[root] = schema
                continue
            roots[file].append(root)
            own = {key: value for key, value in schema.items() if key != "$defs"}
            for name, definition in [(root, own), *schema.get("$defs", {}).items()]:
                plain = without_prose(definition)
                if types.setdefault(name, plain) != plain:
                    entry = other.setdefault(name, {"schema": plain, "roots": []})
                    if entry["schema"] != plain:
                        sys.exit(f"{file}: {name} has a third definition in {root}, which a compact file cannot hold")
                    entry["roots"].append(root)
    methods: Any = content[METHODS]
    return {
        "version": content.get(VERSION, {}).get("contract_version", ""),
        "methods": without_prose(methods["methods"]),
        "notifications": without_prose(methods["notifications"]),
        "roots": roots,
        "odd": odd,
        "other": other,
        "values": content.get(VALUES, {}),
        "types": types,
    }


def without_prose(value: Any, *, names: bool = False) -> Any:
    """Return a schema without its prose; ``names`` says that the keys of an object are names and not keywords."""
    if is_array(value):
        return [without_prose(item) for item in value]
    if not is_object(value):
        return value
    return {
        key: without_prose(item, names=not names and key in {"properties", "$defs"})
        for key, item in value.items()
        if names or key not in PROSE
    }


def text_of(packed: dict[str, Any]) -> str:
    """Return a compact file: one line a definition, so that a change of one shows as one."""
    parts = [
        f'"{key}": {_lines(value) if key in {"methods", "types"} else _line(value)}' for key, value in packed.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(value: Any) -> str:
    if is_array(value):
        return "[\n" + ",\n".join(_line(item) for item in value) + "\n]"
    entries: dict[str, Any] = value
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_line(entries[key])}" for key in sorted(entries)) + "\n}"


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


if __name__ == "__main__":
    sys.stdout.write(text_of(pack(Path(sys.argv[1]))))
