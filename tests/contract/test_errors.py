"""Whatever the runtime answers and whatever a caller gives, what leaves a public call is an error of the package."""

from __future__ import annotations

import itertools
import json
import warnings
from typing import TYPE_CHECKING, Any, Final

import pytest

import meerkat
from meerkat import InvalidArgumentError, MeerkatError
from meerkat import _runs as runs
from meerkat._core.codec import encode
from tests.contract.calls import CALLED, call, fixed, params_of
from tests.contract.document import document
from tests.contract.readings import Reading, validators
from tests.contract.wire import BY_ITSELF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.document import Method
    from tests.contract.wire import Wire

pytestmark = pytest.mark.anyio

UNKNOWN: Final = -12345
"""A code that the contract does not list."""

CONNECTION: Final = {"tools/register"}
"""Methods that are called on occasion of another one, which the error would be taken for."""

ASKED: Final = [name for name in CALLED if name not in BY_ITSELF | CONNECTION]


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event that tells why a turn failed does not come here."""
    monkeypatch.setattr(runs, "GRACE_FAILED", 0.01)


each_method = pytest.mark.parametrize("name", ASKED)


def report(findings: list[str]) -> None:
    """Fail with all findings."""
    shown = "\n".join(finding[:600] for finding in findings[:30])
    assert not findings, f"{len(findings)} findings:\n{shown}"


async def called(wire: Wire, name: str, given: dict[str, Any] | None = None) -> Any:
    """Call a method, with all parameters unless told otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return await call(wire.client, name, params_of(CALLED[name])[0] if given is None else given)


def listed(method: Method) -> Iterator[tuple[str, int, Any]]:
    """Yield the errors that the contract lists for a method: class, code, and details where they have a schema."""
    components = document().raw["components"]
    for reference in method.raw.get("errors", []):
        error = reference["$ref"].rpartition("/")[2]
        kind = components["x-errors"][error]
        details = document().samples.full(kind["x-data"]) if "x-data" in kind else None
        yield kind["x-python"]["class"], components["errors"][error]["code"], details


@pytest.mark.requirement("C03", "C04")
@each_method
async def test_every_listed_error_is_raised_as_its_class(wire: Wire, name: str) -> None:
    method = CALLED[name]
    wire.answer_validly(method, params_of(method)[0])
    before = wire.answers[name]["before"]
    for kind, code, details in [*listed(method), ("MeerkatError", UNKNOWN, {"any": ["thing", None]})]:
        data = {} if details is None else {"data": details}
        wire.told(name, {"error": {"code": code, "message": "said so", **data}}, *before)
        with pytest.raises(MeerkatError) as caught:
            await called(wire, name)
        error = caught.value
        # Where several share a code and nothing tells them apart, it is the more general or the method's own one.
        wanted = getattr(meerkat, kind)
        assert type(error) is wanted or (details is None and issubclass(type(error), wanted)), (kind, code, error)
        assert (error.code, error.method, error.message) == (code, name, "said so")
        assert (error.details is None) == (details is None)
        if kind == "MeerkatError":
            assert error.details == details


NOT_FOUND: Final = {
    ("session/read", -32001): "SessionNotFoundError",
    ("turn/start", -32001): "SessionNotFoundError",
    ("turn/start", -32021): "SkillNotFoundError",
    ("session/create", -32021): "SkillNotFoundError",
    ("schedule/list", -32020): "CapabilityUnavailableError",
    ("mob/list", -32020): "CapabilityUnavailableError",
    ("schedule/get", -32023): "ScheduleNotFoundError",
    ("schedule/call", -32001): "ScheduleToolCapabilityUnavailableError",
    ("schedule/call", -32004): "ScheduleToolNotFoundError",
    ("turn/start", -32004): "DuplicateInputError",
}


@pytest.mark.requirement("C04")
@pytest.mark.parametrize(("name", "code"), NOT_FOUND)
async def test_what_is_not_found_is_told_as_such(wire: Wire, name: str, code: int) -> None:
    """By the call in Python and by the raw one, listed for the method or not."""
    wire.answer_validly(CALLED[name], params_of(CALLED[name])[0])
    wire.told(name, {"error": {"code": code, "message": "not here"}}, *wire.answers[name]["before"])
    kind = getattr(meerkat, NOT_FOUND[name, code])
    with pytest.raises(kind) as caught:
        await called(wire, name)
    assert type(caught.value) is kind
    with pytest.raises(kind) as caught:
        await wire.client.call(name, {})
    assert type(caught.value) is kind


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


DEEP: Final = nested(900)  # not much below what the interpreter can follow
RAW: Final = {"session/list", "turn/start", "mob/list"}
"""Methods that are tried by the raw call as well."""

ODD_RESULTS: Final[list[Any]] = [
    None, True, 0, -1.5, 10**30, "", "text", [], [None], [[]], {}, {"": None}, {"session_id": 5}, {"session_id": None},
    {"contract_version": {}}, {"sessions": {}}, DEEP,
]  # fmt: skip

ODD_ERRORS: Final[list[Any]] = [
    "text", 5, [], {}, {"code": None}, {"code": "E1"}, {"code": 1.5}, {"code": 10**30}, {"code": -32603},
    {"code": -32603, "message": None}, {"code": -32603, "message": "", "data": DEEP},
    {"code": -32602, "message": "", "data": 5}, {"code": 0, "message": "", "data": {"code": {}}},
]  # fmt: skip


@pytest.mark.requirement("C03", "C07")
@each_method
async def test_any_answer_gives_a_result_or_an_error_of_the_package(fresh_wire: Wire, name: str) -> None:
    wire, method = fresh_wire, CALLED[name]
    wire.answer_validly(method, params_of(method)[0])
    before = wire.answers[name]["before"]
    outcomes = [*({"result": value} for value in ODD_RESULTS), *({"error": value} for value in ODD_ERRORS if value)]
    findings: list[str] = []
    for outcome in outcomes:
        wire.told(name, outcome, *before)
        for how in ("call", "raw") if name in RAW else ("call",):
            try:
                await (called(wire, name) if how == "call" else wire.client.call(name, {}))
            except MeerkatError as error:
                if error.method != name:
                    findings.append(f"{how}: {str(outcome)[:80]}: of another method: {error!r}")
            except Exception as error:  # noqa: BLE001  # nothing else may come
                findings.append(f"{how}: {str(outcome)[:80]}: {error!r}")
    report(findings)
    assert wire.client.diagnostics.pending_calls == 0


class Odd:
    """Nothing that JSON knows."""


TAKEN_OTHERWISE: Final = {("session/create", "initial_turn"), ("live/send_input", "chunk"), ("tools/register", "tools")}
"""What is no argument: it follows from which call is made, and with what."""

LOOP: Any = []
LOOP.append(LOOP)

WILD: Final[dict[str, Any]] = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "half a surrogate pair": "a\ud800",
    "a key with half of one": {"\udfff": 1},
    "an odd object": Odd(),
    "a class": Odd,
    "complex": 1j,
    "a function": print,
    "in a list": [Odd()],
    "nan in a mapping": {"a": [float("nan")]},
    "odd keys": {Odd(): 1},
    "endless": LOOP,
}


@pytest.mark.requirement("C03", "C06")
@pytest.mark.parametrize("name", [name for name in CALLED if CALLED[name].params_type])
async def test_what_json_cannot_hold_is_refused_before_anything_is_sent(wire: Wire, name: str) -> None:
    """In every parameter of every method, some of them in each, and in raw calls."""
    method = CALLED[name]
    given = dict(params_of(method)[0])
    wire.answer_validly(method, given)
    wire.taken()
    findings: list[str] = []
    rotating = itertools.cycle(WILD.items())
    free = [param["name"] for param in method.raw["params"] if param["name"] not in fixed(method)]
    for param in (param for param in free if param in given and (name, param) not in TAKEN_OTHERWISE):
        for what, value in itertools.islice(rotating, 4):
            try:
                await called(wire, name, {**given, param: value})
            except (InvalidArgumentError, TypeError):
                continue
            except Exception as error:  # noqa: BLE001  # likewise
                findings.append(f"{param}: {what}: {type(error)}")
            else:
                findings.append(f"{param}: {what}: was taken")
    for what, value in WILD.items() if name in RAW else ():
        try:
            await wire.client.call(name, {"x": value})
        except InvalidArgumentError as error:
            if error.method != name:
                findings.append(f"raw: {what}: no method in {error!r}")
        except Exception as error:  # noqa: BLE001  # likewise
            findings.append(f"raw: {what}: {type(error)}")
        else:
            findings.append(f"raw: {what}: was taken")
    findings += [f"was sent: {line}" for line in wire.taken() if line["method"] not in BY_ITSELF]
    report(findings)
    assert wire.client.diagnostics.pending_calls == 0


FALSY: Final[list[Any]] = ["", 0, False, [], {}]


@pytest.mark.requirement("C08")
async def test_falsy_arguments_are_sent(wire: Wire) -> None:
    """Wherever a method takes one, as the contract's schemas say."""
    accepts = validators(Reading.SENT).accepts
    tried = 0
    for name in ASKED:
        method = CALLED[name]
        if method.params_type is None:
            continue
        given = dict(params_of(method)[0])
        for param in (param["name"] for param in method.raw["params"] if param["name"] not in fixed(method)):
            for value in FALSY:
                params = {**given, param: value}
                if not accepts(method.params_type, params) or (name, param) in TAKEN_OTHERWISE:
                    continue
                tried += 1
                wire.answer_validly(method, params)
                wire.told(name, wire.answers[name]["outcome"], *wire.answers[name]["before"])
                await called(wire, name, params)
                (sent,) = wire.requests(name)
                assert json.loads(encode(sent.get(param, "absent"))) == value, (name, param, value)
                assert type(sent[param]) is type(value), (name, param, value)
    assert tried > 150
