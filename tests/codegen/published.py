"""Folders of published schemas, made from the compact files in ``tests/data/upstream``, to be spoilt by tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegen.raw import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).resolve().parents[1] / "data" / "upstream"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Release:
    """What one version of the runtime publishes.

    Attributes:
        types: Every definition by name; what is changed here changes wherever it stands.
        roots: Names of the types that each file has at its top level.
        odd: Entries of the files that are no schemas.
        methods: The methods of ``rpc-methods.json``.
        notifications: Its notifications.
        values: Content of ``auth-connection-contracts.json``.
        more: Further files, by name.
    """

    def __init__(self, version: str = "0.6.5") -> None:
        self.version = version
        base = _read("0.6.5")
        self.types: dict[str, Any] = base["types"]
        self.roots: dict[str, list[str]] = base["roots"]
        self.odd: dict[str, dict[str, Any]] = base["odd"]
        self.methods: list[dict[str, Any]] = base["methods"]
        self.notifications: list[dict[str, Any]] = base["notifications"]
        self.values: dict[str, Any] = base["values"]
        self.more: dict[str, Any] = {}
        self._other: dict[str, Any] = base["other"]
        if version != "0.6.5":
            later = _read(version)
            self.types.update(later["types"])
            self.methods += later["methods"]
            for file, names in later["roots"].items():
                self.roots[file] += names

    def method(self, name: str) -> dict[str, Any]:
        """Return the entry of a method."""
        return next(method for method in self.methods if method["name"] == name)

    def write(self, directory: Path) -> Path:
        """Write the folder and return it."""
        directory.mkdir(parents=True, exist_ok=True)
        files: dict[str, Any] = {
            "version.json": {"contract_version": self.version},
            "rpc-methods.json": {"methods": self.methods, "notifications": self.notifications},
            "auth-connection-contracts.json": self.values,
            "rest-openapi.json": {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {}}},
            **{file: self._file(file) for file in self.roots},
            **self.more,
        }
        for name, content in files.items():
            (directory / name).write_text(json.dumps(content), "utf-8")
        return directory

    def _file(self, file: str) -> dict[str, Any]:
        return {**{name: self._root(name) for name in self.roots[file]}, **self.odd.get(file, {})}

    def _root(self, root: str) -> Any:
        needed: dict[str, Any] = {}
        pending = list(_refs(self._definition(root, root)))
        while pending:
            name = pending.pop()
            if name not in needed and name in self.types:
                needed[name] = self._definition(name, root)
                pending += _refs(needed[name])
        schema = self._definition(root, root)
        if not is_object(schema):
            return schema
        return {"$schema": DRAFT, **schema, **({"$defs": dict(sorted(needed.items()))} if needed else {})}

    def _definition(self, name: str, root: str) -> Any:
        other = self._other.get(name)
        return other["schema"] if other is not None and root in other["roots"] else self.types[name]


def _read(version: str) -> Any:
    return json.loads((DATA / f"{version}.json").read_text("utf-8"))


def _refs(value: Any) -> Iterator[str]:
    if is_object(value):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner.rpartition("/")[2]
            else:
                yield from _refs(inner)
    elif is_array(value):
        for inner in value:
            yield from _refs(inner)
