"""Every established name exists, with its arguments and fields, at run time and for type checkers.

``data/established_names.json`` lists them: the members of the handles with the names of their arguments, and what can
be imported from `meerkat`, with the names of the fields.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
import typing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import meerkat
from meerkat import _names
from meerkat._generated import contract
from meerkat._generated.index import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "meerkat"
ESTABLISHED = json.loads((Path(__file__).parent / "data" / "established_names.json").read_text())
MEMBERS = [(handle, name) for handle, members in ESTABLISHED["handles"].items() for name in members]
FIELDS = [(name, field) for name, entry in ESTABLISHED["importable"].items() for field in entry["fields"]]


def arms(kind: Any) -> Iterator[Any]:
    """The classes that a type consists of."""
    members = typing.get_args(kind)
    if members:
        for member in members:
            yield from arms(member)
    elif getattr(kind, "members", None) is not None:
        for member in kind.members():
            yield from arms(member)
    else:
        yield kind


def reads(kind: Any) -> set[str]:
    """Names by which values of a class are read: attributes, wire names and the tag."""
    fields = getattr(kind, "__struct_fields__", None)
    if fields is None:
        return {name for name in dir(kind) if not name.startswith("_")}
    tag = kind.__struct_config__.tag_field
    properties = {name for name in dir(kind) if isinstance(inspect.getattr_static(kind, name), property)}
    return {*fields, *properties, *kind.__struct_encode_fields__, *([] if tag is None else [tag])}


@cache
def arguments(handle: str, member: str) -> tuple[list[str], dict[str, bool]]:
    """Names of a member's positional arguments, and of all arguments with whether they can be left out."""
    signature = inspect.signature(getattr(getattr(meerkat, handle), member))
    positional: list[str] = []
    every: dict[str, bool] = {}
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            options = str(parameter.annotation).removeprefix("Unpack[").removesuffix("]")
            every.update(dict.fromkeys(getattr(meerkat, options).__annotations__, True))
            continue
        if parameter.kind is not parameter.KEYWORD_ONLY:
            positional.append(parameter.name)
        every[parameter.name] = parameter.default is not parameter.empty
    return positional, every


@pytest.mark.parametrize(("handle", "member"), MEMBERS)
def test_the_members_of_handles(handle: str, member: str) -> None:
    expected = ESTABLISHED["handles"][handle][member]
    found = inspect.getattr_static(getattr(meerkat, handle), member)
    if expected["kind"] == "property":
        assert isinstance(found, property)
        return
    if expected["kind"] in {"static", "classmethod"}:
        assert isinstance(found, {"static": staticmethod, "classmethod": classmethod}[expected["kind"]])
    function = getattr(getattr(meerkat, handle), member)
    assert inspect.iscoroutinefunction(function) == (expected["kind"] == "async")
    positional, every = arguments(handle, member)
    assert positional[: len(expected["positional"])] == expected["positional"]
    missing = {*expected["positional"], *expected["keywords"]} - every.keys()
    assert not missing
    required = {name for name, optional in every.items() if not optional}
    assert required <= set(expected["required"])


@pytest.mark.parametrize(("handle", "member"), MEMBERS)
def test_the_members_of_handles_are_documented_with_their_method(handle: str, member: str) -> None:
    doc = inspect.getdoc(inspect.getattr_static(getattr(meerkat, handle), member)) or ""
    rpc = ESTABLISHED["handles"][handle][member]["rpc"]
    assert doc
    if rpc is not None:
        assert rpc in contract.METHODS
        assert f"``{rpc}``" in doc


@pytest.mark.parametrize(("handle", "name"), [("Mob", "id"), ("Member", "agent_identity")])
def test_attributes(handle: str, name: str) -> None:
    assert name in ESTABLISHED["attributes"][handle]
    client = meerkat.MeerkatClient(runtime="embedded")
    made = client.mob("x") if handle == "Mob" else client.mob("team").member("x")
    assert getattr(made, name) == "x"
    assert "x" in repr(made)


@pytest.mark.parametrize("name", ESTABLISHED["importable"])
def test_what_can_be_imported(name: str) -> None:
    assert getattr(meerkat, name) is not None
    assert name in meerkat.__all__
    assert name in dir(meerkat)


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_the_fields_of_types(name: str, field: str) -> None:
    assert any(field in reads(arm) for arm in arms(getattr(meerkat, name)))


@pytest.mark.parametrize("name", [name for name, entry in ESTABLISHED["importable"].items() if entry["mapping"]])
def test_types_that_were_mappings_are_read_like_mappings(name: str) -> None:
    for arm in arms(getattr(meerkat, name)):
        assert {"__getitem__", "get", "keys", "__contains__"} <= set(dir(arm))


# One class each in the programs that use them, and unions of typed arms here.
FLAT = (
    "AgentErrorReason",
    "EventSourceIdentity",
    "SessionAssistantBlock",
    "SessionMessage",
    "SkillResolutionFailureReason",
)


@pytest.mark.parametrize("name", FLAT)
def test_every_arm_can_be_asked_for_every_established_field(name: str) -> None:
    listed = list(arms(getattr(meerkat, name)))
    unknown = listed[0].__unknown__
    assert issubclass(unknown, meerkat.Unknown)
    for field in ESTABLISHED["importable"][name]["fields"]:
        for arm in (*listed, unknown):
            assert field in reads(arm) or hasattr(arm, field), f"{arm.__name__} has no {field}"


def test_retired_methods_say_what_to_do_instead() -> None:
    client = meerkat.MeerkatClient(runtime="embedded")
    retired = [name for name in ESTABLISHED["handles"]["MeerkatClient"] if name.startswith("runtime_")]
    assert len(retired) == 6
    for name in retired:
        given = [""] * len(ESTABLISHED["handles"]["MeerkatClient"][name]["positional"])
        with pytest.raises(meerkat.MethodNotFoundError, match=f"{name}.*use "):
            getattr(client, name)(*given).send(None)


def test_aliases_are_the_same_for_type_checkers() -> None:
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse((PACKAGE / "_aliases.py").read_text())):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            assert isinstance(node.value, ast.Attribute)
            found[node.target.id] = node.value.attr
    assert found == dict(_names.ALIASES)
    assert set(found.values()) <= PUBLIC.keys()
    assert not found.keys() & {*PUBLIC, *_names.HANDWRITTEN}


def test_an_unknown_name_is_an_attribute_error() -> None:
    for module in ("meerkat", "meerkat.types", "meerkat.events", "meerkat.errors"):
        with pytest.raises(AttributeError, match=f"'{module}' has no attribute 'Nonsense'"):
            _ = importlib.import_module(module).Nonsense


def test_the_topics() -> None:
    from meerkat import errors, events, types

    for module in (errors, events, types):
        for name in module.__all__:
            assert getattr(module, name) is getattr(meerkat, name), name
        assert set(module.__all__) <= set(dir(module))
    assert all(issubclass(getattr(errors, name), meerkat.MeerkatError) for name in errors.__all__)
    classes = {name for name in meerkat.__all__ if name.endswith("Error") and isinstance(getattr(meerkat, name), type)}
    raised = {name for name in classes if issubclass(getattr(meerkat, name), BaseException)}
    assert raised == set(errors.__all__)
    from meerkat._generated.events import EVENT_TYPES

    assert {kind.__name__ for kind in EVENT_TYPES.values()} <= set(events.__all__)
    assert {"Event", "UnknownEvent", "EventGap", "ScopedEvent", "AttributedEvent", "parse_event"} <= set(events.__all__)
    typed = {name for name, home in PUBLIC.items() if home.startswith("meerkat._generated.types.")}
    assert typed <= set(types.__all__)
    assert not set(errors.__all__) & set(types.__all__)


@pytest.mark.requirement("G04")
@pytest.mark.parametrize("module", ["meerkat.events", "meerkat.types", "meerkat.errors"])
def test_importing_a_topic_loads_no_event_loop_and_no_types(module: str) -> None:
    program = f"import {module}, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert module in loaded
    assert {"asyncio", "trio", "anyio", "msgspec", "ssl"}.isdisjoint(loaded)
    assert not any(name.startswith("meerkat._generated.types.") for name in loaded)


@pytest.mark.requirement("G03")
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_know_every_name_and_no_other(checker: str, tmp_path: Path) -> None:
    pytest.importorskip(checker, reason=f"{checker} is not installed; `make setup` installs it")
    lines = [
        f"from {module} import {name} as {name}_{number}"
        for number, module in enumerate(("meerkat", "meerkat.types", "meerkat.events", "meerkat.errors"))
        for name in importlib.import_module(module).__all__
    ]
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("\n".join([*lines, ""]))
    bad.write_text("from meerkat import Nonsense\nfrom meerkat.events import MeerkatClient\n")
    command = {
        "mypy": [
            sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--follow-imports=silent",
            "--config-file=", "--cache-dir", str(ROOT / ".mypy_cache" / "names"),
        ],
        "pyright": [sys.executable, "-m", "pyright", "--project", str(tmp_path)],
    }[checker]  # fmt: skip
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({"extraPaths": [str(PACKAGE.parent)], "pythonVersion": "3.11", "typeCheckingMode": "basic"})
    )
    environment = {"MYPYPATH": str(PACKAGE.parent)}
    checked = run_checker([*command, str(good)], environment)
    assert checked.returncode == 0, checked.stdout
    checked = run_checker([*command, str(bad)], environment)
    assert checked.returncode == 1, checked.stdout
    assert "Nonsense" in checked.stdout
    assert "MeerkatClient" in checked.stdout


def run_checker(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
