"""IR -> what a page says of a type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from codegen.docs import sentences
from codegen.ir import Alias, Direction, EnumType, StructType, TaggedUnion, UntaggedUnion
from codegen.reference import markdown
from codegen.reference.links import limits

if TYPE_CHECKING:
    from codegen.flow import Flow
    from codegen.ir import Contract, NamedType, Property, Read
    from codegen.reference.links import Links

_DIRECTIONS = {
    Direction.SENT: "Sent.",
    Direction.RECEIVED: "Received.",
    Direction.SENT | Direction.RECEIVED: "Sent and received.",
}


class TypeTexts:
    """Describes types.

    Args:
        contract: The contract.
        flow: Who writes which type.
        links: Where everything stands.
    """

    def __init__(self, contract: Contract, flow: Flow, links: Links) -> None:
        self._types = contract.types
        self._flow = flow
        self._links = links
        self._arm_of: dict[str, list[tuple[TaggedUnion, str]]] = {}
        for union in contract.types.values():
            if isinstance(union, TaggedUnion):
                for tag, arm in union.arms:
                    self._arm_of.setdefault(arm, []).append((union, tag))

    def section(self, named: NamedType, here: str) -> dict[str, Any]:
        """Return the context of a type's section."""
        return {
            "heading": markdown.code(named.name),
            "prose": [
                *markdown.paragraphs(sentences("Deprecated." if named.deprecated else "", named.description)),
                sentences(_DIRECTIONS[self._flow.direction(named.name)], *self._facts(named, here)),
            ],
            "table": self._table(named, here),
        }

    def _facts(self, named: NamedType, here: str) -> list[str]:
        match named:
            case StructType():
                return self._struct_facts(named, here)
            case EnumType(values=values):
                listed = ", ".join(markdown.code(value) for value, _ in values)
                closed = self._flow.sent_only(named.name)
                return [f"One of {listed}." if closed else f"One of {listed}, or what a newer runtime adds."]
            case TaggedUnion(tag=tag, base=base, unknown=unknown):
                facts = [f"The field {markdown.code(tag)} tells which of these it is."]
                if base is not None:
                    facts.append(f"All of them derive from {markdown.code(base)}.")
                if named.reads:
                    facts.append(f"Every one has {_attributes(named.reads)}: `None` or empty where there is nothing.")
                raw = ((named.raw_tag, "tag"), (named.raw, "JSON"))
                of_unknown = [f"{markdown.code(name)} (its {what})" for name, what in raw if name]
                if of_unknown:
                    facts.append(f"One that is not listed has {' and '.join(of_unknown)}: `None` in all others.")
                if not self._flow.sent_only(named.name):
                    facts.append(f"What a newer runtime adds is {_an(unknown or 'Unknown')}.")
                return facts
            case UntaggedUnion(members=members):
                return [f"One of: {', '.join(self._links.type(member, here) for member in members)}."]
            case Alias(type=type_):
                return [f"Stands for {self._links.type(type_, here)}.", limits(type_, named.description)]

    def _struct_facts(self, struct: StructType, here: str) -> list[str]:
        facts = [
            f"In {self._links.type_name(union.name, here)}, {markdown.code(union.tag)} is {markdown.code(tag)}."
            for union, tag in self._arm_of.get(struct.name, [])
        ]
        if struct.base is not None:
            facts.append(f"Has the fields of {self._links.type_name(struct.base, here)} as well.")
        if struct.reads:
            facts.append(f"Has {_attributes(struct.reads)} as well.")
        if struct.exactly_one:
            facts.append("Exactly one of the fields is present.")
        if not struct.properties:
            facts.append("No fields of its own.")
        return facts

    def _table(self, named: NamedType, here: str) -> list[str]:
        match named:
            case StructType(properties=properties):
                sent = self._flow.sent_only(named.name)
                return markdown.table(
                    ("field", "type", "presence", "description"),
                    [self._field(item, here, sent=sent) for item in properties],
                )
            case TaggedUnion(tag=tag, arms=arms):
                return markdown.table(
                    (markdown.code(tag), "type", "description"),
                    [(markdown.code(value), self._links.type_name(arm, here), self._short(arm)) for value, arm in arms],
                )
            case _:
                return []

    def _field(self, item: Property, here: str, *, sent: bool) -> tuple[str, str, str, str]:
        name = markdown.code(item.wire)
        if item.python != item.wire:
            name = f"{name}, in Python {markdown.code(item.python)}"
        return name, self._links.type(item.type, here), _presence(item, sent=sent), described(item)

    def _short(self, name: str) -> str:
        return markdown.text(self._types[name].description.partition("\n")[0])


def described(item: Property) -> str:
    """Return what a field or a parameter is, in sentences."""
    deprecated = "Deprecated." if item.deprecated else ""
    return sentences(deprecated, markdown.text(item.description), limits(item.type, item.description))


def _presence(item: Property, *, sent: bool) -> str:
    if item.required:
        return "required" if sent else "always"
    if item.default is UNSET or item.default is None:
        return "optional" if sent else "may be absent"
    default = markdown.code(json.dumps(item.default, ensure_ascii=False, sort_keys=True))
    return f"default {default}" if sent else f"absent means {default}"


def _attributes(reads: tuple[Read, ...]) -> str:
    """Return the attributes that are no fields, each with the path to its value."""
    listed = [
        markdown.code(read.name) + (f" (from {markdown.code(read.dotted)})" if len(read.path) > 1 else "")
        for read in reads
    ]
    return f"the attribute{'s' if len(listed) > 1 else ''} {', '.join(listed)}"


def _an(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {markdown.code(name)}"
