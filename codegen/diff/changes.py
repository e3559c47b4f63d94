"""Changes that were found, each once, with the directions it was found in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codegen.diff.rules import RULES, Severity
from codegen.ir import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.diff.rules import Rule


class Place(NamedTuple):
    """Where something stands.

    Attributes:
        subject: How people call it: ``turn/start.prompt``, ``RunResult.usage``, ``Schedule.labels{}``.
        module: File of the contract.
        pointer: Pointer into the newer document, or what corresponds to one.
    """

    subject: str
    module: str
    pointer: str

    def items(self) -> Place:
        """Return the place of the items of an array."""
        return Place(f"{self.subject}[]", self.module, f"{self.pointer}/items")

    def values(self) -> Place:
        """Return the place of the values of a map."""
        return Place(f"{self.subject}{{}}", self.module, f"{self.pointer}/additionalProperties")

    def part(self, text: str, *path: str) -> Place:
        """Return the place of a part that follows in the text and in the pointer."""
        return Place(f"{self.subject}{text}", self.module, "/".join((self.pointer, *path)))


class Change(NamedTuple):
    """One change.

    Attributes:
        rule: What kind of change it is.
        place: Where it is.
        old: What was there, in short, if there is something to say.
        new: What is there now.
        direction: Who writes the values concerned.
    """

    rule: Rule
    place: Place
    old: str
    new: str
    direction: Direction

    @property
    def severity(self) -> Severity:
        """How heavy it is."""
        return self.rule.severity(self.direction)


class Changes:
    """Collects changes."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Place, str, str], Direction] = {}

    def add(self, rule: str, place: Place, direction: Direction, old: str = "", new: str = "") -> None:
        """Remember a change; one that is found in both directions is kept once."""
        key = rule, place, old, new
        self._found[key] = self._found.get(key, Direction.NONE) | direction

    def __iter__(self) -> Iterator[Change]:
        for (rule, place, old, new), direction in self._found.items():
            yield Change(RULES[rule], place, old, new, direction)
