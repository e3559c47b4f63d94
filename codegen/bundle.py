"""Merges the YAML files of the contract into one canonical OpenRPC document, and finds the way back for messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from codegen.problems import Problem, Problems, pointer, split_pointer
from codegen.raw import is_array, is_object
from codegen.source import Source

if TYPE_CHECKING:
    from pathlib import Path

_PLAIN_FILES = ("info", "extensions", "domains")
_ERROR_KEYS = frozenset({"code", "message"})


class Bundle:
    """The contract as one document.

    Args:
        directory: Directory of the YAML files.

    Attributes:
        document: The OpenRPC document, with an `x-module` on every method, type and error: the file it comes from.
        extensions: Content of ``extensions.yaml``.
        domains: Content of ``domains.yaml``, which only the reference needs; ``None`` where there is none.
        problems: What was wrong so far.
    """

    def __init__(self, directory: Path) -> None:
        self.problems = Problems()
        self._sources = {path.stem: Source(path, self.problems) for path in sorted(directory.glob("*.yaml"))}
        self._methods: list[tuple[str, int]] = []
        self._schemas: dict[str, Any] = {}
        self._errors: dict[str, Any] = {}
        self._error_extras: dict[str, Any] = {}
        self.extensions: dict[str, Any] = self._plain("extensions", directory)
        self.domains = self._plain("domains", directory) if "domains" in self._sources else None
        info = self._plain("info", directory)
        methods: list[tuple[dict[str, Any], str, int]] = []
        for stem, source in self._sources.items():
            if stem not in _PLAIN_FILES:
                methods += self._merge(stem, source)
        methods.sort(key=lambda item: item[0]["name"])
        self._methods = [(stem, index) for _, stem, index in methods]
        self.document: dict[str, Any] = {
            **info,
            "methods": [method for method, _, _ in methods],
            "components": {"errors": self._errors, "schemas": self._schemas, "x-errors": self._error_extras},
        }

    def text(self) -> str:
        """Return the document in canonical form: sorted keys, one line per value, LF."""
        return json.dumps(self.document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    def locate(self, problem: Problem) -> Problem:
        """Say in which file and line a problem of the bundled document was written."""
        if problem.file:
            return problem
        match split_pointer(problem.pointer):
            case ["methods", index, *rest] if int(index) < len(self._methods):
                stem, position = self._methods[int(index)]
                where = pointer("methods", position, *rest)
            case ["components", "schemas", name, *rest] if name in self._schemas:
                stem = self._schemas[name]["x-module"]
                where = pointer("components", "schemas", name, *rest)
            case ["components", "errors" | "x-errors", name, *rest] if name in self._error_extras:
                stem = self._error_extras[name]["x-module"]
                where = pointer("components", "errors", name, *rest)
            case ["domains" | "extensions" as stem, *rest]:
                where = pointer(*rest)
            case _:
                stem, where = "info", problem.pointer
        source = self._sources.get(stem)
        if source is None:
            return problem
        return problem._replace(file=source.name, pointer=where, line=source.line(where))

    def _plain(self, stem: str, directory: Path) -> dict[str, Any]:
        source = self._sources.get(stem)
        if source is None:
            self.problems.add("files", "", f"the contract has no {stem}.yaml", file=f"{directory.name}/{stem}.yaml")
            return {}
        if not is_object(source.data):
            self.problems.add("files", "", "the file must hold an object", file=source.name, line=1)
            return {}
        return source.data

    def _merge(self, stem: str, source: Source) -> list[tuple[dict[str, Any], str, int]]:
        data = self._object(source, (), source.data, {"methods", "components"})
        components = self._object(source, ("components",), data.get("components", {}), {"schemas", "errors"})
        for name, schema in self._entries(source, "schemas", components, self._schemas):
            self._schemas[name] = {**schema, "x-module": stem}
        for name, error in self._entries(source, "errors", components, self._error_extras):
            # OpenRPC allows no extensions in an error object, so what is ours stands beside it.
            self._errors[name] = {key: value for key, value in error.items() if key in _ERROR_KEYS}
            extras = {key: value for key, value in error.items() if key not in _ERROR_KEYS}
            self._error_extras[name] = {**extras, "x-module": stem}
        methods: list[tuple[dict[str, Any], str, int]] = []
        listed: Any = data.get("methods", [])
        if not is_array(listed):
            self._wrong(source, "structure", ("methods",), "`methods` must be a list")
            return methods
        for index, method in enumerate(listed):
            if not is_object(method) or not isinstance(method.get("name"), str):
                self._wrong(source, "structure", ("methods", index), "a method must be an object with a `name`")
                continue
            self._refuse_bundled(source, ("methods", index), method, "paramStructure", "x-module")
            methods.append(({**method, "paramStructure": "by-name", "x-module": stem}, stem, index))
        return methods

    def _entries(
        self, source: Source, kind: str, components: dict[str, Any], merged: dict[str, Any]
    ) -> list[tuple[str, dict[str, Any]]]:
        entries: list[tuple[str, dict[str, Any]]] = []
        for name, value in self._object(source, ("components", kind), components.get(kind, {}), None).items():
            where = ("components", kind, name)
            if not is_object(value):
                self._wrong(source, "structure", where, "an object is expected here")
            elif name in merged:
                other = merged[name]["x-module"]
                self._wrong(source, "duplicate-name", where, f"`{name}` is declared in {other}.yaml already")
            else:
                self._refuse_bundled(source, where, value, "x-module")
                entries.append((name, value))
        return entries

    def _object(self, source: Source, path: tuple[str | int, ...], value: Any, keys: set[str] | None) -> dict[str, Any]:
        if not is_object(value):
            self._wrong(source, "structure", path, "an object is expected here")
            return {}
        for key in value:
            if keys is not None and key not in keys:
                allowed = ", ".join(sorted(keys))
                self._wrong(source, "unknown-keyword", (*path, key), f"`{key}` is not known here; known are {allowed}")
        return value

    def _refuse_bundled(self, source: Source, path: tuple[str | int, ...], value: dict[str, Any], *keys: str) -> None:
        for key in keys:
            if key in value:
                self._wrong(source, "unknown-keyword", (*path, key), f"`{key}` is added by bundling; leave it out")

    def _wrong(self, source: Source, rule: str, path: tuple[str | int, ...], message: str) -> None:
        where = pointer(*path)
        self.problems.add(rule, where, message, file=source.name, line=source.line(where))
