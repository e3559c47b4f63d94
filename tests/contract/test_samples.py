"""Samples made from the schemas are accepted and refused by the types and by a JSON Schema validator alike.

Where the types are more tolerant than the contract says, a rule of `tests.contract.readings` states it, and no sample
may differ without one.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

import meerkat
from meerkat._core.codec import Decoder, checked, encode
from tests.contract.document import document, exact, ref
from tests.contract.readings import RULES, Reading, validators
from tests.support.samples import NOVEL, Fault, is_struct
from tests.support.values import losses, unknowns

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.requirement("G02")

each_reading = pytest.mark.parametrize("reading", Reading, ids=lambda reading: reading.value)

ANOTHER_MEMBER_FITS: Final = {
    "CreateSessionResult": "what is no result of a turn is still a session that was only made",
    "OutputSchemaInput": "what is no output schema with settings is still a JSON Schema",
}
"""Untagged unions in which a value that breaks one member is one of another, with the reason."""


@dataclass(frozen=True)
class Sample:
    """A value, whether the contract allows it, and what is wrong with it where."""

    value: Any
    allowed: bool
    fault: Fault | None = None

    def __str__(self) -> str:
        return "valid" if self.fault is None else f"{self.fault.kind} at ${self.fault.where}: {self.value!r}"


@cache
def samples(name: str) -> list[Sample]:
    """Samples of a type: valid ones, each once, and those that are wrong in one place."""
    made = document().samples
    distinct = {json.dumps(value, sort_keys=True): value for value in made.valid(ref(name))}
    return [
        *(Sample(value, exact().accepts(name, value)) for value in distinct.values()),
        *(Sample(fault.value, exact().accepts(name, fault.value), fault) for fault in made.faults(ref(name))),
    ]


def valid(name: str) -> list[Any]:
    """Valid samples of a type."""
    return [sample.value for sample in samples(name) if sample.fault is None]


def names(reading: Reading) -> list[str]:
    """Names of the types that are read so."""
    contract = document()
    by_reading = {
        Reading.ANSWER: contract.answered,
        Reading.STREAM: contract.streamed,
        Reading.SENT: contract.sent,
    }
    return sorted(by_reading[reading])


def decoder(name: str, reading: Reading) -> Decoder[Any]:
    """The decoder of a received type."""
    return Decoder(getattr(meerkat, name), name, keep_malformed=reading is Reading.STREAM)


def read(name: str, reading: Reading) -> Callable[[Any], object]:
    """Return what turns JSON values into a type, or raises `ValueError`."""
    if reading is Reading.SENT:
        type_ = getattr(meerkat, name)
        return lambda value: checked(type_, value)
    decode = decoder(name, reading).decode
    return lambda value: decode(json.dumps(value).encode())


def accepts(read_value: Callable[[Any], object], value: Any) -> bool:
    """Whether a type accepts a value."""
    try:
        read_value(value)
    except ValueError:
        return False
    return True


def report(findings: list[str]) -> None:
    """Fail with all findings."""
    shown = "\n".join(finding[:500] for finding in findings[:40])
    assert not findings, f"{len(findings)} findings:\n{shown}"


def test_valid_samples_are_valid() -> None:
    report([
        f"{name}: {exact().complaint(name, sample.value)}"
        for name in document().schemas
        for sample in samples(name)
        if sample.fault is None and not sample.allowed
    ])  # fmt: skip


def test_samples_with_a_fault_are_invalid() -> None:
    findings: list[str] = []
    used: set[str] = set()
    for name in document().schemas:
        for sample in samples(name):
            if sample.fault is not None and sample.allowed:
                excuse = excuses(name) & ANOTHER_MEMBER_FITS.keys()
                used |= excuse
                if not excuse:
                    findings.append(f"{name}: no fault: {sample}")
    report(findings)
    assert used == ANOTHER_MEMBER_FITS.keys()


def excuses(name: str) -> set[str]:
    """The type itself, and those of its fields."""
    fields, _ = document().samples.fields(document().schemas[name])
    return {name} | {inner["$ref"].rpartition("/")[2] for inner in fields.values() if "$ref" in inner}


def test_there_is_a_sample_for_everything() -> None:
    """Every field is there and absent, every value of an enum and every arm is there."""
    findings: list[str] = []
    for name, schema in document().schemas.items():
        values = valid(name)
        if is_struct(schema):
            fields, required = document().samples.fields(schema)
            findings += [f"{name}.{field} never given" for field in fields if not any(field in v for v in values)]
            optional = fields.keys() - required
            findings += [f"{name}.{field} never absent" for field in optional if all(field in v for v in values)]
        findings += [f"{name} never {value}" for value in schema.get("enum", []) if value not in values]
        if "discriminator" in schema:
            tag = schema["discriminator"]["propertyName"]
            seen = {value[tag] for value in values}
            findings += [f"{name} never {arm}" for arm in schema["discriminator"]["mapping"] if arm not in seen]
    report(findings)


@each_reading
def test_types_accept_and_refuse_what_the_contract_says(
    reading: Reading, record_property: Callable[[str, object], None]
) -> None:
    findings: list[str] = []
    more: Counter[str] = Counter()
    for name in names(reading):
        read_value = read(name, reading)
        for sample in samples(name):
            taken = accepts(read_value, sample.value)
            if taken != validators(reading).accepts(name, sample.value):
                findings.append(f"{name}: {'accepted' if taken else 'refused'}: {sample}")
            elif taken != sample.allowed:
                more[tolerating(reading, name, sample.value)] += 1
    report(findings)
    record_property("accepted by rule", dict(more))
    assert more.keys() == {rule.name for rule in RULES if reading in rule.readings and not rule.stricter}, more


def tolerating(reading: Reading, name: str, value: Any) -> str:
    """Name of a rule that alone makes a value acceptable, the most particular first."""
    rules = (rule.name for rule in reversed(RULES) if reading in rule.readings)
    return next((rule for rule in rules if validators(reading, rule).accepts(name, value)), "no single rule")


@each_reading
def test_valid_samples_survive(reading: Reading) -> None:
    """Explicit nulls and defaults are the only things that a round trip may leave out."""
    findings: list[str] = []
    for name in names(reading):
        read_value = read(name, reading)
        for value in valid(name):
            decoded = read_value(value)
            again = json.loads(encode(decoded))
            findings += [f"{name}: {what}" for what in unknowns(decoded)]
            findings += [f"{name}: {what}" for what in losses(value, decoded, again)]
    report(findings)


@pytest.mark.parametrize("reading", [Reading.ANSWER, Reading.STREAM])
def test_unknown_keys_of_open_types_are_left_out(reading: Reading) -> None:
    """A newer runtime sends more."""
    findings: list[str] = []
    for name in names(reading):
        schema = document().schemas[name]
        if not is_struct(schema) or schema.get("additionalProperties") is False:
            continue
        value = document().samples.full(schema)
        plain = encode(read(name, reading)(value))
        extended = encode(read(name, reading)({NOVEL: {"a": 1}, **value, f"{NOVEL}-2": [None]}))
        if extended != plain:
            findings.append(f"{name}: {plain!r} became {extended!r}")
    report(findings)


def test_unknown_keys_are_refused_before_they_are_sent() -> None:
    """Left out in silence, a misspelt key would change what the caller asks for."""
    findings: list[str] = []
    for name in names(Reading.SENT):
        schema = document().schemas[name]
        if not is_struct(schema):
            continue
        value = {**document().samples.full(schema), NOVEL: {"a": 1}}
        try:
            checked(getattr(meerkat, name), value)
        except ValueError as error:
            if NOVEL not in str(error):
                findings.append(f"{name}: {error}")
        else:
            findings.append(f"{name}: the key was taken")
    report(findings)


def test_every_decoder_builds_and_refuses_what_is_not_json() -> None:
    for name in document().schemas:
        with pytest.raises(msgspec.DecodeError):
            decoder(name, Reading.ANSWER).decode(b'{"unfinished": ')
