"""Ties the handlers to the contract's types: what comes in is decoded by them, what goes out is checked against them.

Handlers give plain JSON, because the wire distinguishes what the types do not: a key that is null from one that is
absent. Checking it against the types keeps the embedded runtime from drifting off the contract.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from meerkat._core.codec import Decoder, dec_hook, is_array, is_object
from meerkat._core.model import Unknown
from meerkat._generated import contract
from meerkat.embedded.faults import invalid_params, malformed_params, method_not_found, missing_params
from meerkat.embedded.lines import describe

if TYPE_CHECKING:
    from meerkat._core.method import Method

STRICT = frozenset(
    {
        "session/fork_at",
        "session/fork_replace",
        "session/peer_response_terminal",
        "session/stream_close",
        "session/stream_open",
    }
)
"""Methods that refuse parameters they do not know; the others ignore them."""

NO_NULL = frozenset(
    {
        ("session/create", "keep_alive"),
        ("session/create", "structured_output_retries"),
        ("turn/start", "clear_auth_binding"),
        ("turn/start", "clear_provider_params"),
    }
)
"""Optional parameters for which null does not mean absent."""

BLANK = {
    ("help/ask", "question"): "help question cannot be empty",
    ("session/external_event", "event_type"): "event_type cannot be empty",
    ("session/inject_context", "text"): "system context text must not be empty",
}
"""Parameters that must say something, and how a blank one is refused."""

_MISSING_FIELD = re.compile(r"Object missing required field `(\w+)`")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(\w+)`")


class DriftError(Exception):
    """Something that the embedded runtime wanted to say does not fit the contract."""


def descriptor(name: str) -> Method[Any]:
    """Return the contract's descriptor of a method.

    Raises:
        RpcError: There is no such method.
    """
    try:
        return contract.method(name)
    except KeyError:
        raise method_not_found(name) from None


def decode_params(name: str, given: Any) -> Any:
    """Decode the parameters of a method.

    Args:
        name: Name of the method.
        given: The parameters as JSON; ``None`` when they are absent or null.

    Returns:
        The params struct; ``None`` for a method without parameters.

    Raises:
        RpcError: They do not fit.
    """
    type_ = descriptor(name).params
    if type_ is None:
        return None
    fields = _fields(type_)
    if given is None or (is_array(given) and not given):
        # An empty array is read as a struct of which no field is given.
        if given is None and any(field.required for field in fields.values()):
            raise missing_params()
        given = {}
    if not is_object(given):
        raise malformed_params(f"invalid type: {describe(given)}, expected struct {type_.__name__}")
    cleaned = {
        key: value
        for key, value in given.items()
        if (key in fields or name in STRICT) and not (value is None and _null_is_absent(name, fields.get(key)))
    }
    for key, value in cleaned.items():
        if isinstance(value, str) and not value.strip() and (name, key) in BLANK:
            raise invalid_params(BLANK[name, key])
        if isinstance(value, int) and value < 0:
            raise malformed_params(f"invalid value: {describe(value)}, expected an unsigned integer")
    try:
        # Not the tolerant decoding of the client: a server refuses what it does not know.
        return msgspec.convert(cleaned, type_, dec_hook=dec_hook)
    except msgspec.ValidationError as error:
        raise malformed_params(_in_serde_words(str(error))) from None


def check_result(name: str, result: Any) -> None:
    """Check what a handler answers.

    Raises:
        DriftError: It does not fit the contract.
    """
    try:
        _result_decoder(name).convert(result)
    except msgspec.ValidationError as error:
        raise DriftError(f"{name}: {error}") from error


def check_event(payload: dict[str, Any]) -> None:
    """Check the payload of an event.

    Raises:
        DriftError: It does not fit the contract.
    """
    try:
        event = _event_decoder().convert(payload)
    except msgspec.ValidationError as error:
        raise DriftError(f"{payload.get('type')}: {error}") from error
    if isinstance(event, Unknown):
        raise DriftError(f"the contract has no event {payload.get('type')!r}")


@cache
def _result_decoder(name: str) -> Decoder[Any]:
    return Decoder(descriptor(name).result, name)


@cache
def _event_decoder() -> Decoder[Any]:
    from meerkat._generated.types.events import AgentEvent  # noqa: PLC0415  # not before the first event

    return Decoder(AgentEvent, "event")


@cache
def _fields(type_: Any) -> dict[str, inspect.Field]:
    info = inspect.type_info(type_)
    if not isinstance(info, inspect.StructType):
        return {}
    return {field.encode_name: field for field in info.fields}


def _null_is_absent(method: str, field: inspect.Field | None) -> bool:
    return field is not None and not field.required and (method, field.encode_name) not in NO_NULL


def _in_serde_words(text: str) -> str:
    """Say it as the runtime does, where it is a question of a field that is missing or not known."""
    for pattern, words in ((_MISSING_FIELD, "missing field `{}`"), (_UNKNOWN_FIELD, "unknown field `{}`")):
        match = pattern.search(text)
        if match:
            return words.format(match[1])
    if "`$.prompt" in text:
        return "data did not match any variant of untagged enum ContentInput"
    return text
