"""Hypothesis strategies from the contract's schemas: any valid value, and any value with one random change."""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from meerkat._core.codec import is_array, is_object
from tests.contract.document import document
from tests.support.samples import NOVEL, Schema, is_struct, split_null, target

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

INTEGERS: Final = st.integers(-(2**63), 2**64 - 1)
FLOATS: Final = st.floats(allow_nan=False, allow_infinity=False)
TEXTS: Final = st.text(max_size=8)
# JSON Schema takes 1.0 for an integer, which JSON libraries do not; neither side ever writes one so.
FRACTIONS: Final = st.floats(-1e6, 1e6).filter(lambda value: not value.is_integer())
SCALARS: Final = st.none() | st.booleans() | INTEGERS | FRACTIONS | TEXTS
JSON: Final[SearchStrategy[Any]] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("type"), inner, max_size=3),
    max_leaves=5,
)


@cache
def values(name: str) -> SearchStrategy[Any]:
    """Any valid value of a named schema."""
    return st.deferred(lambda: _of(document().schemas[name]))


def _of(schema: Schema) -> SearchStrategy[Any]:
    name = target(schema)
    if name is not None:
        return values(name)
    plain, nullable = split_null(schema)
    if nullable:
        return st.none() | _of(plain)
    if "oneOf" in schema or "anyOf" in schema:
        return st.one_of([_of(member) for member in schema.get("oneOf") or schema["anyOf"]])
    if is_struct(schema):
        return _struct(schema)
    match schema.get("type"):
        case "array":
            least = schema.get("minItems", 0)
            return st.lists(_of(schema["items"]), min_size=least, max_size=schema.get("maxItems", least + 2))
        case "object":
            return st.dictionaries(TEXTS, _of(schema["additionalProperties"]), max_size=2)
        case _:
            return _scalar(schema)


def _scalar(schema: Schema) -> SearchStrategy[Any]:
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "string":
            return st.text(min_size=schema.get("minLength", 0), max_size=8)
        case "integer":
            return st.integers(schema.get("minimum", -(2**63)), schema.get("maximum", 2**64 - 1))
        case "number":
            return FLOATS | st.integers(-(2**53), 2**53)
        case "boolean":
            return st.booleans()
        case _:
            return JSON


def _struct(schema: Schema) -> SearchStrategy[Any]:
    fields, required = document().samples.fields(schema)
    if schema.get("maxProperties") == 1:
        return st.one_of([st.fixed_dictionaries({name: _of(inner)}) for name, inner in fields.items()])
    return st.fixed_dictionaries(
        {name: _of(inner) for name, inner in fields.items() if name in required},
        optional={name: _of(inner) for name, inner in fields.items() if name not in required},
    )


@st.composite
def changed(draw: DrawFn, value: Any) -> Any:
    """A value with one change at a random place: something else there, a key gone, or a key more."""
    whole = [copy.deepcopy(value)]
    places = list(_places(whole))
    container, key = draw(st.sampled_from(places))
    here = container[key]
    changes = ["other"]
    if isinstance(container, dict):
        changes.append("gone")
    if isinstance(here, dict):
        changes.append("more")
    match draw(st.sampled_from(changes)):
        case "gone":
            del container[key]
        case "more":
            here[NOVEL] = draw(JSON)
        case _:
            container[key] = draw(JSON)
    return whole[0]


def _places(container: Any) -> list[tuple[Any, Any]]:
    keys: list[Any] = list(container) if is_object(container) else list(range(len(container)))
    found = [(container, key) for key in keys]
    for key in keys:
        if is_object(container[key]) or is_array(container[key]):
            found += _places(container[key])
    return found
