"""What is left to do: every difference that no correction explains, and every correction that explains nothing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen.diff.changes import Change, Place
from codegen.ir import Direction
from codegen.raw import is_array, is_object
from codegen.upstream.folder import VALUES
from codegen.upstream.published import content_of
from codegen.upstream.walk import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.upstream.corrections import Correction, LeftOut, Topic
    from codegen.upstream.folder import Folder
    from codegen.upstream.walk import Walk

_EVENTS = "events.json"


class Stale(NamedTuple):
    """A correction that does not apply any more.

    Attributes:
        where: File and line of the entry.
        message: What it was, and why it does not apply.
    """

    where: str
    message: str


class Work:
    """Sorts what a walk has found.

    Args:
        walk: The walk.
        topics: The corrections.

    Attributes:
        changes: Changes of types that no correction explains.
        facts: Other differences that no correction explains.
        stale: Corrections that explain nothing.
        applied: How many places the corrections explain.
        unreached: Published types that nothing needs.
        recorded: Published types that are recorded as left out.
    """

    def __init__(self, walk: Walk, topics: list[Topic]) -> None:
        self._walk = walk
        self._topics = topics
        self.recorded: set[str] = set()
        self.stale: list[Stale] = []
        self.facts: list[Fact] = []
        self.changes: list[Change] = []
        self._index: dict[tuple[str, str], list[Correction]] = defaultdict(list)
        for topic in topics:
            for entry in topic.corrections:
                for name in entry.at:
                    self._index[entry.rule, name].append(entry)
        self._used: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._sort()
        self.applied = sum(len(names) for names in self._used.values())
        self._unused()
        self._left_out()
        self._unpublished()
        self._behaviour()
        self._values(walk.folder)
        self.unreached = sorted(walk.shapes.published.names - set(walk.reached))

    @property
    def any(self) -> bool:
        """Whether there is something to do."""
        odd = self._walk.folder.oddities or self._walk.shapes.oddities
        return bool(self.changes or self.facts or self.stale or odd)

    def _sort(self) -> None:
        for change in self._walk.changes:
            if not self._explained(change.rule.id, change.place.pointer, change.new):
                self.changes.append(change)
        for fact in self._walk.facts:
            if not self._explained(fact.kind, fact.place.pointer, fact.text):
                self.facts.append(fact)

    def _explained(self, rule: str, name: str, text: str) -> bool:
        for entry in self._index.get((rule, name), ()):
            if entry.seen is None or entry.seen == text:
                self._used[rule, name].add(entry.where)
                return True
        return False

    def _unused(self) -> None:
        for (rule, name), entries in self._index.items():
            for entry in entries:
                if entry.where not in self._used.get((rule, name), ()):
                    seen = f" ({entry.seen})" if entry.seen is not None else ""
                    message = f"{rule} at {name}{seen}: there is no such difference any more"
                    self.stale.append(Stale(entry.where, message))

    def _left_out(self) -> None:
        recorded = self.recorded
        published = self._walk.shapes.published
        for entry in (entry for topic in self._topics for entry in topic.left_out):
            needed = isinstance(entry.types, dict)
            for name, digest in _digests(entry).items():
                recorded.add(name)
                if name not in published.names:
                    self.stale.append(Stale(entry.where, f"the type {name} is not published any more"))
                elif name in self._walk.met:
                    self.stale.append(Stale(entry.where, f"the type {name} is in the contract"))
                elif needed and name not in self._walk.reached:
                    self.stale.append(Stale(entry.where, f"nothing needs the type {name} any more"))
                elif needed and digest_of(published.everywhere(name)[0].schema) != digest:
                    place = Place(name, self._walk.reached[name], name)
                    text = f"its digest is {digest_of(published.everywhere(name)[0].schema)} now, recorded is {digest}"
                    self.facts.append(Fact("type-unseen", place, text))
                elif not needed and name in self._walk.reached:
                    recorded.discard(name)
                    message = f"the type {name} was left out because nothing needed it; now something does"
                    self.stale.append(Stale(entry.where, message))
        for name, module in self._walk.reached.items():
            if name not in self._walk.met and name not in recorded:
                self.facts.append(Fact("type-added", Place(name, module, name), self._walk.form_of(name)))

    def _unpublished(self) -> None:
        recorded: set[str] = set()
        for entry in (entry for topic in self._topics for entry in topic.unpublished):
            for name in entry.types:
                recorded.add(name)
                if name not in self._walk.contract.types:
                    self.stale.append(Stale(entry.where, f"the contract has no type {name}"))
                elif name not in self._walk.unpaired:
                    self.stale.append(Stale(entry.where, f"the type {name} is published now"))
        for name in sorted(self._walk.unpaired - recorded):
            module = self._walk.contract.types[name].module
            self.facts.append(Fact("type-removed", Place(name, module, self._walk.names.get(name, name))))

    def _behaviour(self) -> None:
        """See that what is recorded about methods and types is about something that there is."""
        contract, published = self._walk.contract, self._walk.shapes.published
        known = {*contract.types, *published.names, *(method.name for method in contract.methods)}
        known.update(name for content in self._walk.folder.files.values() for name in content)
        for entry in (entry for topic in self._topics for entry in topic.behaviour):
            for name in entry.about:
                if name.partition(".")[0] not in known:
                    self.stale.append(Stale(entry.where, f"there is no `{name}`, in the contract or published"))

    def _values(self, folder: Folder) -> None:
        recorded = {place: values for topic in self._topics for place, values in topic.values.items()}
        found = dict(_lists(folder))
        for place, values in found.items():
            known = recorded.get(place, [])
            if values != known:
                more = [f"+ {value}" for value in values if value not in known]
                less = [f"- {value}" for value in known if value not in values]
                text = ", ".join([*more, *less]) or "another order"
                self.facts.append(Fact("values-changed", Place(place, "values", place), text))
        for place in recorded:
            if place not in found:
                self.facts.append(Fact("values-changed", Place(place, "values", place), "the list is gone"))


def _digests(entry: LeftOut) -> dict[str, str]:
    return entry.types if isinstance(entry.types, dict) else dict.fromkeys(entry.types, "")


def _lists(folder: Folder) -> Iterator[tuple[str, list[str]]]:
    """Yield the published lists of values, each with its place."""
    yield from _within(VALUES, folder.values)
    for name, content in folder.files.get(_EVENTS, {}).items():
        if is_object(content) and is_array(content.get("known_event_types")):
            yield f"{_EVENTS}#/{name}/known_event_types", [str(value) for value in content["known_event_types"]]


def _within(place: str, value: Any) -> Iterator[tuple[str, list[str]]]:
    if is_object(value):
        for key, inner in value.items():
            yield from _within(f"{place}{'' if '#' in place else '#'}/{key}", inner)
    else:
        yield place, [str(item) for item in value] if is_array(value) else [str(value)]


def digest_of(schema: Any) -> str:
    """Return a short digest of a definition, without what it refers to."""
    return hashlib.sha256(content_of(schema).encode()).hexdigest()[:12]


def consequence(item: Change | Fact) -> str:
    """Return what a difference means: breaking or not, in which direction."""
    if isinstance(item, Fact):
        return {
            "method-added": "compatible",
            "method-removed": "breaking",
            "type-added": "compatible",
            "type-removed": "breaking",
            "name-changed": "no effect on the wire",
        }.get(item.kind, "to be observed")
    sides = [(Direction.SENT, "sent"), (Direction.RECEIVED, "received")]
    texts = [f"{name}: {_word(item.rule.severity(side))}" for side, name in sides if side in item.direction]
    return ", ".join(texts) or _word(item.severity)


def _word(severity: str) -> str:
    return {"major": "breaking", "minor": "compatible"}.get(severity, "no effect")
