"""Whatever stands in a public signature can be imported from a public module, so that programs can annotate with it."""

from __future__ import annotations

import ast
import builtins
import collections.abc
import importlib
import inspect
import sys
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import meerkat
from meerkat import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

CONSTRUCTED: Final = (meerkat.LiveChannel, meerkat.MeerkatClient)
"""Handles that programs make; all others they are given."""

HANDLES: Final = (
    *CONSTRUCTED,
    meerkat.DeferredSession,
    meerkat.Diagnostics,
    meerkat.EventGap,
    meerkat.EventStream,
    meerkat.EventSubscription,
    meerkat.Member,
    meerkat.Mob,
    meerkat.ScopedEvent,
    meerkat.Session,
    meerkat.Unknown,
)
OPTIONS: Final = [
    name for name in meerkat.__all__ if name.endswith("Options") and typing.is_typeddict(getattr(meerkat, name))
]
PRIVATE: Final = {"_Default": "stands for an argument that was not given; no program writes it"}
SPECIAL: Final = ("__init__", "__aenter__", "__anext__", "__aiter__", "__getitem__", "__contains__")
STANDARD: Final = {**vars(builtins), **vars(typing), **vars(collections.abc), "os": importlib.import_module("os")}


def functions(kind: type) -> Iterator[tuple[str, Any]]:
    """The functions behind the public members of a class."""
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        function = getattr(found, "fget", None) or getattr(found, "__func__", found)
        wanted = not name.startswith("_") or (name in SPECIAL and (name != "__init__" or kind in CONSTRUCTED))
        if wanted and isinstance(function, types.FunctionType) and function.__module__.startswith("meerkat."):
            yield f"{kind.__name__}.{name}", function


def signatures() -> Iterator[tuple[str, str, str]]:
    """Every public annotation: where it is, its module, its text."""
    for kind in HANDLES:
        for where, function in functions(kind):
            for parameter, text in function.__annotations__.items():
                yield f"{where}({parameter})", function.__module__, str(text)
    for name in ("parse_event", "to_builtins"):
        for parameter, text in getattr(meerkat, name).__annotations__.items():
            yield f"{name}({parameter})", getattr(meerkat, name).__module__, str(text)
    declared = [*(getattr(errors, name) for name in errors.__all__), meerkat.EventGap, meerkat.ScopedEvent]
    for kind in [*declared, *(getattr(meerkat, name) for name in OPTIONS)]:
        for field, text in kind.__annotations__.items():
            shown = text.__forward_arg__ if isinstance(text, typing.ForwardRef) else str(text)
            yield f"{kind.__name__}.{field}", kind.__module__, shown


def imported(module: str) -> dict[str, str]:
    """The modules that the names of a module come from, those included that only type checkers import."""
    tree = ast.parse(Path(str(sys.modules[module].__file__)).read_text("utf-8"))
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def named(text: str) -> set[str]:
    """The names in an annotation; what stands in a `Literal` is no name."""
    tree = ast.parse(text, mode="eval")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_there_are_signatures() -> None:
    found = list(signatures())
    assert len(found) > 700
    assert {"SendOptions", "TurnOptions", "CreateSessionOptions"} <= {
        name for _, _, text in found for name in named(text)
    }
    assert set(OPTIONS) >= {"SendOptions", "TurnOptions", "CreateSessionOptions"}


def test_every_name_of_a_signature_is_public() -> None:
    missing: set[str] = set()
    used: set[str] = set()
    for where, module, text in signatures():
        for name in named(text):
            if name in PRIVATE:
                used.add(name)
            elif name in STANDARD or isinstance(getattr(sys.modules[module], name, None), typing.TypeVar):
                continue
            elif name not in meerkat.__all__:
                missing.add(f"{name}: {where}")
            else:
                home = imported(module).get(name, module)
                assert getattr(importlib.import_module(home), name) is getattr(meerkat, name), f"{name}: {where}"
    assert not missing, "\n".join(sorted(missing))
    assert used == PRIVATE.keys()


@pytest.mark.parametrize("topic", ["types", "events"])
def test_names_of_arguments_stand_in_their_topic(topic: str) -> None:
    expected = {
        "types": {"CommsKind", "LiveModality", "MobPeer", "Prompt", "RuntimeKind", "SendOptions", "TurnOptions"},
        "events": {"StreamEvent", "EventGap", "AgentEvent"},
    }
    assert expected[topic] <= set(importlib.import_module(f"meerkat.{topic}").__all__)


def test_annotations_with_public_names_are_resolved_at_run_time() -> None:
    """Programs and libraries that read type hints get types, not text."""

    def program(
        prompt: meerkat.Prompt,
        peer: meerkat.MobPeer,
        modality: meerkat.LiveModality,
        runtime: meerkat.RuntimeKind,
        event: meerkat.StreamEvent,
        **message: typing.Unpack[meerkat.SendOptions],
    ) -> None: ...

    hints = typing.get_type_hints(program)
    assert set(typing.get_args(hints["runtime"])) == {"rkat-rpc", "embedded"}
    assert meerkat.EventGap in typing.get_args(hints["event"])
    assert meerkat.TextDelta in typing.get_args(hints["event"])
    assert str in typing.get_args(hints["prompt"])
