"""Every line that the real runtime wrote fits the contract's types, and every request that it took can be made.

Decoding must find nothing unknown and lose nothing: `tests.support.values.losses` says which two differences a value
may show when it is encoded again, and refuses all others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from meerkat._core.codec import Decoder, encode
from meerkat._core.errors import InvalidArgumentError, MeerkatError
from meerkat._core.model import OpenStrEnum
from meerkat._generated import contract
from meerkat._generated.errors import ERRORS, details_type
from tests.support.recordings import REFUSALS, Exchange, Scenario, scenarios
from tests.support.values import losses, unknowns

if TYPE_CHECKING:
    from collections.abc import Iterator

each_scenario = pytest.mark.parametrize("scenario", scenarios().values(), ids=scenarios().keys())

METHOD_NOT_FOUND = -32601

ACCEPTED_BUT_REFUSED_HERE: dict[str, str] = {
    "config.jsonl:8": "a patch without its `patch` key also works, but then the guard `expected_generation` does not",
    "handshake.jsonl:2": "the runtime does not read the parameters of initialize, so the contract has none",
}
"""Requests that the runtime took although the contract refuses them, with the reason."""


def report(findings: list[str]) -> None:
    """Fail with all findings."""
    assert not findings, f"{len(findings)} findings:\n" + "\n".join(findings)


def findings_of(where: object, wire: Any, value: object) -> Iterator[str]:
    """Say what is unknown in a decoded value, and what it lost."""
    yield from (f"{where}: {what}" for what in unknowns(value))
    yield from (f"{where}: {what}" for what in losses(wire, value, json.loads(encode(value))))


def known_exchanges(scenario: Scenario) -> Iterator[Exchange]:
    """The client's requests whose method the contract has."""
    return (exchange for exchange in scenario.exchanges(">") if exchange.method in contract.METHODS)


@each_scenario
def test_every_result_decodes_without_loss(scenario: Scenario) -> None:
    findings: list[str] = []
    for exchange in known_exchanges(scenario):
        if exchange.answer is None or "result" not in exchange.answer.message:
            continue
        where = f"{exchange.answer} result of {exchange.method}"
        wire = exchange.answer.message["result"]
        try:
            value = contract.method(exchange.method).decode(json.dumps(wire).encode())
        except MeerkatError as error:
            findings.append(f"{where}: {error}")
        else:
            findings.extend(findings_of(where, wire, value))
    report(findings)


@each_scenario
def test_every_notification_and_server_request_decodes_without_loss(scenario: Scenario) -> None:
    lines = scenario.notifications("<") + [exchange.request for exchange in scenario.exchanges("<")]
    findings: list[str] = []
    for line in lines:
        name = line.message["method"]
        where = f"{line} {name}"
        if name not in contract.NOTIFICATIONS:
            findings.append(f"{where}: not in the contract")
            continue
        wire = line.message["params"]
        try:
            value = contract.notification(name).decoder.decode(json.dumps(wire).encode())
        except msgspec.DecodeError as error:
            findings.append(f"{where}: {error}")
        else:
            findings.extend(findings_of(where, wire, value))
    report(findings)


@each_scenario
def test_every_accepted_request_can_be_made(scenario: Scenario) -> None:
    findings: list[str] = []
    for exchange in known_exchanges(scenario):
        if exchange.answer is None or exchange.error_code in REFUSALS:
            continue
        where = f"{exchange.request} {exchange.method}"
        refused = list(request_findings(where, contract.method(exchange.method), exchange.params))
        if str(exchange.request) in ACCEPTED_BUT_REFUSED_HERE:
            assert refused, f"{where} can be made now: take it off the list"
        else:
            findings.extend(refused)
    report(findings)


def request_findings(where: str, method: Any, wire: Any) -> Iterator[str]:
    """Say how the parameters that this package would send differ from those that were sent."""
    if method.params is None:
        if wire:
            yield f"{where}: sent {wire!r}, but the method takes no parameters"
        return
    try:
        encoded = json.loads(method.encode_params(wire or {}))
    except InvalidArgumentError as error:
        yield f"{where}: {error}"
        return
    decoder: Decoder[Any] = Decoder(method.params, method.name)
    # A null that says "not given" is not sent, which is the same to the runtime.
    sent: dict[str, Any] = wire or {}
    given = {key: item for key, item in sent.items() if item is not None or key in encoded}
    yield from (f"{where}: {what}" for what in losses(given, decoder.convert(encoded), encoded))


@each_scenario
def test_every_answer_to_the_runtime_can_be_made(scenario: Scenario) -> None:
    findings: list[str] = []
    for exchange in scenario.exchanges("<"):
        if exchange.answer is None or "result" not in exchange.answer.message:
            continue
        wire = exchange.answer.message["result"]
        value = msgspec.convert(wire, contract.notification(exchange.method).result)
        findings.extend(findings_of(f"{exchange.answer} answer to {exchange.method}", wire, value))
    report(findings)


@each_scenario
def test_every_error_has_a_class_of_its_own(scenario: Scenario) -> None:
    methods = {exchange.answer.number: exchange.method for exchange in known_exchanges(scenario) if exchange.answer}
    findings: list[str] = []
    for line in scenario.errors():
        error = line.message["error"]
        name = methods.get(line.number)
        found = (contract.method(name).errors.get(error["code"]) if name else None) or ERRORS.get(error["code"])
        where = f"{line} {name} {error}"
        if found is None:
            findings.append(f"{where}: no class")
        elif "data" in error and (details := details_type(found)) is not None:
            decoder: Decoder[object] = Decoder(details, found.__name__)
            findings.extend(findings_of(where, error["data"], decoder.convert(error["data"])))
    report(findings)


def test_the_contract_has_every_method_that_the_runtime_lists() -> None:
    (initialize,) = (e for e in scenarios()["handshake"].exchanges(">") if e.method == "initialize")
    assert initialize.answer is not None
    listed = set(initialize.answer.message["result"]["methods"])
    assert listed - contract.METHODS.keys() - contract.CLIENT_NOTIFICATIONS.keys() == set()


@each_scenario
def test_no_answered_method_is_left_out(scenario: Scenario) -> None:
    left_out = {
        exchange.method: exchange.error_code
        for exchange in scenario.exchanges(">")
        if exchange.answer is not None and exchange.method not in contract.METHODS
    }
    assert set(left_out.values()) <= {METHOD_NOT_FOUND}, left_out


def test_what_is_lost_is_seen() -> None:
    decoder: Decoder[object] = Decoder(contract.method("session/list").result, "test")
    session = {"session_id": "s", "created_at": 1, "updated_at": 2, "message_count": 3, "total_tokens": 4}
    wire: dict[str, Any] = {"sessions": [{**session, "is_active": True, "labels": {}, "session_ref": None, "novel": 1}]}
    value = decoder.convert(wire)
    again = json.loads(encode(value))
    assert list(losses(wire, value, again)) == ["$.sessions[0].novel: lost 1"]
    again["sessions"][0]["is_active"] = 1
    again["sessions"][0]["extra"] = None
    assert list(losses(wire, value, again)) == [
        "$.sessions[0].extra: appeared as None",
        "$.sessions[0].is_active: True became 1",
        "$.sessions[0].novel: lost 1",
    ]


def test_what_is_unknown_is_seen() -> None:
    (line,) = scenarios()["session_basic"].notifications("<")[:1]
    params = json.loads(json.dumps(line.message["params"]))
    params["event"]["payload"] = {"type": "novel_event", "payload": 1}
    value = contract.notification("session/event").decoder.convert(params)
    (found,) = unknowns(value)
    assert found.startswith("$.event.payload: UnknownEvent(")
    (enum,) = unknowns({"status": [OpenStatus("a"), OpenStatus("b")]})
    assert enum == "$.status[1]: OpenStatus has no value 'b'"


class OpenStatus(OpenStrEnum):
    A = "a"
