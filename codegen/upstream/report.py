"""What `upstream` prints: the work list of a bump, by domain."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from codegen.diff.changes import Change
from codegen.upstream.work import consequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.upstream.walk import Fact, Walk
    from codegen.upstream.work import Work

_APPEARED: Final = {
    "method-added": "method appeared",
    "type-added": "type appeared",
    "param-added-optional": "parameter appeared",
    "param-added-required": "parameter appeared",
    "field-added-optional": "field appeared",
    "field-added-required": "field appeared",
    "enum-value-added": "value appeared",
    "choice-added": "value appeared",
    "arm-added": "arm appeared",
    "member-added": "form appeared",
    "method-removed": "method vanished",
    "type-removed": "type vanished",
    "param-removed": "parameter vanished",
    "field-removed": "field vanished",
    "enum-value-removed": "value vanished",
    "choice-removed": "value vanished",
    "arm-removed": "arm vanished",
    "member-removed": "form vanished",
}
_INDENT: Final = " " * 8


def lines(work: Work, walk: Walk, versions: tuple[str, str]) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        work: What is left to do.
        walk: What was compared.
        versions: Versions of what is published and of the contract.
    """
    published, contract = versions
    yield f"Published: {published or 'version unknown'}. Contract: {contract}."
    yield ""
    items: list[Change | Fact] = [*work.changes, *work.facts]
    items.sort(key=lambda item: (item.place.module, _kind(item), item.place.subject, item.place.pointer))
    for module, group in groupby(items, key=lambda item: item.place.module):
        yield module
        for item in group:
            yield from _item(item, walk)
        yield ""
    oddities = [*walk.folder.oddities, *walk.shapes.oddities]
    if oddities:
        yield "Forms that are not known here, and were taken for any JSON value:"
        yield from (f"    {oddity}" for oddity in oddities)
        yield ""
    if work.stale:
        yield "Corrections that do not apply any more; look again and remove them:"
        yield from (f"    {stale.where}: {stale.message}" for stale in sorted(work.stale))
        yield ""
    yield from (f"Note: {note}." for note in walk.folder.notes)
    yield from _summary(work, walk, len(items))


def _summary(work: Work, walk: Walk, items: int) -> Iterator[str]:
    counts = f"{work.applied} places differ as the corrections say"
    if items or work.stale or walk.folder.oddities or walk.shapes.oddities:
        odd = len(walk.folder.oddities) + len(walk.shapes.oddities)
        yield f"To do: {items} difference(s), {len(work.stale)} stale correction(s), {odd} unknown form(s); {counts}."
    else:
        yield f"Nothing to do; {counts}."
    new = sum(name not in work.recorded for name in work.unreached)
    yield f"{len(work.unreached)} published types are needed by nothing, {new} of them new (`--unreached` lists them)."


def unreached_lines(work: Work) -> Iterator[str]:
    """Yield the published types that nothing needs."""
    yield "Published types that nothing needs:"
    for name in work.unreached:
        yield f"    {name}{'' if name in work.recorded else '  (not in the list of types left out)'}"


def _kind(item: Change | Fact) -> str:
    rule = item.rule.id if isinstance(item, Change) else item.kind
    return _APPEARED.get(rule, "changed")


def _item(item: Change | Fact, walk: Walk) -> Iterator[str]:
    if isinstance(item, Change):
        difference = f": {item.old} -> {item.new}" if item.old and item.new else f": {item.new or item.old}"
        # A value is named by the subject already.
        if not (item.old or item.new) or item.place.subject.endswith(f"[{item.old or item.new}]"):
            difference = ""
        rule = "" if item.rule.id in _APPEARED else f" [{item.rule.id}]"
        for presence in ("required", "optional"):
            if item.rule.id.endswith(f"-added-{presence}"):
                rule = f" ({presence})"
    else:
        difference = f": {item.text}" if item.text else ""
        rule = "" if item.kind in _APPEARED else f" [{item.kind}]"
    yield f"    {_kind(item):<18} {item.place.subject}{difference}{rule}"
    yield f"{_INDENT}{consequence(item)}; {walk.shapes.place_of(item.place.pointer)}"
