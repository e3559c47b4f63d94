"""Finds published definitions: by the name of a type, and by references from where they stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from codegen.problems import pointer, split_pointer
from codegen.raw import is_array, is_object
from codegen.upstream.folder import OPENAPI

if TYPE_CHECKING:
    from codegen.upstream.folder import Folder

_COMPONENTS: Final = ("components", "schemas")


class Spot(NamedTuple):
    """Where a published schema stands.

    Attributes:
        file: The file.
        root: Path of the root schema in the file.
        path: Path below the root.
        name: The same in a form that lasts: the name of the type, then a JSON pointer into it in which the index of an
            arm is its tag value and that of an enum value the value. Corrections are filed under it.
    """

    file: str
    root: tuple[str, ...]
    path: tuple[str, ...]
    name: str

    @property
    def key(self) -> str:
        """File and JSON pointer."""
        return f"{self.file}#{pointer(*self.root, *self.path)}"

    def down(self, *path: str | int) -> Spot:
        """Return the spot of a part, with a name made of the same path."""
        steps = tuple(str(part) for part in path)
        return self._replace(path=(*self.path, *steps), name=self.name + pointer(*steps))

    def named(self, name: str) -> Spot:
        """Return the same spot under another name."""
        return self._replace(name=name)


class Definition(NamedTuple):
    """A published schema and where it stands."""

    schema: Any
    spot: Spot


class Published:
    """All definitions of a folder.

    Args:
        folder: The folder.

    Attributes:
        names: Names of all types that the schema files define, anywhere.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._roots: dict[str, list[Definition]] = {}
        self._local: dict[str, list[Definition]] = {}
        for file, content in folder.files.items():
            for name, schema in content.items():
                if _is_schema(schema):
                    self._root(file, (), name, schema)
                elif not is_object(schema) or "known_event_types" not in schema:
                    folder.notes.append(f"{file}#{pointer(name)} is no schema and was ignored")
        self.names = frozenset({*self._roots, *self._local})

    def _root(self, file: str, parents: tuple[str, ...], name: str, schema: Any) -> None:
        root = Spot(file, (*parents, name), (), name)
        self._roots.setdefault(name, []).append(Definition(schema, root))
        for keyword in ("$defs", "definitions"):
            local: Any = schema.get(keyword) if is_object(schema) else None
            for inner, definition in local.items() if is_object(local) else ():
                spot = root._replace(path=(keyword, inner), name=inner)
                self._local.setdefault(inner, []).append(Definition(definition, spot))

    def everywhere(self, name: str) -> list[Definition]:
        """Return the definitions of a name, one for each different content; roots come first."""
        found: dict[str, Definition] = {}
        for definition in (*self._roots.get(name, ()), *self._local.get(name, ())):
            found.setdefault(content_of(definition.schema), definition)
        return list(found.values())

    def named(self, name: str) -> Definition | None:
        """Return the definition that is meant by a name alone, or ``None`` when there is none in any file."""
        for known in (self._roots, self._local):
            if name in known:
                return known[name][0]
        for file, content in self._folder.later.items():
            parents = _COMPONENTS if file == OPENAPI else ()
            schemas: Any = content
            for step in parents:
                schemas = schemas.get(step) if is_object(schemas) else None
            if is_object(schemas) and _is_schema(schemas.get(name)):
                return Definition(schemas[name], Spot(file, (*parents, name), (), name))
        return None

    def referred(self, target: str, spot: Spot) -> Definition | None:
        """Return what a reference at a spot means, or ``None`` when it leads nowhere."""
        if target == "#":
            return self._at(spot, (), spot.root[-1])
        if not target.startswith("#/"):
            return None
        path = split_pointer(target[1:])
        if spot.root[:-1] == _COMPONENTS and tuple(path[:2]) == _COMPONENTS and len(path) == 3:
            return self._at(spot._replace(root=(*_COMPONENTS, path[2])), (), path[2])
        found = self._at(spot, tuple(path), path[-1] if len(path) == 2 else spot.root[-1] + target[1:])
        # A definition that was left out may stand elsewhere as a type of its own.
        return found if found is not None or len(path) != 2 else self.named(path[1])

    def _at(self, spot: Spot, path: tuple[str, ...], name: str) -> Definition | None:
        files = {**self._folder.later, **self._folder.files}
        found: Any = files.get(spot.file)
        for step in (*spot.root, *path):
            if is_object(found):
                found = found.get(step)
            elif is_array(found) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        return Definition(found, Spot(spot.file, spot.root, path, name)) if _is_schema(found) else None


_SCHEMA_KEYWORDS: Final = frozenset({
    "$ref", "$schema", "$defs", "type", "properties", "oneOf", "anyOf", "allOf", "enum", "const", "items",
    "additionalProperties", "not", "if",
})  # fmt: skip


def _is_schema(value: Any) -> bool:
    """Whether a value can be meant as a schema; some entries of the files are lists or tables of another kind."""
    return isinstance(value, bool) or (is_object(value) and (not value or not _SCHEMA_KEYWORDS.isdisjoint(value)))


def content_of(schema: Any) -> str:
    """Return the content of a definition as canonical text, without prose and without what it refers to."""
    plain: Any = schema
    if is_object(schema):
        plain = {key: value for key, value in schema.items() if key not in {"$schema", "$defs", "title", "description"}}
    return json.dumps(plain, sort_keys=True)
