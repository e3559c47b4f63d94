"""Every rule of the comparison, by an edit and by the reverse edit, on what is sent and on what is received."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from codegen.diff.rules import RULES
from tests.codegen.diff_methods import ERRORS, METHODS, WRAPPERS
from tests.codegen.diff_types import FIELDS, INTEGER, STRING, TYPES, VALUES
from tests.codegen.diffing import (
    SIDES,
    Case,
    Document,
    changes,
    document,
    expected,
    ref,
    schemas,
    struct,
    thing,
    verdicts,
)

CASES = {
    f"{topic}: {name}": case
    for topic, cases in {
        "values": VALUES,
        "fields": FIELDS,
        "types": TYPES,
        "methods": METHODS,
        "wrappers": WRAPPERS,
        "errors": ERRORS,
    }.items()
    for name, case in cases.items()
}


def both(case: Case, side: str) -> tuple[Document, Document]:
    before = document()
    case.before(before, side)
    after = copy.deepcopy(before)
    case.edit(after, side)
    return before, after


@pytest.mark.parametrize(("name", "side"), [(name, side) for name, case in CASES.items() for side in case.sides])
def test_an_edit_and_its_reverse(name: str, side: str) -> None:
    case = CASES[name]
    before, after = both(case, side)
    assert verdicts(before, after) == expected(case.forward, side)
    assert verdicts(after, before) == expected(case.backward, side)


def test_every_rule_is_tested_with_both_severities() -> None:
    tested = {rule: set[str]() for rule in RULES}
    for case in CASES.values():
        for part in f"{case.forward},{case.backward}".split(","):
            rule, sent, received = part.split()
            assert (sent, received) == (RULES[rule].sent, RULES[rule].received), rule
            tested[rule].update(case.sides)
    assert not [rule for rule, sides in tested.items() if not sides]
    assert not [rule for rule, sides in tested.items() if RULES[rule].directed and sides != set(SIDES)]
    assert len(RULES) >= 40


def test_the_reverse_of_a_rule_is_tested_with_it() -> None:
    pairs = {
        (forward.split()[0], backward.split()[0])
        for case in CASES.values()
        for forward in case.forward.split(",")
        for backward in case.backward.split(",")
    }
    assert not [rule.id for rule in RULES.values() if not {(rule.id, rule.reverse), (rule.reverse, rule.id)} & pairs]


def test_what_is_sent_and_received_counts_by_the_heavier_side() -> None:
    def both_sides(schema: Any) -> Document:
        contract = document()
        schemas(contract)["Shared"] = struct(value=schema)
        for side in SIDES:
            thing(contract, side)["properties"]["shared"] = ref("Shared")
        return contract

    (change,) = changes(both_sides(STRING), both_sides({"type": ["string", "null"]}))
    assert (change.rule.id, change.severity, change.place.subject) == ("null-added", "major", "Shared.value")


def test_a_field_of_a_base_counts_once() -> None:
    def with_base(**properties: Any) -> Document:
        contract = document()
        schemas(contract).update(Base=struct(**properties), Sent={**struct(own=STRING), "allOf": [ref("Base")]})
        return contract

    (change,) = changes(with_base(a=STRING), with_base(a=INTEGER))
    assert change.place.subject == "Base.a"
    (change,) = changes(with_base(a=STRING), with_base())
    assert (change.rule.id, change.place.subject) == ("field-removed", "Base.a")


def test_a_field_that_moves_to_a_base_is_no_change_but_that() -> None:
    old, new = document(), document()
    schemas(old).update(Base=struct(), Sent={**struct(a=STRING), "allOf": [ref("Base")]})
    schemas(new).update(Base=struct(a=STRING), Sent={**struct(b=STRING), "allOf": [ref("Base")]})
    found = {(change.rule.id, change.place.subject) for change in changes(old, new)}
    assert found == {
        ("field-added-optional", "Base.a"),
        ("field-added-optional", "Sent.b"),
        ("field-removed", "Sent.a"),
    }
