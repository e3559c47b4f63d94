"""What a newer runtime may send: an invented tag, value or field at every place where one can occur.

Nothing may raise, nothing may be lost, and what is new must stay in its place: all around it stays typed. A listed arm
with wrong content is another matter, a fault of the runtime: answers raise, streams keep it as a value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

import meerkat
from meerkat._core.codec import Decoder, encode
from meerkat._core.errors import InvalidResponseError
from meerkat._core.model import OpenStrEnum, Unknown
from meerkat._generated import contract
from tests.contract.document import document, ref
from tests.contract.places import Kind, Place, look, places, shown
from tests.support.samples import NOVEL, Fault, Schema, is_struct, target
from tests.support.values import losses, unknowns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.requirement("G02")

NEW: Final[dict[str, Any]] = {"novel": {"list": [1, None, 1.5]}, "é": ""}
"""Content of an invented arm."""


@dataclass(frozen=True)
class Root:
    """Something that the runtime sends as a whole.

    Attributes:
        name: Method, or class of an error.
        schema: Its schema.
        decode: Decodes it.
        stream: Whether it is a notification.
    """

    name: str
    schema: Schema
    decode: Callable[[bytes], Any]
    stream: bool = False

    def read(self, value: Any) -> Any:
        """Decode JSON values."""
        return self.decode(json.dumps(value).encode())

    def of_kind(self, kind: Kind) -> list[Place]:
        """Its places of one kind."""
        return [place for place in _places(self.name) if place.kind == kind]


@cache
def roots() -> dict[str, Root]:
    """Results of requests, notifications and requests of the runtime, details of errors."""
    found: dict[str, Root] = {}
    for name, method in document().requests.items():
        assert method.result is not None
        found[name] = Root(name, method.result, contract.method(name).decode)
    for name, method in document().from_server.items():
        if method.params_type is not None:
            decoder = contract.notification(name).decoder
            found[name] = Root(name, ref(method.params_type), decoder.decode, stream=True)
    for name, error in document().raw["components"]["x-errors"].items():
        if "x-data" in error:
            type_ = getattr(meerkat, str(target(error["x-data"])))
            found[name] = Root(name, error["x-data"], Decoder(type_, name).decode)
    return found


@cache
def _places(root: str) -> list[Place]:
    return list(places(roots()[root].schema))


def each_with(kind: Kind) -> pytest.MarkDecorator:
    """Parametrise a test with what has places of a kind."""
    having = {name: root for name, root in roots().items() if root.of_kind(kind)}
    return pytest.mark.parametrize("root", having.values(), ids=having.keys())


def found_at(place: Place, value: Any) -> Any:
    """What stands at a place of a decoded value; something else than a value of its own type when that is not there."""
    try:
        return look(value, place.path)
    except (KeyError, IndexError, TypeError) as error:
        return error


def report(findings: list[str]) -> None:
    """Fail with all findings."""
    shown_findings = "\n".join(finding[:600] for finding in findings[:30])
    assert not findings, f"{len(findings)} findings:\n{shown_findings}"


@each_with("union")
def test_invented_tags_are_kept_where_they_stand(root: Root) -> None:
    findings: list[str] = []
    for place in root.of_kind("union"):
        for new in [{place.tag: NOVEL, **NEW}, *({**place.here, place.tag: tag} for tag in (NOVEL, "", 5, None, [1]))]:
            whole = place.filled(new)
            value = root.read(whole)
            kept = found_at(place, value)
            if not (isinstance(kept, Unknown) and kept.tag == new[place.tag] and kept.data == new and not kept.error):
                findings.append(f"{place}: {new} became {kept!r}")
            findings += lost(place, whole, value, new_things=1)
    report(findings)


def lost(place: Place, whole: Any, value: Any, *, new_things: int) -> Iterator[str]:
    """Say what a value lost, and whether more than what is new in it is unknown."""
    yield from (f"{place}: {what}" for what in losses(whole, value, json.loads(encode(value))))
    unknown = list(unknowns(value))
    if len(unknown) != new_things:
        yield f"{place}: unknown in it: {unknown}"


@each_with("union")
def test_objects_without_a_tag_are_kept_unless_there_is_one_arm(root: Root) -> None:
    findings: list[str] = []
    for place in root.of_kind("union"):
        if len(place.arms) == 1:
            continue
        new = {key: item for key, item in place.here.items() if key != place.tag}
        whole = place.filled(new)
        value = root.read(whole)
        kept = found_at(place, value)
        if not (isinstance(kept, Unknown) and kept.tag is None and kept.data == new):
            findings.append(f"{place}: {new} became {kept!r}")
        findings += lost(place, whole, value, new_things=1)
    report(findings)


@each_with("enum")
def test_invented_values_are_kept(root: Root) -> None:
    findings: list[str] = []
    for place in root.of_kind("enum"):
        for new in (NOVEL, ""):
            whole = place.filled(new)
            value = root.read(whole)
            kept = found_at(place, value)
            if not (isinstance(kept, OpenStrEnum) and kept == new and not kept.is_known):
                findings.append(f"{place}: became {kept!r}")
            findings += lost(place, whole, value, new_things=1)
    for place in root.of_kind("text"):
        whole = place.filled(NOVEL)
        value = root.read(whole)
        if found_at(place, value) != NOVEL:
            findings.append(f"{place}: became {found_at(place, value)!r}")
        findings += lost(place, whole, value, new_things=0)
    report(findings)


@each_with("object")
def test_invented_fields_change_nothing_else(root: Root) -> None:
    findings: list[str] = []
    for place in root.of_kind("object"):
        for new in ({NOVEL: NEW, **place.here}, {**place.here, NOVEL: None}):
            value = root.read(place.filled(new))
            if encode(value) != encode(root.read(place.around)):
                findings.append(f"{place}: {encode(root.read(place.around))!r} became {encode(value)!r}")
            findings += [f"{place}: unknown in it: {what}" for what in unknowns(value)]
    report(findings)


def malformed(place: Place) -> Iterator[tuple[str, Fault]]:
    """Yield faults of the own fields of each arm of a union, two of each arm that can have one."""
    for tag, arm in place.arms.items():
        faults = [
            fault
            for fault in document().samples.faults(arm, depth=1)
            if fault.kind in {"missing", "kind"} and fault.where.count(".") == 1 and "[" not in fault.where
        ]
        missing = [fault for fault in faults if fault.kind == "missing"]
        wrong = [fault for fault in faults if fault.kind == "kind"]
        yield from ((tag, fault) for fault in missing[:1] + wrong[:1])


@each_with("union")
def test_malformed_arms_are_reported(root: Root) -> None:
    findings: list[str] = []
    for place in root.of_kind("union"):
        for tag, fault in malformed(place):
            whole = place.filled(fault.value)
            if root.stream:
                value = root.read(whole)
                kept = found_at(place, value)
                told = isinstance(kept, Unknown) and kept.error is not None and path_of(place, fault) in kept.error
                if not (told and kept.tag == tag and kept.data == fault.value):
                    findings.append(f"{place}: {fault} became {kept!r}")
                findings += lost(place, whole, value, new_things=1)
            else:
                findings += not_raised(root, place, fault, whole)
    report(findings)


def path_of(place: Place, fault: Fault) -> str:
    """What a message about a fault must contain."""
    return f"`{shown(place.path)}`" if fault.kind == "missing" else f"`{shown(place.path)}{fault.where}`"


def not_raised(root: Root, place: Place, fault: Fault, whole: Any) -> Iterator[str]:
    """Say what is wrong with the error that a malformed answer raises."""
    try:
        value = root.read(whole)
    except ValueError as error:
        told = str(error)
    except InvalidResponseError as error:
        told = str(error)
        if error.method != root.name:
            yield f"{place}: the error does not name {root.name}"
    else:
        yield f"{place}: {fault} became {value!r}"
        return
    if path_of(place, fault) not in told:
        yield f"{place}: {path_of(place, fault)} is not in {told}"


def test_places_are_everywhere() -> None:
    """Every union, enum and struct that the runtime sends occurs somewhere."""
    reached: dict[str, set[str]] = {"union": set(), "enum": set(), "object": set()}
    for root in roots():
        for place in _places(root):
            for name, schema in document().schemas.items():
                if schema is place.schema and place.kind in reached:
                    reached[place.kind].add(name)
    received = document().answered | document().streamed
    schemas = {name: document().schemas[name] for name in received}
    bases = {str(target(base)) for schema in schemas.values() for base in schema.get("allOf", [])}
    structs = {name for name, schema in schemas.items() if is_struct(schema)}
    assert reached["union"] >= {name for name, schema in schemas.items() if "oneOf" in schema}
    assert reached["enum"] == {name for name, schema in schemas.items() if "enum" in schema}
    assert structs - bases <= reached["object"] <= structs


def test_the_interesting_cases_are_among_them() -> None:
    unions = [(root, place) for root in roots().values() for place in root.of_kind("union")]
    one_arm = [place for _, place in unions if len(place.arms) == 1]
    deep = [place for _, place in unions if len(place.path) > 4]
    in_streams = [fault for root, place in unions if root.stream for fault in malformed(place)]
    in_answers = [fault for root, place in unions if not root.stream for fault in malformed(place)]
    assert all([one_arm, deep, in_streams, in_answers])
