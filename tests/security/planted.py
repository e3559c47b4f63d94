"""Secrets planted into every field that the contract calls one, and the search for them in all that can be seen.

Which fields these are is read from the bundled contract, so that a new one is planted without a line here.
"""

from __future__ import annotations

import hashlib
import pprint
import traceback
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

import meerkat
from meerkat._core.codec import Decoder, is_array, is_object, to_builtins
from tests.contract.document import document, ref
from tests.contract.places import places as contract_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

MARK: Final = "Secret."


def secret_for(name: str) -> str:
    """A secret of the place with this name; nothing else looks like it."""
    return f"sk-planted-{hashlib.sha256(name.encode()).hexdigest()[:24]}"


@cache
def places() -> dict[str, frozenset[str]]:
    """Wire names of the secret fields of each type, as the contract describes them."""
    found: dict[str, set[str]] = {}
    for name, schema in document().raw["components"]["schemas"].items():
        for wire, inner in schema.get("properties", {}).items():
            if is_object(inner) and inner.get("description", "").startswith(MARK):
                found.setdefault(name, set()).add(wire)
    for method in document().methods.values():
        for param in method.raw["params"]:
            if param.get("description", "").startswith(MARK):
                found.setdefault(str(method.params_type), set()).add(param["name"])
    return {name: frozenset(wires) for name, wires in found.items()}


@dataclass
class Planted:
    """A value with secrets in it.

    Attributes:
        value: The value, typed.
        secrets: The secrets by place.
    """

    value: Any
    secrets: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def plain(self) -> Any:
        """The value as plain JSON."""
        return to_builtins(self.value)


def planted(name: str) -> Iterator[Planted]:
    """Values of a type from the contract's schemas; for each type within it that has secret fields one with secrets."""
    decoder = Decoder[Any](getattr(meerkat, name), name)
    holders = {id(document().schemas[holder]): holder for holder in places()}
    for place in contract_places(ref(name)):
        if place.kind == "object" and id(place.schema) in holders:
            made = Planted(None)
            sample = place.filled(document().samples.full(ref(holders[id(place.schema)])))
            made.value = _plant(decoder.convert(sample), made.secrets)
            yield made


def _plant(value: Any, secrets: dict[str, str]) -> Any:
    if isinstance(value, msgspec.Struct):
        changed: dict[str, Any] = {}
        name = type(value).__name__
        for wire, attribute in zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True):
            if wire in places().get(name, ()):
                place = f"{name}.{wire}"
                secrets[place] = secret_for(place)
                schema: Any = next(s for n, s in _fields(name) if n == wire)
                changed[attribute] = _shaped(schema, secrets[place])
            else:
                changed[attribute] = _plant(getattr(value, attribute), secrets)
        return type(value)(**changed)
    if is_array(value):
        return [_plant(item, secrets) for item in value]
    if is_object(value):
        return {key: _plant(item, secrets) for key, item in value.items()}
    return value


def _fields(name: str) -> Iterator[tuple[str, Any]]:
    fields, _ = document().samples.fields(document().schemas[name])
    yield from fields.items()


def _shaped(schema: Mapping[str, Any], secret: str) -> Any:
    """A value of a schema that consists of a secret."""
    if "$ref" in schema:
        return _shaped(document().schemas[schema["$ref"].rpartition("/")[2]], secret)
    kind = schema.get("type")
    if kind == "string" or (is_array(kind) and "string" in kind):
        return secret
    if kind == "array":
        return [_shaped(schema["items"], secret)]
    if kind == "object" and is_object(schema.get("additionalProperties")):
        return {"PLANTED": _shaped(schema["additionalProperties"], secret)}
    assert kind in {None, "object"}, f"no way to put a secret into {schema}"
    return {"agent": secret, "providers": [{"api_key": secret}]}


# Where it can be seen


def shown(value: object) -> str:
    """All texts that are made of a value for people."""
    rich = getattr(value, "__rich_repr__", None)
    return "\n".join([repr(value), str(value), f"{value}", pprint.pformat([value]), repr(list(rich()) if rich else "")])


def told(error: BaseException) -> str:
    """All that an exception can tell: itself, its attributes and notes, what led to it, its traceback."""
    texts = ["".join(traceback.format_exception(error))]
    pending: list[BaseException] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        texts += [str(each), repr(each), repr(each.args), repr(vars(each)), *getattr(each, "__notes__", ())]
        # Errors of the standard library keep what they are about in slots.
        texts += [repr(getattr(each, name, "")) for name in ("object", "filename", "doc", "value", "cmd", "output")]
        texts += [repr(to_builtins(getattr(each, "details", None)))]
        pending += [linked for linked in (each.__cause__, each.__context__) if linked is not None]
        pending += getattr(each, "exceptions", ())  # of a group
    return "\n".join(texts)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """All log records, formatted, with their parts."""
    return "\n".join([caplog.text, *(repr(vars(record)) for record in caplog.records)])


def found_in(text: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets that stand in a text, by place, each with what is around it."""
    return {
        place: text[max(text.index(secret) - 200, 0) : text.index(secret) + 100]
        for place, secret in secrets.items()
        if secret in text
    }
