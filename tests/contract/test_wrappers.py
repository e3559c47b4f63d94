"""Each method's call in Python writes the line that the contract says, whatever way its arguments are given."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import meerkat
from meerkat._core.codec import checked, is_object
from meerkat._core.errors import InvalidArgumentError
from tests.contract.calls import (
    CALLED,
    arguments,
    call,
    differences,
    fixed,
    has_wrapper,
    nullable,
    optional,
    params_of,
    python_name,
)
from tests.contract.document import document, ref
from tests.contract.readings import Reading, validators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.contract.document import Method
    from tests.contract.wire import Wire
    from tests.support.samples import Fault

pytestmark = pytest.mark.anyio

BUILT = {"live/send_input", "tools/register"}
"""Methods whose parameters the client builds from plain arguments."""

MORE_IS_TAKEN = {
    ("auth/login/complete", "missing", ".redirect_uri"): "established programs leave the address out",
    ("auth/login/start", "missing", ".redirect_uri"): "established programs leave the address out",
    ("mob/unwire", "kind", ".peer"): "a name stands for another member of the mob",
    ("mob/wire", "kind", ".peer"): "a name stands for another member of the mob",
    ("session/create", "kind", ".initial_turn"): "decided by which call is made",
    ("session/create", "enum", ".initial_turn"): "decided by which call is made",
}
"""What is wrong on the wire but right as an argument, with the reason."""

each_method = pytest.mark.parametrize("name", CALLED)


def report(findings: list[str]) -> None:
    """Fail with all findings."""
    shown = "\n".join(finding[:600] for finding in findings[:30])
    assert not findings, f"{len(findings)} findings:\n{shown}"


async def sent_by(wire: Wire, method: Method, given: Mapping[str, Any], typed: Any = None) -> Any:
    """Call a method, with typed parameters if there are any, and return the parameters that were sent."""
    deprecated = {param["name"] for param in method.raw["params"] if param.get("deprecated")}
    wire.answer_validly(method, given)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        await call(wire.client, method.name, typed or given)
    assert [warning.category for warning in warned] == [DeprecationWarning] * len(deprecated & given.keys())
    (params,) = wire.requests(method.name)
    return params


@pytest.mark.requirement("C08", "C09")
@each_method
async def test_every_parameter_is_sent(wire: Wire, name: str) -> None:
    method = CALLED[name]
    findings: list[str] = []
    given_ever: set[str] = set()
    for given in params_of(method):
        sent = await sent_by(wire, method, given)
        findings += [f"{given}: {what}" for what in differences(method, given, sent)]
        given_ever |= sent.keys()
    report(findings)
    listed = {param["name"] for param in method.raw["params"]}
    assert listed <= given_ever


@pytest.mark.parametrize("name", [name for name, method in CALLED.items() if method.params_type])
async def test_typed_objects_and_mappings_are_the_same(wire: Wire, name: str) -> None:
    method = CALLED[name]
    given = params_of(method)[0]
    typed: Any = checked(getattr(meerkat, str(method.params_type)), given)
    if "request" not in method.python:
        chunk = {"chunk": given["chunk"]} if name == "live/send_input" else {}  # given as plain arguments
        typed = {key: typed[key] for key in given if typed[key] is not msgspec.UNSET} | chunk
    report(list(differences(method, given, await sent_by(wire, method, given, typed))))


@pytest.mark.requirement("C08")
@pytest.mark.parametrize("name", [name for name, method in CALLED.items() if optional(method)])
async def test_none_says_not_given(wire: Wire, name: str) -> None:
    method = CALLED[name]
    given = document().samples.minimal(ref(str(method.params_type)))
    nothing = dict.fromkeys(optional(method) - nullable(method))
    wire.answer_validly(method, given)
    await call(wire.client, name, {**given, **nothing})
    (sent,) = wire.requests(name)
    assert sent.keys().isdisjoint(nothing)
    report(list(differences(method, given, sent)))


@pytest.mark.parametrize("name", [name for name, method in CALLED.items() if has_wrapper(method)])
async def test_arguments_by_position(wire: Wire, name: str) -> None:
    """Required ones in the order of the contract, then those that it says may be given so."""
    method = CALLED[name]
    given = {key: value for key, value in params_of(method)[0].items() if key != "inherited_tool_filter"}
    by_name = arguments(method, given)
    required = [param for param in method.raw["params"] if param.get("required") and param["name"] not in fixed(method)]
    order = [*map(python_name, required), *method.python.get("positional", [])]
    by_position = [by_name.pop(argument) for argument in (list(by_name) if "request" in method.python else order)]
    wire.answer_validly(method, given)
    await getattr(wire.client, method.python["name"])(*by_position, **by_name)
    (sent,) = wire.requests(name)
    report(list(differences(method, given, sent)))


@pytest.mark.parametrize("name", [name for name, method in CALLED.items() if method.params_type and name not in BUILT])
async def test_wrong_arguments_are_refused_before_they_are_sent(wire: Wire, name: str) -> None:
    method = CALLED[name]
    findings: list[str] = []
    refused = 0
    for fault in document().samples.faults(ref(str(method.params_type))):
        if not is_object(fault.value) or is_taken(method, fault):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                await call(wire.client, name, fault.value)
        except InvalidArgumentError as error:
            refused += 1
            if error.method != name or not says_where(str(error), fault):
                findings.append(f"{fault}: the message does not say where: {error}")
        except TypeError as error:
            if fault.kind not in {"missing", "key", "tag"} or fault.where.count(".") != 1:
                findings.append(f"{fault}: {error!r}")
        else:
            findings.append(f"{fault}: was taken")
    findings += [f"was sent: {line}" for line in wire.taken() if line["method"] != "runtime/health"]
    report(findings)
    assert refused


def is_taken(method: Method, fault: Fault) -> bool:
    """Whether parameters are right as arguments although they are wrong on the wire."""
    top_level = fault.where.count(".") == 1
    return (
        (fault.kind == "null for absent" and top_level)
        or fault.where.lstrip(".") in fixed(method)
        or (method.name, fault.kind, fault.where) in MORE_IS_TAKEN
        or validators(Reading.SENT).accepts(str(method.params_type), fault.value)
    )


def says_where(message: str, fault: Fault) -> bool:
    """Whether a message tells the path of a fault, the field that is missing or too many, or, where a value could be
    one of several things, the path from there.
    """
    steps = [index for index, letter in enumerate(fault.where) if letter == "."]
    paths = [f"`${fault.where[step:]}" for step in steps]
    return any(path in message for path in (*paths, f"`{fault.where.rpartition('.')[2]}`"))


@pytest.mark.parametrize(
    ("call_name", "given", "path"),
    [
        ("live_send_input_text", {"text": 5}, "$.chunk.text"),
        ("live_send_input_audio", {"data_base64": "", "sample_rate_hz": -1, "channels": 1}, "$.chunk.sample_rate_hz"),
        ("live_send_input_image", {"mime": None, "data_base64": ""}, "$.chunk.mime"),
        ("live_send_input_video_frame", {"codec": "x", "data_base64": "", "timestamp_ms": 0.5}, "$.chunk.timestamp_ms"),
    ],
)
async def test_wrong_pieces_of_input_are_refused(wire: Wire, call_name: str, given: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await getattr(wire.client, call_name)("c", **given)
    assert path in str(caught.value)
    assert not wire.requests("live/send_input")
