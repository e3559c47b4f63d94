"""Checks every ``x-`` key of the contract against ``extensions.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from codegen.problems import pointer
from codegen.raw import is_object, items, strings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.problems import Problems

_ADDED_BY_BUNDLING = "x-module"
_FILE = "extensions.yaml"

Path = tuple["str | int", ...]


class Extensions:
    """The extensions that the contract declares.

    Args:
        declared: Content of ``extensions.yaml``.
        problems: Takes what is wrong.
    """

    def __init__(self, declared: Mapping[str, Any], problems: Problems) -> None:
        self._problems = problems
        self._by_place: dict[tuple[str, str], Draft202012Validator] = {}
        places: dict[str, Any] = declared["places"] if is_object(declared.get("places")) else {}
        for index, entry in enumerate(items(declared.get("extensions", []))):
            self._declare(entry, places, ("extensions", index))

    def _declare(self, entry: Any, places: Mapping[str, Any], path: Path) -> None:
        if not is_object(entry) or set(entry) != {"name", "where", "description", "schema"}:
            self._wrong_here(path, "an extension has `name`, `where`, `description` and `schema`")
            return
        try:
            Draft202012Validator.check_schema(entry["schema"])
        except SchemaError as error:
            self._wrong_here((*path, "schema"), f"this is no JSON Schema: {error.message}")
            return
        for place in strings(entry["where"]):
            if place not in places:
                self._wrong_here((*path, "where"), f"there is no place `{place}`")
            elif (place, entry["name"]) in self._by_place:
                self._wrong_here(path, f"`{entry['name']}` is declared for {place} already")
            else:
                self._by_place[place, entry["name"]] = Draft202012Validator(entry["schema"])

    def _wrong_here(self, path: Path, message: str) -> None:
        self._problems.add("extension", pointer("extensions", *path), message)

    def check(self, document: Mapping[str, Any]) -> None:
        """Check all extensions of the bundled document."""
        for index, method in enumerate(document["methods"]):
            path: Path = ("methods", index)
            self._keys(method, path, "request" if "result" in method else "notification")
            for number, param in enumerate(items(method.get("params", []))):
                if is_object(param):
                    self._keys(param, (*path, "params", number), "parameter")
                    self._schema(param.get("schema"), (*path, "params", number, "schema"))
            if is_object(method.get("result")):
                self._keys(method["result"], (*path, "result"))
                self._schema(method["result"].get("schema"), (*path, "result", "schema"))
        components = document["components"]
        for name, schema in components["schemas"].items():
            self._schema(schema, ("components", "schemas", name), "schema", *_form(schema))
        for name, error in components["x-errors"].items():
            self._keys(error, ("components", "x-errors", name), "error")

    def _schema(self, schema: Any, path: Path, *places: str) -> None:
        if not is_object(schema):
            return
        self._keys(schema, path, *places)
        properties: Any = schema.get("properties")
        for name, value in properties.items() if is_object(properties) else ():
            self._schema(value, (*path, "properties", name), "property")
        for keyword in ("items", "additionalProperties"):
            self._schema(schema.get(keyword), (*path, keyword))
        for keyword in ("oneOf", "anyOf", "allOf"):
            for index, member in enumerate(items(schema.get(keyword))):
                self._schema(member, (*path, keyword, index))

    def _keys(self, value: Mapping[str, Any], path: Path, *places: str) -> None:
        for key in value:
            if not key.startswith("x-") or key == _ADDED_BY_BUNDLING:
                continue
            found = next((self._by_place[place, key] for place in places if (place, key) in self._by_place), None)
            if found is None:
                message = f"`{key}` may not stand here, or is not declared in {_FILE}"
                self._problems.add("extension", pointer(*path, key), message)
                continue
            for error in found.iter_errors(value[key]):  # pyright: ignore[reportUnknownMemberType]  # untyped there
                where = pointer(*path, key, *error.absolute_path)
                self._problems.add("extension", where, f"`{key}` does not fit {_FILE}: {error.message}")


def _form(schema: Any) -> tuple[str, ...]:
    if not is_object(schema):
        return ()
    if "oneOf" in schema:
        return ("union",)
    return ("struct",) if "properties" in schema or "allOf" in schema else ()
