"""What `upstream` makes of a folder, without the command around it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen import pipeline
from codegen.upstream import report
from codegen.upstream.corrections import Topic, read_corrections
from codegen.upstream.folder import Folder
from codegen.upstream.walk import Walk
from codegen.upstream.work import Work, consequence
from tests.codegen.small import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.ir import Contract
    from tests.codegen.published import Release

CONTRACT = ROOT / "contract"


@functools.cache
def contract() -> tuple[Contract, dict[str, Any], list[Topic]]:
    """The real contract, its document, and its corrections."""
    loaded, text = pipeline.read(CONTRACT)
    return loaded, json.loads(text), read_corrections(CONTRACT)


class Outcome(NamedTuple):
    """What a folder comes to."""

    found: set[tuple[str, str, str]]
    stale: list[str]
    odd: list[str]
    text: str
    work: Work


def outcome_of(folder: Path) -> Outcome:
    loaded, document, topics = contract()
    read = Folder(folder)
    walk = Walk(read, loaded, document)
    work = Work(walk, topics)
    found = {(change.rule.id, change.place.subject, consequence(change)) for change in work.changes}
    found |= {(fact.kind, fact.place.subject, consequence(fact)) for fact in work.facts}
    odd = [str(oddity) for oddity in (*read.oddities, *walk.shapes.oddities)]
    stale = [stale.message for stale in work.stale]
    text = "\n".join(report.lines(work, walk, (read.version, loaded.version)))
    return Outcome(found, stale, odd, text, work)


def outcome(release: Release, directory: Path) -> Outcome:
    return outcome_of(release.write(directory / "published"))
