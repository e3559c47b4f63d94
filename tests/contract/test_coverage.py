"""The package has all that the contract has, reachable from its public names, and nothing that the contract lacks."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec import inspect as types

import meerkat
from meerkat._core.codec import Decoder
from meerkat._core.errors import MeerkatError
from meerkat._core.model import Model, OpenStrEnum, Unknown
from meerkat._generated import contract, public
from meerkat._generated.errors import ERRORS, details_type
from meerkat._generated.events import EVENT_TYPES
from meerkat._generated.index import PUBLIC
from meerkat.client import MeerkatClient
from tests.contract.calls import has_wrapper
from tests.contract.document import document
from tests.contract.test_public_calls import CALLS
from tests.support.recordings import scenarios
from tests.support.samples import is_struct, tag_of, target

if TYPE_CHECKING:
    from tests.contract.wire import Wire

SOURCE: Final = Path(meerkat.__file__).parent
WITHOUT_A_DESCRIPTION: Final = {"initialize", "tools/register"}
"""Requests that the client makes by itself: when it connects, and when a tool was declared."""
NAMESPACES: Final = {name.partition("/")[0] for name in document().methods if "/" in name}


def test_every_method_is_reachable_by_a_public_call() -> None:
    described = {name for names in CALLS.values() for name in names}
    assert described | WITHOUT_A_DESCRIPTION == document().requests.keys() == contract.METHODS.keys()


@pytest.mark.anyio
@pytest.mark.requirement("P01")
async def test_the_client_makes_the_others_by_itself(fresh_wire: Wire) -> None:
    sent = [(line["method"], line["params"]) for line in fresh_wire.taken()]
    assert sent == [("initialize", {}), ("capabilities/get", {})]
    fresh_wire.client.tool("hello", description="greets", input_schema={"type": "object"})(lambda: "hello")
    fresh_wire.answer("tools/register", {"registered": 1})
    await fresh_wire.client.get_runtime_host_health()
    (first, second) = fresh_wire.taken()
    assert (first["method"], second["method"]) == ("tools/register", "runtime/health")
    assert first["params"] == {
        "tools": [{"name": "hello", "description": "greets", "input_schema": {"type": "object"}}]
    }


def test_the_contract_has_what_the_runtime_lists() -> None:
    (greeting,) = (each for each in scenarios()["handshake"].exchanges(">") if each.method == "initialize")
    assert greeting.answer is not None
    listed = set(greeting.answer.message["result"]["methods"])
    live = {name for name, method in document().requests.items() if method.raw.get("x-requires") == "live"}
    assert listed <= document().methods.keys()
    assert document().requests.keys() - listed - live == {"tools/register"}


def test_public_calls_name_only_methods_of_the_contract() -> None:
    assert {name for names in CALLS.values() for name in names} <= document().requests.keys()


def test_the_source_names_only_methods_of_the_contract() -> None:
    """What looks like an RPC name in the hand-written source is one."""
    found: dict[str, str] = {}
    for path in (*SOURCE.glob("*.py"), *(SOURCE / "_core").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for name in re.findall(r"\A[a-z_]+(?:/[a-z_]+)+\Z|``([a-z_]+(?:/[a-z_]+)+)``", node.value):
                    found[name or node.value] = path.name
    names = {name for name in found if name.partition("/")[0] in NAMESPACES}
    assert names
    assert {name: found[name] for name in names - document().methods.keys()} == {}


@pytest.mark.parametrize("name", [name for name, method in document().requests.items() if has_wrapper(method)])
def test_wrappers_tell_their_method_and_its_errors(name: str) -> None:
    method = document().requests[name]
    described = inspect.getdoc(getattr(MeerkatClient, method.python["name"])) or ""
    assert f"RPC: ``{name}``" in described
    generated = next(
        kind
        for kind in MeerkatClient.__mro__
        if kind.__module__.startswith("meerkat._generated.calls.") and method.python["name"] in vars(kind)
    )
    text = inspect.getdoc(vars(generated)[method.python["name"]]) or ""
    assert str(method.raw["summary"]).split()[0] in text
    for error in method.raw.get("errors", []):
        kind = document().raw["components"]["x-errors"][error["$ref"].rpartition("/")[2]]["x-python"]["class"]
        assert f"{kind}:" in text


@pytest.mark.parametrize("name", document().requests)
def test_descriptors_say_what_the_contract_says(name: str) -> None:
    method, raw = contract.method(name), document().requests[name].raw
    assert (method.name, method.requires) == (name, raw.get("x-requires"))
    flags = {
        flag: getattr(method, flag.replace("-", "_"))
        for flag in ("cancellable", "long-running", "mutates", "null-id-errors")
    }
    assert flags == {flag: raw.get(f"x-{flag}", False) for flag in flags}
    params = document().requests[name].params_type
    assert method.params is (None if params is None else getattr(meerkat, params))
    result = target(raw["result"]["schema"])
    assert result is None or method.result == getattr(meerkat, result)
    Decoder(method.result, name)


@pytest.mark.parametrize("name", document().from_server)
def test_descriptors_of_what_the_runtime_sends_say_what_the_contract_says(name: str) -> None:
    method, known = contract.notification(name), document().from_server[name]
    assert (method.name, method.route_by) == (name, known.raw.get("x-route-by"))
    assert method.params == getattr(meerkat, str(known.params_type))
    assert (method.result is None) is (known.result is None)
    assert method.decoder
    assert contract.NOTIFICATIONS.keys() == document().from_server.keys()


@pytest.mark.requirement("C03", "C04")
def test_codes_become_the_classes_of_the_contract() -> None:
    """For each method and each error that it can raise, the descriptor or else the general table knows the class."""
    kinds, codes = document().raw["components"]["x-errors"], document().raw["components"]["errors"]
    for name, method in document().requests.items():
        for listed in method.raw.get("errors", []):
            error = listed["$ref"].rpartition("/")[2]
            code = codes[error]["code"]
            found = contract.method(name).errors.get(code) or ERRORS[code]
            meant = getattr(meerkat, kinds[error]["x-python"]["class"])
            # Where a method uses a code for several errors, the details tell: the class is one of those.
            assert issubclass(found, meant) or issubclass(meant, found), f"{name}: {code} is {found}, not {meant}"


@pytest.mark.parametrize("name", document().raw["components"]["x-errors"])
@pytest.mark.requirement("C03")
def test_exceptions_say_what_the_contract_says(name: str) -> None:
    kind, code = document().raw["components"]["x-errors"][name], document().raw["components"]["errors"][name]["code"]
    exception = getattr(meerkat, kind["x-python"]["class"])
    assert issubclass(exception, MeerkatError)
    assert exception(message="x").code == code
    assert issubclass(exception, getattr(meerkat, kind["x-python"].get("base", "MeerkatError")))
    for attribute in kind["x-python"].get("attributes", {}):
        assert getattr(exception(message="x"), attribute) is None
    if "x-data" in kind:
        assert details_type(exception) == getattr(meerkat, str(target(kind["x-data"])))


def test_every_public_name_can_be_imported() -> None:
    for name, module in PUBLIC.items():
        assert getattr(importlib.import_module(module), name) is getattr(meerkat, name)
        assert getattr(public, name) is getattr(meerkat, name)
    assert set(meerkat.__all__) >= PUBLIC.keys()
    for name in meerkat.__all__:
        assert getattr(meerkat, name) is not None


def test_every_schema_is_a_public_type_of_its_kind() -> None:
    for name, schema in document().schemas.items():
        type_: Any = getattr(meerkat, name)
        if is_struct(schema):
            assert issubclass(type_, Model), name
            names = [wire for wire in document().samples.fields(schema)[0] if wire != tag_of(schema)]
            assert sorted(type_.__struct_encode_fields__) == sorted(names), name
            assert (type_.__struct_config__.tag_field, type_.__struct_config__.forbid_unknown_fields) == (
                tag_of(schema),
                schema.get("additionalProperties") is False,
            ), name
        elif "enum" in schema and not document().sent_only(name):
            assert issubclass(type_, OpenStrEnum), name
            assert [member.value for member in type_] == schema["enum"], name
        else:
            assert types.type_info(type_), name


def test_events_by_tag_are_those_of_the_contract() -> None:
    mapping = document().schemas["AgentEvent"]["discriminator"]["mapping"]
    assert {tag: kind.__name__ for tag, kind in EVENT_TYPES.items()} == {
        tag: arm.rpartition("/")[2] for tag, arm in mapping.items()
    }
    assert issubclass(meerkat.UnknownEvent, Unknown)
    assert all(issubclass(kind, meerkat.Event) for kind in EVENT_TYPES.values())


def test_descriptions_of_the_contract_are_those_of_the_types() -> None:
    for name, schema in document().schemas.items():
        type_: Any = getattr(meerkat, name)
        if is_struct(schema) and "description" in schema:
            words = str(schema["description"]).split()[:3]
            assert (inspect.getdoc(type_) or "").split()[:3] == words, name
