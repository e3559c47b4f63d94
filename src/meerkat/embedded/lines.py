"""One line of input to one message: a request, a notification, an answer, or what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from meerkat._core.codec import is_array, is_object

RequestId: TypeAlias = int | str
_I64 = range(-(2**63), 2**63)
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Call:
    """A request, or a notification when it has no id. ``params`` is ``None`` when absent or null."""

    id: RequestId | None
    method: str
    params: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request of ours."""

    id: RequestId | None
    result: Any
    error: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is no message; the text is that of the parse error."""

    message: str


Message: TypeAlias = Call | Answer | Fault


def parse(line: bytes) -> Message:
    """Parse a line that is not blank."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        return Fault(f"Parse error: {error}")
    if not is_object(value):
        return Fault(f"Parse error: {_not_an_answer(value)}")
    fault = _envelope_fault(value)
    if fault is not None:
        return Fault(f"Parse error: {fault}")
    if "method" in value:
        return Call(value.get("id"), value["method"], value.get("params"))
    return Answer(value.get("id"), value.get("result"), value.get("error"))


def _envelope_fault(value: dict[str, Any]) -> str | None:
    for key in ("jsonrpc", "method"):
        given = value.get(key, _MISSING)
        if given is not _MISSING and not isinstance(given, str):
            return f"invalid type: {describe(given)}, expected a string"
    request_id = value.get("id")
    if request_id is not None and not _is_id(request_id):
        return "data did not match any variant of untagged enum RpcId"
    return None if "jsonrpc" in value else "missing field `jsonrpc`"


def _is_id(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool) and value in _I64)


def _not_an_answer(value: object) -> str:
    """Say why a value without a method is no answer either; arrays are read as the fields of one."""
    if is_array(value):
        if value and not isinstance(value[0], str):
            return f"invalid type: {describe(value[0])}, expected a string"
        return f"invalid length {len(value)}, expected struct RpcResponse with 4 elements"
    return f"invalid type: {describe(value)}, expected struct RpcResponse"


def describe(value: object) -> str:
    """Name a JSON value as the runtime's messages do."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{'true' if value else 'false'}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {msgspec.json.encode(value).decode()}"
    return "sequence" if is_array(value) else "map"
