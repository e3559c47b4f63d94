"""The recorded corrections: where the contract differs from what is published, and why.

They stand in ``contract/corrections/*.yaml``, one file a topic, from which ``contract/corrections.md`` is written. Each
file has a `title` and any of the lists of `Topic`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from codegen.diff.rules import RULES
from codegen.problems import Problems, pointer
from codegen.source import Source
from codegen.upstream.walk import KINDS

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY: Final = "corrections"

Text = Annotated[str, msgspec.Meta(min_length=1)]
Names = Annotated[list[Text], msgspec.Meta(min_length=1)]


class Entry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something recorded.

    Attributes:
        where: File and line; filled in when the file is read.
    """

    where: str = ""


class Correction(Entry, kw_only=True):
    """A difference that the comparison finds, at one place or several.

    Attributes:
        rule: Rule of the change, or kind of the fact.
        at: Names of the places, see `Spot.name`.
        published: What is published.
        real: What the runtime really does, and what the contract says.
        evidence: How that is known.
        seen: What the comparison says is published, where the place alone does not say it.
    """

    rule: Text
    at: Names
    published: Text
    real: Text
    evidence: Text
    seen: str | None = None


class Behaviour(Entry, kw_only=True):
    """Something that differs from what is published or expected, and that no schema says.

    Attributes:
        about: Methods or types.
    """

    about: Names
    published: Text
    real: Text
    evidence: Text


class LeftOut(Entry, kw_only=True):
    """Published types that the contract does not have.

    Attributes:
        reason: Why not.
        types: Their names; where something published needs them, each with the digest of its definition, so that it is
            noticed when one changes.
    """

    reason: Text
    types: Names | Annotated[dict[str, str], msgspec.Meta(min_length=1)]


class Unpublished(Entry, kw_only=True):
    """Types of the contract that are published nowhere."""

    types: Names
    evidence: Text


class Topic(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A file of corrections.

    Attributes:
        title: What it is about.
        values: Published lists of values by place, as they were when somebody looked.
    """

    title: Text
    corrections: list[Correction] = []
    behaviour: list[Behaviour] = []
    left_out: list[LeftOut] = []
    unpublished: list[Unpublished] = []
    values: dict[str, list[str]] = {}


def read_corrections(contract: Path) -> list[Topic]:
    """Read the corrections of a contract; a contract without any has none.

    Args:
        contract: Directory of the contract.

    Raises:
        ContractError: A file is not as it should be; every problem names file and line.
    """
    problems = Problems()
    topics: list[Topic] = []
    for path in sorted((contract / DIRECTORY).glob("*.yaml")):
        source = Source(path, problems)
        try:
            topic = msgspec.convert(source.data, Topic)
        except msgspec.ValidationError as error:
            _refuse(source, str(error), problems)
        else:
            _locate(topic, source, problems)
            topics.append(topic)
    _find_twice(topics, problems)
    problems.raise_if_any()
    return topics


_FAULT: Final = re.compile(r"(?P<message>.*?)(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL)


def _refuse(source: Source, fault: str, problems: Problems) -> None:
    """Report what `msgspec` says, at the line that it means."""
    found = _FAULT.match(fault)
    path: list[str] = re.findall(r"[^.\[\]]+", found["path"] or "") if found is not None else []
    where = pointer(*path)
    message = found["message"] if found is not None else fault
    problems.add("corrections", where, message, file=source.name, line=source.line(where))


def _locate(topic: Topic, source: Source, problems: Problems) -> None:
    lists: dict[str, list[Any]] = {
        "corrections": topic.corrections,
        "behaviour": topic.behaviour,
        "left_out": topic.left_out,
        "unpublished": topic.unpublished,
    }
    for name, entries in lists.items():
        for index, entry in enumerate(entries):
            entry.where = f"{source.name}:{source.line(pointer(name, index))}"
    for index, correction in enumerate(topic.corrections):
        if correction.rule not in RULES and correction.rule not in KINDS:
            where = pointer("corrections", index, "rule")
            message = f"there is no rule `{correction.rule}`"
            problems.add("corrections", where, message, file=source.name, line=source.line(where))


def _find_twice(topics: list[Topic], problems: Problems) -> None:
    """Report what is recorded in two places."""
    seen: dict[tuple[str, str, str | None], str] = {}
    for entry in (entry for topic in topics for entry in topic.corrections):
        for name in entry.at:
            first = seen.setdefault((entry.rule, name, entry.seen), entry.where)
            if first != entry.where or entry.at.count(name) > 1:
                file, _, line = entry.where.rpartition(":")
                message = f"{entry.rule} at {name} stands in {first} already"
                problems.add("corrections", "", message, file=file, line=int(line))
