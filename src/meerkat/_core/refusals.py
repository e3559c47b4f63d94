"""What is said about arguments that are refused: which values are allowed, and which key of a map is meant.

msgspec quotes a value that is not listed, which may be a secret, and says neither what is listed nor under which key of
a map it stands. So its message is said again from the type. Nothing here is on the way of a call that goes well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import inspect

from meerkat._core.plain import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SHOWN: Final = 12  # values that a message lists; more are counted

_QUOTED: Final = r"""Invalid (?:enum )?value (?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+)"""
_PATH: Final = r"(?: - at `(\$[^`]*)`)?"
_UNLISTED: Final = rf"(?s){_QUOTED}{_PATH}"
_NO_MEMBER: Final = rf"(?s)(No member of .* fits \(.*\)){_PATH}"
_STEP: Final = r"\.([^.\[]+)|\[(\d+|\.\.\.)\]"


class _Place(NamedTuple):
    """Where a value stands.

    Attributes:
        path: The path to it, with the keys of maps.
        value: The value.
        listed: The values that are allowed there, as far as they are a set.
        type: Its type; ``None`` for the tag of a union.
    """

    path: str
    value: Any
    listed: tuple[Any, ...]
    type: inspect.Type | None


def explained(wrong: str, type_: Any, value: Any, fits: Callable[[Any, Any], bool]) -> str:
    """Return msgspec's message with the values that are allowed in place of the one that was given.

    Args:
        wrong: The message.
        type_: The type that the value should have had.
        value: The whole value, as plain JSON values.
        fits: Whether a value is one of an untagged union.
    """
    if found := re.fullmatch(_UNLISTED, wrong):
        for place in _places(type_, value, found[1] or "$"):
            if place.listed and place.value not in place.listed:
                return f"Not a listed value (allowed: {_shortened(place.listed)}) - at `{place.path}`"
    elif (found := re.fullmatch(_NO_MEMBER, wrong)) and "[...]" in (found[2] or ""):
        for place in _places(type_, value, found[2]):
            if isinstance(place.type, inspect.CustomType) and not fits(place.type.cls, place.value):
                return f"{found[1]} - at `{place.path}`"
    return wrong


def unquoted(wrong: str) -> str:
    """Return a message of msgspec without the values that were given."""
    return re.sub(f"(?s){_QUOTED}", "Not a listed value", wrong)


def _shortened(listed: tuple[Any, ...]) -> str:
    shown = ", ".join(map(str, listed[:SHOWN]))
    return shown if len(listed) <= SHOWN else f"{shown} and {len(listed) - SHOWN} more"


def _places(type_: Any, value: Any, path: str) -> Iterator[_Place]:
    steps = [found[1] or found[2] for found in re.finditer(_STEP, path)]
    return _follow([inspect.type_info(type_)], value, steps, "$")


def _follow(types: Iterable[inspect.Type], value: Any, steps: list[str], path: str) -> Iterator[_Place]:
    """Find the places where a path leads: several when it has a map on its way."""
    forms = [form for type_ in types for form in _forms(type_)]
    if not steps:
        listed = tuple(allowed for form in forms for allowed in _listed(form))
        yield from (_Place(path, value, listed, form) for form in forms)
    elif is_array(value):
        items = [form.item_type for form in forms if isinstance(form, inspect.ListType)]
        for index, item in enumerate(value):
            if steps[0] in {str(index), "..."}:
                yield from _follow(items, item, steps[1:], f"{path}[{index}]")
    elif is_object(value) and steps[0] == "...":
        items = [form.value_type for form in forms if isinstance(form, inspect.DictType)]
        for key, item in value.items():
            yield from _follow(items, item, steps[1:], f"{path}[{key!r}]")
    elif is_object(value) and steps[0] in value:
        yield from _field([form for form in forms if isinstance(form, inspect.StructType)], value, steps, path)


def _field(structs: list[inspect.StructType], value: dict[str, Any], steps: list[str], path: str) -> Iterator[_Place]:
    name, here = steps[0], f"{path}.{steps[0]}"
    if any(struct.tag_field == name for struct in structs):
        yield _Place(here, value[name], tuple(struct.tag for struct in structs), None)
        return
    types = [
        field.type
        for struct in structs
        if struct.tag_field is None or value.get(struct.tag_field) == struct.tag
        for field in struct.fields
        if field.encode_name == name
    ]
    yield from _follow(types, value[name], steps[1:], here)


def _forms(type_: inspect.Type) -> Iterator[inspect.Type]:
    """The alternatives of a type, without what is written around them."""
    match type_:
        case inspect.Metadata(type=inner):
            yield from _forms(inner)
        case inspect.UnionType(types=types):
            for inner in types:
                yield from _forms(inner)
        case _:
            yield type_


def _listed(form: inspect.Type) -> tuple[Any, ...]:
    match form:
        case inspect.EnumType(cls=cls):
            return tuple(member.value for member in cls)
        case inspect.LiteralType(values=values):
            return tuple(values)
        case _:
            return ()
