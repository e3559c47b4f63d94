"""Each method's call in Python gives what was answered as the contract's types, or an error that says what is wrong."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from meerkat._core.errors import InvalidResponseError
from meerkat._generated import contract
from tests.contract.calls import CALLED, call, has_wrapper, params_of
from tests.contract.document import document, ref
from tests.contract.readings import Reading, validators
from tests.support.samples import Fault, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.document import Method
    from tests.contract.wire import Wire

pytestmark = pytest.mark.anyio

WITH_WRAPPER = {name: method for name, method in CALLED.items() if has_wrapper(method)}
FREE = {name for name, method in CALLED.items() if target(method.result or {}) is None}
"""Methods whose result may be any JSON."""


def report(findings: list[str]) -> None:
    """Fail with all findings."""
    shown = "\n".join(finding[:600] for finding in findings[:30])
    assert not findings, f"{len(findings)} findings:\n{shown}"


async def called(wire: Wire, name: str) -> Any:
    """Call a method with all parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return await call(wire.client, name, params_of(CALLED[name])[0])


@pytest.mark.parametrize("name", WITH_WRAPPER)
async def test_results_are_typed(wire: Wire, name: str) -> None:
    method = WITH_WRAPPER[name]
    wire.answer_validly(method, params_of(method)[0])
    schema = method.result
    assert schema is not None
    findings: list[str] = []
    for result in document().samples.valid(schema):
        wire.answer(name, result)
        returned = await called(wire, name)
        if returned != expected(method, result):
            findings.append(f"{result} became {returned!r}")
    report(findings)


def expected(method: Method, result: Any) -> Any:
    """What a wrapper returns for a result, by the hints of the document."""
    decoded = contract.method(method.name).decode(json.dumps(result).encode())
    if method.python.get("returns") == "none":
        return None
    if method.python.get("none_when") and result.get(method.python["none_when"]) is True:
        return None
    return decoded[method.python["unwrap"]] if "unwrap" in method.python else decoded


def test_some_wrappers_unwrap_and_some_give_none() -> None:
    hints = [set(method.python) for method in WITH_WRAPPER.values()]
    assert all(any(hint in given for given in hints) for hint in ("unwrap", "returns", "none_when"))


def wrong_results(method: Method) -> Iterator[Fault]:
    """Yield results that do not fit: of another kind, and with a fault in one place."""
    schema = method.result
    assert schema is not None
    yield Fault("kind", "", {})
    for fault in document().samples.faults(schema, depth=1):
        if fault.kind in {"kind", "null", "missing"} and (not fault.where or fault.where.count(".") == 1):
            yield fault


@pytest.mark.requirement("C07")
@pytest.mark.parametrize("name", [name for name in CALLED if name not in FREE | {"tools/register"}])
async def test_results_that_do_not_fit_are_errors(wire: Wire, name: str) -> None:
    method = CALLED[name]
    accepts = validators(Reading.ANSWER).accepts
    wire.answer_validly(method, params_of(method)[0])
    findings: list[str] = []
    refused = 0
    for fault in wrong_results(method):
        if accepts(str(target(method.result or {})), fault.value):
            continue
        wire.told(name, {"result": fault.value}, *wire.answers[name]["before"])
        try:
            returned = await called(wire, name)
        except InvalidResponseError as error:
            refused += 1
            field = fault.where.rpartition(".")[2]
            if error.method != name or not (f"`{field}`" in str(error) or f".{field}`" in str(error) or not field):
                findings.append(f"{fault}: the message does not say where: {error}")
        else:
            findings.append(f"{fault}: gave {returned!r}")
    report(findings)
    assert refused


async def test_an_answer_to_a_registration_that_does_not_fit_is_an_error(fresh_wire: Wire) -> None:
    fresh_wire.answer("tools/register", {"registered": "one"})
    with pytest.raises(InvalidResponseError, match=r"tools/register.*\$\.registered"):
        await called(fresh_wire, "tools/register")


async def test_a_turn_without_its_text_is_no_session(wire: Wire) -> None:
    """It would fit a session that was only made."""
    result = {key: value for key, value in document().samples.full(ref("RunResult")).items() if key != "text"}
    assert validators(Reading.ANSWER).accepts("CreateSessionResult", result)
    wire.answer_validly(CALLED["session/create"], {"prompt": "hello"})
    wire.told("session/create", {"result": result}, *wire.answers["session/create"]["before"])
    with pytest.raises(InvalidResponseError, match=r"session/create.*`text`"):
        await wire.client.create_session("hello")


async def test_handles_are_made_of_results(wire: Wire) -> None:
    def answered(name: str, given: dict[str, Any]) -> Any:
        return contract.method(name).decode(json.dumps(wire.answer_validly(CALLED[name], given)).encode())

    run = answered("session/create", {"prompt": "hello"})
    session = await wire.client.create_session("hello")
    assert (session.id, session.ref, session.last_result) == (run.session_id, run.session_ref, run)
    again = answered("turn/start", {"session_id": session.id, "prompt": "more"})
    assert await session.turn("more") == again == session.last_result
    made = answered("session/create", {"prompt": "hello", "initial_turn": "deferred"})
    deferred = await wire.client.create_deferred_session("hello")
    assert (deferred.id, deferred.ref) == (made.session_id, made.session_ref)
    mob = await wire.client.create_mob(definition={"id": answered("mob/create", {}).mob_id, "profiles": {}})
    assert mob.id == "some mob_id"
    opened = answered("session/stream_open", {})
    async with await wire.client.subscribe_session_events(session.id) as events:
        assert events.stream_id == opened.stream_id


@pytest.mark.parametrize(
    ("name", "params"),
    [(name, params_of(CALLED[name])[0]) for name in ("comms/send", "live/commit_input", "live/send_input")],
)
async def test_calls_without_a_wrapper_give_what_was_answered(wire: Wire, name: str, params: dict[str, Any]) -> None:
    result = wire.answer_validly(CALLED[name], params)
    assert await call(wire.client, name, params) == contract.method(name).decode(json.dumps(result).encode())
