"""How the types read the contract: its schemas, and rule by rule where the types are more tolerant than these, or less.

Each rule rewrites the schemas, so that a JSON Schema validator can say what the types must accept. What the runtime
writes must be readable when the runtime is newer than the contract; what the client writes is checked before it goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from tests.contract.document import Validators, document
from tests.support.samples import is_struct, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable

Json: TypeAlias = "dict[str, Any]"


class Reading(Enum):
    """What a value is read for."""

    ANSWER = "answer"
    """Results of requests and details of errors: an arm with wrong content is an error."""

    STREAM = "stream"
    """Notifications: an arm with wrong content is kept as a value, so that the stream lives on."""

    SENT = "sent"
    """What a caller gives."""


Place: TypeAlias = Literal["type", "field", "part"]
"""Where a schema stands: it is a named type, a field of one, or something inside of either."""


@dataclass(frozen=True)
class Rule:
    """Where the types accept more than the contract's schemas, or less.

    Attributes:
        name: What the rule is called.
        reason: Why the types do so.
        readings: When it holds.
        stricter: Whether the types accept less by it.
        apply: Rewrites one schema. Gets the schema, its place, and whether only the client writes the type that it
            stands in.
    """

    name: str
    reason: str
    readings: frozenset[Reading]
    apply: Callable[[Json, Place, bool], Json]
    stricter: bool = False


RECEIVED: Final = frozenset({Reading.ANSWER, Reading.STREAM})
ALWAYS: Final = frozenset(Reading)
_LIMITS: Final = frozenset({"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"})


def _without(schema: Json, keys: frozenset[str]) -> Json:
    return {key: value for key, value in schema.items() if key not in keys}


def _open_enum(schema: Json, place: Place, sent_only: bool) -> Json:
    return schema if sent_only else _without(schema, frozenset({"enum"}))


def _null_for_absent(schema: Json, place: Place, sent_only: bool) -> Json:
    if sent_only or not is_struct(schema):
        return schema
    required = schema.get("required", [])
    properties = {
        name: inner if name in required or inner.get("default") is not None else {"anyOf": [inner, {"type": "null"}]}
        for name, inner in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def _limits(schema: Json, place: Place, sent_only: bool) -> Json:
    return _without(schema, _LIMITS)


def _one_key(schema: Json, place: Place, sent_only: bool) -> Json:
    return _without(schema, frozenset({"minProperties", "maxProperties"}))


def _only_arm(schema: Json, place: Place, sent_only: bool) -> Json:
    tag = _tag(schema, place)
    return schema if tag is None else {**schema, "required": [name for name in schema["required"] if name != tag]}


def _malformed_arm(schema: Json, place: Place, sent_only: bool) -> Json:
    return {"type": "object"} if "oneOf" in schema or _tag(schema, place) is not None else schema


def _open_arm(schema: Json, place: Place, sent_only: bool) -> Json:
    tag = _tag(schema, place)
    if sent_only or tag is None:
        return schema
    listed = {"required": [tag], "properties": {tag: schema["properties"][tag]}}
    return {"anyOf": [schema, {"type": "object", "not": listed}]}


def _open_union(schema: Json, place: Place, sent_only: bool) -> Json:
    if sent_only or "oneOf" not in schema:
        return schema
    tag = schema["discriminator"]["propertyName"]
    listed = {"required": [tag], "properties": {tag: {"enum": list(schema["discriminator"]["mapping"])}}}
    return {"anyOf": [*schema["oneOf"], {"type": "object", "not": listed}]}


def _unknown_key(schema: Json, place: Place, sent_only: bool) -> Json:
    return {**schema, "additionalProperties": False} if is_struct(schema) and place == "type" else schema


def _tag(schema: Json, place: Place) -> str | None:
    return tag_of(schema) if place == "type" else None


RULES: Final[tuple[Rule, ...]] = (
    Rule("unknown enum value", "a newer runtime may have it; it is kept as its text", ALWAYS, _open_enum),
    Rule("null for absent", "both read as None", ALWAYS, _null_for_absent),
    Rule("limits", "what is received may outgrow them", RECEIVED, _limits),
    Rule("exactly one key", "the runtime checks it", frozenset({Reading.ANSWER, Reading.SENT}), _one_key),
    Rule(
        "absent tag of an only arm", "it can be nothing else, and is sent with it", frozenset({Reading.SENT}), _only_arm
    ),
    Rule(
        "unknown key",
        "it would not be sent, and mostly it is misspelt",
        frozenset({Reading.SENT}),
        _unknown_key,
        stricter=True,
    ),
    Rule("malformed arm", "one bad event must not end a stream", frozenset({Reading.STREAM}), _malformed_arm),
    Rule("unknown or absent tag of an only arm", "a newer runtime may have more arms", RECEIVED, _open_arm),
    Rule(
        "unknown or absent tag", "a newer runtime may have it; the object is kept as an Unknown", RECEIVED, _open_union
    ),
)
"""In the order in which they are applied: those that replace a schema as a whole come last."""


@cache
def validators(reading: Reading, only: str | None = None) -> Validators:
    """Return validators of what the types must accept.

    Args:
        reading: What the values are read for.
        only: Name of the one rule to apply; all that hold for the reading without it.
    """
    rules = [rule for rule in RULES if reading in rule.readings and only in {None, rule.name}]
    contract = document()
    schemas = {
        name: _rewrite(dict(schema), contract.sent_only(name), rules) for name, schema in contract.schemas.items()
    }
    return Validators(schemas)


def _rewrite(schema: Json, sent_only: bool, rules: list[Rule], place: Place = "type") -> Json:
    out = dict(schema)
    if "properties" in out:
        out["properties"] = {
            name: _rewrite(inner, sent_only, rules, "field") for name, inner in out["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(out.get(key), dict):
            out[key] = _rewrite(out[key], sent_only, rules, "part")
    if "anyOf" in out:
        out["anyOf"] = [_rewrite(inner, sent_only, rules, "part") for inner in out["anyOf"]]
    if "oneOf" in out:
        out = _by_tag(out)
    for rule in rules:
        out = rule.apply(out, place, sent_only)
    return out


def _by_tag(union: Json) -> Json:
    """Say of each arm that the tag must be its own, which the arm alone may not say any more."""
    if len(union["oneOf"]) == 1:
        return {"anyOf": union["oneOf"]}
    tag = union["discriminator"]["propertyName"]
    arms = [
        {"required": [tag], "properties": {tag: {"const": value}}, "allOf": [{"$ref": arm}]}
        for value, arm in union["discriminator"]["mapping"].items()
    ]
    return {**union, "oneOf": arms}
