"""Reads a directory of published schemas: which files there are, and what they hold in the large.

| file | content |
|---|---|
| rpc-methods.json | `methods` and `notifications`: names, and the names of the types of parameters and results |
| params.json, wire-types.json, events.json, ... | a map of type names to schemas, each with its own `$defs` |
| auth-connection-contracts.json | lists of values, no schemas |
| rest-openapi.json | another surface of the runtime; of use for a type that stands nowhere else |
| version.json | `contract_version` |
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from codegen.raw import is_array, is_object

if TYPE_CHECKING:
    from pathlib import Path

METHODS: Final = "rpc-methods.json"
VALUES: Final = "auth-connection-contracts.json"
OPENAPI: Final = "rest-openapi.json"
VERSION: Final = "version.json"
# In this order: where a name stands in several files, the first one is meant.
SCHEMAS: Final = (
    "params.json", "wire-types.json", "events.json", "errors.json", "capabilities.json", "models.json",
    "runtime-host.json",
)  # fmt: skip
_NEEDED: Final = (METHODS, "params.json", "wire-types.json", "events.json")
_METHOD_KEYS: Final = frozenset({"name", "params_type", "result_type", "description", "summary", "title", "deprecated"})


class UnusableError(Exception):
    """The directory does not hold published schemas; the message says what is missing or broken."""


class Oddity(NamedTuple):
    """Something published that has a form which is not known here.

    Attributes:
        where: File and JSON pointer.
        message: What is odd.
    """

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class PublishedMethod(NamedTuple):
    """A method or notification of ``rpc-methods.json``.

    Attributes:
        name: Its name.
        params: What is said about its parameters: names of types, as text.
        result: What is said about its result.
        pointer: File and JSON pointer.
    """

    name: str
    params: str | None
    result: str | None
    pointer: str


class Folder:
    """The files of a directory, read but not understood.

    Args:
        directory: The directory.

    Attributes:
        version: Version of the runtime; empty when nothing says it.
        files: Content of the files that hold schemas, by file name.
        later: Content of other files that could hold schemas, by file name.
        values: Content of the file of values.
        methods: The methods.
        notifications: The notifications.
        notes: What is worth knowing about the files.
        oddities: Entries of unknown form.

    Raises:
        UnusableError: A file that everything depends on is missing or broken.
    """

    def __init__(self, directory: Path) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.later: dict[str, dict[str, Any]] = {}
        self.values: dict[str, Any] = {}
        self.notes: list[str] = []
        self.oddities: list[Oddity] = []
        self.version = ""
        if not directory.is_dir():
            raise UnusableError(f"{directory}: there is no such directory")
        present = {path.name: path for path in sorted(directory.iterdir())}
        missing = [name for name in _NEEDED if name not in present]
        if missing:
            raise UnusableError(f"{directory}: {', '.join(missing)} missing; a folder of published schemas is expected")
        self._methods_file = _object(present[METHODS])
        self.methods = self._listed("methods")
        self.notifications = self._listed("notifications")
        for name in SCHEMAS:
            if name in present:
                self.files[name] = _object(present[name])
            else:
                self.notes.append(f"{name} is missing; its types are looked for elsewhere")
        self._others(present)

    def _others(self, present: dict[str, Path]) -> None:
        for name in (OPENAPI, VALUES, VERSION):
            if name not in present:
                self.notes.append(f"{name} is missing")
                continue
            content = _object(present[name])
            if name == VERSION:
                self.version = str(content.get("contract_version", ""))
            elif name == VALUES:
                self.values = content
            else:
                self.later[name] = content
        for name, path in present.items():
            if name in {*SCHEMAS, METHODS, OPENAPI, VALUES, VERSION}:
                continue
            self.notes.append(f"{name} is not known here and was ignored")
            if path.suffix != ".json" or not path.is_file():
                continue
            try:
                self.later[name] = _object(path)
            except UnusableError:
                continue  # said to be ignored already
            self.notes[-1] = f"{name} is not known here; only types that stand nowhere else are taken from it"

    def _listed(self, kind: str) -> list[PublishedMethod]:
        listed: Any = self._methods_file.get(kind)
        if not is_array(listed):
            raise UnusableError(f"{METHODS}#/{kind}: a list is expected here")
        found: dict[str, PublishedMethod] = {}
        for index, entry in enumerate(listed):
            where = f"{METHODS}#/{kind}/{index}"
            if not is_object(entry) or not isinstance(entry.get("name"), str):
                self.oddities.append(Oddity(where, "an object with a `name` is expected here"))
                continue
            for key in entry:
                if key not in _METHOD_KEYS:
                    self.oddities.append(Oddity(f"{where}/{key}", f"`{key}` is not known here"))
            name = str(entry["name"])
            if name in found:
                self.oddities.append(Oddity(where, f"`{name}` is listed twice"))
            found[name] = PublishedMethod(
                name, self._type_name(entry, "params_type", where), self._type_name(entry, "result_type", where), where
            )
        return list(found.values())

    def _type_name(self, entry: dict[str, Any], key: str, where: str) -> str | None:
        name: Any = entry.get(key)
        if name is not None and not isinstance(name, str):
            self.oddities.append(Oddity(f"{where}/{key}", "the name of a type is expected here"))
            return None
        return name


def _object(path: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UnusableError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnusableError(f"{path}: not UTF-8: {error.reason}") from error
    except json.JSONDecodeError as error:
        raise UnusableError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise UnusableError(f"{path}: nested too deeply") from error
    if not is_object(content):
        raise UnusableError(f"{path}: an object is expected")
    return content
