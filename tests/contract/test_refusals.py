"""An argument that is not one of a set is refused with what is allowed there, and never with what was given."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

import meerkat
from meerkat import InvalidArgumentError
from meerkat._core.codec import checked
from meerkat._core.model import Model, untagged
from meerkat._generated import contract
from tests.contract.document import document, ref
from tests.contract.places import Path, Place, places
from tests.support.samples import NOVEL


def path_of(path: Path) -> str:
    return "$" + "".join(
        f".{key}" if isinstance(key, str) and key != "some key" else f"[{key!r}]" for key in path
    )  # keys of maps are told as keys


def given_and_listed(place: Place) -> tuple[Any, list[str], Path]:
    """A value that is not one of the set, the values that are, and where the message says that it stands."""
    if place.kind == "union":
        return place.filled({**place.here, place.tag: NOVEL}), list(place.arms), (*place.path, place.tag)
    return place.filled(NOVEL), [value for value in place.schema["enum"] if value is not None], place.path


def complaint(message: str, listed: list[str], path: Path) -> str:
    """What is wrong with a message, if anything is."""
    if NOVEL in message:
        return "it quotes the value"
    _, found, rest = message.partition("Not a listed value (allowed: ")
    shown, _, where = rest.partition(") - at ")
    if not found or sorted(shown.split(", ")) != sorted(listed):
        return "it does not say what is allowed"
    # A member of an untagged union has paths of its own.
    parts = range(len(path)) if "No member" in message else (0,)
    return "" if any(where.startswith(f"`{path_of(path[start:])}`") for start in parts) else "it does not say where"


def test_every_set_of_the_contract_is_told() -> None:
    findings: list[str] = []
    told: list[str] = []
    for name in sorted(document().sent):
        type_ = getattr(meerkat, name)
        for place in places(ref(name)):
            if place.kind == "object":
                continue
            value, listed, path = given_and_listed(place)
            try:
                checked(type_, value)
            except ValueError as error:
                told.append(str(error))
                if wrong := complaint(str(error), listed, path):
                    findings.append(f"{name}, {place}: {wrong}: {error}")
            else:
                # What is received as well may have values that are new, but only a listed arm can be sent.
                if place.kind == "union":
                    findings.append(f"{name}, {place}: accepted")
    assert not findings, "\n".join(findings[:20])
    assert len(told) > 300


class Arm(Model, tag="arm", tag_field="type", frozen=True, forbid_unknown_fields=True):
    side: Literal["left", "right"]


class Leg(Model, tag="leg", tag_field="type", frozen=True, forbid_unknown_fields=True):
    length: int = 0


class Named(Model, frozen=True, forbid_unknown_fields=True):
    rank: Literal["first", "second"]


class Ranks(Model, frozen=True, forbid_unknown_fields=True):
    ranks: dict[str, Literal["first", "second"]]


Some = untagged("Some", lambda: (Named, Ranks))


class Limbs(Model, frozen=True, forbid_unknown_fields=True):
    number: Literal[1, 2] = 1
    many: Literal["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"] = "a"
    one: Arm | Leg | None = None
    listed: list[Arm | Leg] | None = None
    mapped: dict[str, list[Arm | Leg]] | None = None
    some: dict[str, Some] | None = None  # type: ignore[valid-type]  # made at run time


GIVEN: list[tuple[dict[str, Any], str]] = [
    ({"number": 7}, "Not a listed value (allowed: 1, 2) - at `$.number`"),
    ({"many": "z"}, "Not a listed value (allowed: a, b, c, d, e, f, g, h, i, j, k, l and 2 more) - at `$.many`"),
    ({"many": "z' - at `$.number` \"\\"}, "(allowed: a, b, c, d, e, f, g, h, i, j, k, l and 2 more) - at `$.many`"),
    ({"one": {"type": "zz"}}, "Not a listed value (allowed: arm, leg) - at `$.one.type`"),
    ({"one": {"type": "arm", "side": "zz"}}, "Not a listed value (allowed: left, right) - at `$.one.side`"),
    ({"listed": [{"type": "leg"}, {"type": "zz"}]}, "Not a listed value (allowed: arm, leg) - at `$.listed[1].type`"),
    (
        {"mapped": {"a": [{"type": "leg"}], "b": [{"type": "leg"}, {"type": "zz"}]}},
        "Not a listed value (allowed: arm, leg) - at `$.mapped['b'][1].type`",
    ),
    (
        {"mapped": {"a": [{"type": "arm", "side": "left"}], "b": [{"type": "arm", "side": "zz"}]}},
        "Not a listed value (allowed: left, right) - at `$.mapped['b'][0].side`",
    ),
    (
        {"some": {"a": {"rank": "first"}, "b": {"rank": "zz"}}},
        "(allowed: first, second) - at `$.rank`; Ranks: Object contains unknown field `rank`) - at `$.some['b']`",
    ),
    (
        {"some": {"b": {"ranks": {"x": "first", "y": "zz"}}}},
        "Ranks: Not a listed value (allowed: first, second) - at `$.ranks['y']`) - at `$.some['b']`",
    ),
]


@pytest.mark.parametrize(("value", "message"), GIVEN, ids=[str(index) for index in range(len(GIVEN))])
def test_what_is_allowed_is_told_with_its_place(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="Not a listed value") as caught:
        checked(Limbs, value)
    assert str(caught.value).endswith(message)
    assert "zz" not in str(caught.value)
    assert "Invalid" not in str(caught.value)


def test_what_is_allowed_at_the_root() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"^Not a listed value \(allowed: a, b\) - at `\$`$"):
        checked(Literal["a", "b"], "zz")


def test_a_call_by_parameters_tells_it_too() -> None:
    method = contract.method("live/open")
    with pytest.raises(InvalidArgumentError) as caught:
        method.encode_params({"session_id": "s", "turning_mode": "zz"})
    expected = "Not a listed value (allowed: explicit_commit, provider_managed) - at `$.turning_mode`"
    assert str(caught.value) == f"live/open: {expected}"
