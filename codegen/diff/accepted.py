"""Breaks that were accepted on purpose, each with a reason and a day until which it holds."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen.diff.rules import RULES
from codegen.problems import ContractError, Problems, pointer
from codegen.raw import is_array, is_object
from codegen.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.diff.changes import Change

_KEYS = ("rule", "subject", "reason", "expires")


class Accepted(NamedTuple):
    """A break that was accepted.

    Attributes:
        rule: Rule of the change.
        subject: What has changed, as the report calls it.
        reason: Why it is accepted.
        expires: Last day on which it is.
        place: File and line of the entry.
    """

    rule: str
    subject: str
    reason: str
    expires: dt.date
    place: str

    def covers(self, change: Change) -> bool:
        """Whether this is the change that was accepted."""
        return change.rule.id == self.rule and change.place.subject == self.subject


def read_accepted(path: Path) -> list[Accepted]:
    """Read the accepted breaks of a file: ``accepted``, a list of rule, subject, reason and expires.

    Raises:
        ContractError: The file is not as it should be.
    """
    problems = Problems()
    if not path.is_file():
        problems.add("accepted", "", "there is no such file", file=str(path))
        problems.raise_if_any()
    source = Source(path, problems)
    problems.raise_if_any()
    found: list[Accepted] = []
    entries: Any = source.data.get("accepted") if is_object(source.data) else None
    if not is_array(entries) or set(source.data) != {"accepted"}:
        problems.add("accepted", "", "the file must hold `accepted`, a list, and nothing else", file=source.name)
        entries = []
    for index, entry in enumerate(entries):
        accepted = _entry(entry, index, source, problems)
        if accepted is not None:
            found.append(accepted)
    problems.raise_if_any()
    return found


def _entry(entry: Any, index: int, source: Source, problems: Problems) -> Accepted | None:
    where = pointer("accepted", index)
    line = source.line(where)

    def wrong(message: str) -> None:
        problems.add("accepted", where, message, file=source.name, line=line)

    if not is_object(entry) or set(entry) != set(_KEYS):
        wrong(f"an entry has exactly {', '.join(_KEYS)}")
        return None
    for key in _KEYS:
        if not isinstance(entry[key], str) or not entry[key].strip():
            wrong(f"`{key}` must be a text")
            return None
    if entry["rule"] not in RULES:
        wrong(f"there is no rule `{entry['rule']}`; `python -m codegen diff --rules` lists them")
        return None
    try:
        expires = dt.date.fromisoformat(entry["expires"])
    except ValueError:
        wrong("`expires` is a day, such as '2030-12-31'")
        return None
    return Accepted(entry["rule"], entry["subject"], entry["reason"].strip(), expires, f"{source.name}:{line}")


def check_accepted(accepted: list[Accepted], changes: list[Change], today: dt.date) -> None:
    """See that every entry is still of use.

    Raises:
        ContractError: An entry matches no change, is not needed, or has expired.
    """
    problems = Problems()
    for entry in accepted:
        matched = [change for change in changes if entry.covers(change)]
        message = ""
        if not matched:
            message = "stale: there is no such change; remove the entry"
        elif all(change.severity != "major" for change in matched):
            message = "stale: the change breaks nothing; remove the entry"
        elif entry.expires < today:
            message = f"expired on {entry.expires}; undo the break, or accept it anew with a reason"
        if message:
            file, _, line = entry.place.rpartition(":")
            where = f"{entry.rule} {entry.subject}"
            problems.add("accepted", where, message, file=file, line=int(line))
    if problems:
        raise ContractError(problems)
