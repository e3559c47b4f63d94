"""The bundled contract as a document: its schemas, who sends them, and a validator that knows nothing of this package.

Neither the generator nor what it generated has a part in it, so that they cannot merely agree with themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from meerkat._core.codec import is_array, is_object
from tests.support.samples import Samples, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATH: Final = Path(__file__).resolve().parent.parent.parent / "contract" / "openrpc.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PREFIX: Final = "#/components/schemas/"


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a named schema."""
    return {"$ref": f"{_PREFIX}{name}"}


def refs(schema: Any) -> Iterator[str]:
    """Yield the names that a schema refers to; examples, defaults and free JSON hold none."""
    if is_object(schema):
        found = schema.get("$ref")
        if isinstance(found, str):
            yield found.removeprefix(_PREFIX)
        for key, inner in schema.items():
            if key not in {"default", "discriminator"}:
                yield from refs(inner)
    elif is_array(schema):
        for inner in schema:
            yield from refs(inner)


@dataclass(frozen=True)
class Method:
    """A method of the document.

    Attributes:
        name: RPC name.
        raw: All that the document says about it.
        params_type: Name of the schema of its parameters, or ``None`` when it has none.
    """

    name: str
    raw: Mapping[str, Any]
    params_type: str | None

    @property
    def from_server(self) -> bool:
        """Whether the runtime sends it."""
        return bool(self.raw.get("x-direction") == "server-to-client")

    @property
    def result(self) -> Schema | None:
        """Schema of its result; ``None`` for a notification."""
        result = self.raw.get("result")
        return None if result is None else result["schema"]

    @property
    def python(self) -> Mapping[str, Any]:
        """What the document says about the call in Python."""
        hints: Mapping[str, Any] = self.raw.get("x-python", {})
        return hints


class Document:
    """The contract.

    Attributes:
        schemas: All named schemas, those of parameters included.
        methods: All methods by name.
        modules: The file of the contract that each schema comes from.
        sent: Names of the schemas that the client writes.
        answered: Names of the schemas in results and in details of errors.
        streamed: Names of the schemas in what the runtime sends on its own.
        samples: Makes values of the schemas.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.schemas: dict[str, Schema] = dict(raw["components"]["schemas"])
        self.methods: dict[str, Method] = {}
        for method in raw["methods"]:
            declared: Any = method.get("x-params-type")
            if isinstance(declared, str):
                self.schemas[declared] = _params(method)
            name = declared if isinstance(declared, str | None) else declared["$ref"].removeprefix(_PREFIX)
            self.methods[method["name"]] = Method(method["name"], method, name)
        self.modules: dict[str, str] = {name: schema["x-module"] for name, schema in self.schemas.items()}
        asked = [method for method in self.methods.values() if not method.from_server]
        told = [method for method in self.methods.values() if method.from_server]
        self.sent = self._reach(*_params_of(asked), *_results_of(told))
        self.answered = self._reach(*_results_of(asked), *refs(raw["components"]["x-errors"]))
        self.streamed = self._reach(*_params_of(told))
        self.samples = Samples(self.schemas)

    @cached_property
    def requests(self) -> dict[str, Method]:
        """Requests of the client."""
        return {
            name: method
            for name, method in self.methods.items()
            if not method.from_server and method.result is not None
        }

    @cached_property
    def from_server(self) -> dict[str, Method]:
        """Notifications and requests of the runtime."""
        return {name: method for name, method in self.methods.items() if method.from_server}

    def sent_only(self, name: str) -> bool:
        """Whether only the client writes values of a named schema."""
        return name in self.sent and name not in self.answered | self.streamed

    def _reach(self, *starts: str) -> frozenset[str]:
        pending = list(starts)
        found: set[str] = set()
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                pending += refs(self.schemas[name])
        return frozenset(found)


def _params_of(methods: list[Method]) -> Iterator[str]:
    return (method.params_type for method in methods if method.params_type is not None)


def _results_of(methods: list[Method]) -> Iterator[str]:
    return (name for method in methods for name in refs(method.result))


def _params(method: Mapping[str, Any]) -> Schema:
    params: list[dict[str, Any]] = method["params"]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {param["name"]: param["schema"] for param in params},
        "required": [param["name"] for param in params if param.get("required")],
        "x-module": method["x-module"],
    }
    # The runtime refuses parameters that it does not know; a newer runtime may send some that the client does not.
    return schema if method.get("x-direction") == "server-to-client" else {**schema, "additionalProperties": False}


class Validators:
    """JSON Schema 2020-12 validators of named schemas.

    Args:
        schemas: The schemas by name.
    """

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        document = {"$schema": _DIALECT, "$id": "contract:", "components": {"schemas": schemas}}
        resource: Resource[Any] = Resource.from_contents(document)
        self._registry: Registry[Any] = Registry[Any]().with_resource("contract:", resource)
        self._made: dict[str, Any] = {}

    def accepts(self, name: str, value: Any) -> bool:
        """Whether a value is one of a named schema."""
        if name not in self._made:
            self._made[name] = Draft202012Validator({"$ref": f"contract:{_PREFIX}{name}"}, registry=self._registry)
        return bool(self._made[name].is_valid(value))

    def complaint(self, name: str, value: Any) -> str:
        """Say why a value is not accepted."""
        self.accepts(name, value)
        error = next(self._made[name].iter_errors(value), None)
        return "" if error is None else f"{error.json_path}: {error.message}"


@cache
def document() -> Document:
    """The contract of this repository."""
    raw: dict[str, Any] = json.loads(PATH.read_text("utf-8"))
    return Document(raw)


@cache
def exact() -> Validators:
    """Validators of what the contract says, to the letter."""
    return Validators(document().schemas)
