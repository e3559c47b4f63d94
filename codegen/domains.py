"""Reads ``domains.yaml``: into which pages the method reference is divided."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from codegen.ir import Domain
from codegen.problems import pointer
from codegen.raw import is_object, items, strings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codegen.problems import Problems

_REQUIRED = frozenset({"name", "title", "description", "files"})
# Pages of the reference that belong to no domain.
_TAKEN = frozenset({"readme", "types"})
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


def load_domains(declared: Mapping[str, Any] | None, modules: Sequence[str], problems: Problems) -> tuple[Domain, ...]:
    """Read the domains.

    Args:
        declared: Content of ``domains.yaml``, ``None`` where there is none.
        modules: Names of the other files of the contract.
        problems: Takes what is wrong, with pointers that begin with ``/domains``.
    """
    if declared is None:
        problems.add("files", "", "the contract has no domains.yaml", file="contract/domains.yaml")
        return ()
    reader = _Reader(frozenset(modules), problems)
    for key in sorted(set(declared) - {"domains"}):
        problems.add("unknown-keyword", pointer("domains", key), f"`{key}` is not known here; known is domains")
    for index, entry in enumerate(items(declared.get("domains"))):
        reader.read(entry, ("domains", "domains", index))
    for module in modules:
        if module not in reader.owners:
            reader.wrong(("domains", "domains"), f"no domain has the file `{module}`; add it to the `files` of one")
    return tuple(reader.domains.values())


class _Reader:
    def __init__(self, modules: frozenset[str], problems: Problems) -> None:
        self._modules = modules
        self._problems = problems
        self.domains: dict[str, Domain] = {}
        self.owners: dict[str, str] = {}

    def wrong(self, path: tuple[str | int, ...], message: str) -> None:
        self._problems.add("domain", pointer(*path), message)

    def read(self, entry: Any, path: tuple[str | int, ...]) -> None:
        if not is_object(entry) or {*entry} - {"parent"} != {*_REQUIRED}:
            self.wrong(path, "a domain has `name`, `title`, `description` and `files`, and may have a `parent`")
            return
        name, files = str(entry["name"]), strings(entry["files"])
        if not _NAME.match(name):
            self.wrong((*path, "name"), f"`{name}` is not in lower case with hyphens")
        elif name in self.domains or name in _TAKEN:
            self.wrong((*path, "name"), f"`{name}` is the name of another page")
        parent: str | None = entry.get("parent")
        if parent is not None and (parent not in self.domains or self.domains[parent].parent is not None):
            self.wrong((*path, "parent"), f"`{parent}` is no domain further up, or has a parent itself")
        if not files:
            self.wrong((*path, "files"), "a domain has at least one file")
        for file in files:
            if file not in self._modules:
                self.wrong((*path, "files"), f"the contract has no {file}.yaml, or it holds nothing")
            elif self.owners.setdefault(file, name) != name or files.count(file) > 1:
                self.wrong((*path, "files"), f"`{file}` belongs to the domain {self.owners[file]} already")
        description = str(entry["description"]).strip()
        if not description.endswith("."):
            self._problems.add("sentence", pointer(*path), "a description ends with a full stop")
        self.domains.setdefault(
            name,
            Domain(name=name, title=str(entry["title"]), description=description, parent=parent, modules=tuple(files)),
        )
