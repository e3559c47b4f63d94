"""The pieces with corners: names, docstrings, JSON pointers, directions, lines of YAML."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import meerkat._core.errors as core_errors
from codegen import docs, names
from codegen.flow import Flow
from codegen.ir import Direction
from codegen.pipeline import read
from codegen.problems import Problems, pointer, split_pointer
from codegen.source import Source
from meerkat._names import HANDWRITTEN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("session_id", "session_id"),
        ("thoughtSignature", "thought_signature"),
        ("HTTPServer", "http_server"),
        ("class", "class_"),
        ("from", "from_"),
        ("field", "field_"),
        ("type", "type"),
        ("list", "list"),
        ("odd-name", "odd_name"),
        ("Allow", "allow"),
    ],
)
def test_field_names(wire: str, python: str) -> None:
    assert names.field_name(wire) == python


@pytest.mark.parametrize(
    ("value", "member"),
    [
        ("end_turn", "END_TURN"),
        ("DisabledByPolicy", "DISABLED_BY_POLICY"),
        ("gpt-4.1", "GPT_4_1"),
        ("2-doors", "VALUE_2_DOORS"),
        ("session/create", "SESSION_CREATE"),
    ],
)
def test_member_names(value: str, member: str) -> None:
    assert names.member_name(value) == member


def test_class_and_module_names() -> None:
    assert names.calls_name("session_input") == "SessionInputCalls"
    assert names.module_of("UnknownEvent") == "unknown_event"


def test_names_of_the_hand_written_package_are_taken() -> None:
    assert {name for name in HANDWRITTEN if names.is_type_name(name)} <= names.HAND_WRITTEN


def test_names_of_hand_written_errors_are_taken() -> None:
    classes = {
        name
        for name, value in vars(core_errors).items()
        if inspect.isclass(value) and issubclass(value, core_errors.MeerkatError)
    }
    assert classes <= names.HAND_WRITTEN


TEXTS = st.text(st.sampled_from("ab \"\\'.\n`{}%"), max_size=400) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), max_size=60
)


@given(text=TEXTS, indent=st.sampled_from([0, 4, 8]))
def test_docstring_says_what_the_text_says(text: str, indent: int) -> None:
    literal = docs.docstring(text, indent)
    assert ast.literal_eval(literal).split() == text.split()


@given(text=st.text(st.sampled_from('abc "\\ '), max_size=600), indent=st.sampled_from([0, 4, 8]))
def test_docstring_keeps_to_the_line(text: str, indent: int) -> None:
    if max(map(len, text.split()), default=0) <= 20:
        lines = f"{' ' * indent}{docs.docstring(text, indent)}".splitlines()
        assert max(map(len, lines)) <= docs.WIDTH


@given(st.lists(st.text("a/~0 1", min_size=1)))
def test_pointers_come_back(parts: list[str]) -> None:
    assert split_pointer(pointer(*parts)) == parts


def test_directions(contract: Path) -> None:
    flow = Flow(read(contract)[0])
    both = Direction.SENT | Direction.RECEIVED
    expected = {
        "LendParams": Direction.SENT,
        "BookInput": Direction.SENT,
        "DoorReply": Direction.SENT,
        "Query": Direction.SENT,
        "QueryTitle": Direction.SENT,
        "DoorAskParams": Direction.RECEIVED,
        "LibraryEvent": Direction.RECEIVED,
        "LoanFailedData": Direction.RECEIVED,
        "RareBook": Direction.RECEIVED,
        "Book": Direction.RECEIVED,
        "Words": both,
        "MarkStamp": both,
        "ShelfKind": both,
        "Cover": both,
    }
    assert {name: flow.direction(name) for name in expected} == expected


def test_source_keeps_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a:\n  - b: 1\n    c: {d: 0x10, e: 1.5}\n  - yes\nf: true\ng:\n", "utf-8")
    problems = Problems()
    source = Source(path, problems)
    assert not problems
    assert source.data == {"a": [{"b": 1, "c": {"d": 16, "e": 1.5}}, "yes"], "f": True, "g": None}
    assert [source.line(where) for where in ("", "/a", "/a/0/c/d", "/a/1", "/f", "/g", "/g/lost")] == [
        1,
        1,
        3,
        4,
        5,
        6,
        6,
    ]
