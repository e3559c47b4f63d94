"""What `diff` prints: the changes by weight, and the step that the version should take."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from codegen.diff.rules import RULES, Severity, worst
from codegen.ir import Direction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from codegen.diff.changes import Change

_HEADINGS: tuple[tuple[Severity, str], ...] = (
    ("major", "Breaking (major)"),
    ("minor", "Compatible (minor)"),
    ("patch", "Without effect on code (patch)"),
)
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def direction_text(change: Change) -> str:
    """Return in which direction a change counts, or nothing where it does not matter."""
    if not change.rule.directed:
        return ""
    sides = [
        name
        for side, name in ((Direction.SENT, "sent"), (Direction.RECEIVED, "received"))
        if side in change.direction and change.rule.severity(side) == change.severity
    ]
    return " and ".join(sides)


def step(changes: Collection[Change]) -> Severity | None:
    """Return the step of the version that the changes ask for; ``None`` without changes."""
    return worst([change.severity for change in changes])


def next_version(version: str, severity: Severity | None) -> str:
    """Return the version after a step; the version itself where it is not of the form `1.2.3`."""
    parts = _VERSION.match(version)
    if parts is None or severity is None:
        return version
    major, minor, patch = (int(part) for part in parts.groups())
    if severity == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if severity == "minor" else f"{major}.{minor}.{patch + 1}"


def lines(changes: list[Change], accepted: Collection[Change], versions: tuple[str, str]) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        changes: What has changed.
        accepted: Those of them that were accepted.
        versions: Versions of both contracts.
    """
    for severity, heading in _HEADINGS:
        found = [change for change in changes if change.severity == severity]
        if not found:
            continue
        yield f"{heading}: {len(found)}"
        for module, group in groupby(found, key=lambda change: change.place.module):
            yield f"  {module}"
            for change in group:
                yield f"    {_line(change)}{'  (accepted)' if change in accepted else ''}"
        yield ""
    old, new = versions
    needed = step(changes)
    if needed is None:
        yield "Nothing has changed; no new version is needed."
        return
    yield f"Suggested version step: {needed} ({old} -> {next_version(old, needed)}); the newer contract says {new}."
    beyond = sum(change.severity == "major" and change not in accepted for change in changes)
    if beyond:
        yield f"{beyond} breaking change(s) that were not accepted."


def _line(change: Change) -> str:
    old, new = change.old, change.new
    difference = f": {old} -> {new}" if old and new else f": {old or new}" if old or new else ""
    # An added or removed part is named by the subject already.
    if change.place.subject.endswith(f"[{old or new}]"):
        difference = ""
    direction = direction_text(change)
    return f"{change.rule.id:<24} {change.place.subject}{difference}{f'  ({direction})' if direction else ''}"


def rule_table() -> Iterator[str]:
    """Yield all rules, one a line."""
    yield f"{'rule':<24} {'sent':<6} {'received':<9} reverse"
    for rule in RULES.values():
        yield f"{rule.id:<24} {rule.sent:<6} {rule.received:<9} {rule.reverse}"
        yield f"    {rule.text}"
