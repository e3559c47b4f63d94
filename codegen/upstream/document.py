"""``contract/corrections.md``: the corrections for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.upstream.corrections import read_corrections

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from codegen.upstream.corrections import Correction, Topic

DOCUMENT: Final = "corrections.md"

_HEAD: Final = """\
# Corrections

<!-- Written by `make regen` from contract/corrections/*.yaml; edit those. -->

Where the schemas that the runtime publishes and the runtime itself disagree, the contract follows the runtime. This
page lists every such place; `python -m codegen upstream DIR` holds published schemas against the contract and this
list.

A pointer begins with the name of a published type and goes on as a JSON pointer into it. So that it lasts, an arm of a
union goes by its tag value and not by its number. `session/list#params_type` is the entry of a method in
`rpc-methods.json`.

Evidence ending in `.jsonl` is a recording of the real runtime in `tests/recordings`. "Observed" means seen with the
real runtime, but not recorded; "source of the runtime" means read there and not contradicted by anything seen. A
"contract rule" is no disagreement: the contract writes the same wire in another form.
"""
_TABLE: Final = ("| pointer | published | real | evidence |", "|---|---|---|---|")


def page(contract: Path) -> dict[str, str]:
    """Return the page of a contract by its name, or nothing for a contract without corrections.

    Args:
        contract: Directory of the contract.

    Raises:
        ContractError: The corrections cannot be read.
    """
    topics = read_corrections(contract)
    return {DOCUMENT: render(topics)} if topics else {}


def render(topics: list[Topic]) -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_lines(topics)]).rstrip("\n") + "\n"


def _lines(topics: list[Topic]) -> Iterator[str]:
    for topic in topics:
        if topic.corrections or topic.behaviour:
            yield from (f"## {topic.title}", "")
            yield from _table(row for entry in topic.corrections for row in _rows(entry))
        if topic.behaviour:
            yield from ("What no schema says:", "")
            rows = ((_names(entry.about), entry.published, entry.real, entry.evidence) for entry in topic.behaviour)
            yield from _table(rows, "about")
    if any(topic.left_out for topic in topics):
        yield from ("## Published types that are left out", "")
        for topic in topics:
            for left_out in topic.left_out:
                yield f"- {left_out.reason} {', '.join(f'`{name}`' for name in left_out.types)}."
        yield ""
    if any(topic.unpublished for topic in topics):
        yield from ("## Types that are published nowhere", "")
        for topic in topics:
            for entry in topic.unpublished:
                yield f"- {', '.join(f'`{name}`' for name in entry.types)} ({entry.evidence})."
        yield ""


def _table(rows: Iterable[tuple[str, ...]], first: str = "pointer") -> Iterator[str]:
    yield _TABLE[0].replace("pointer", first)
    yield _TABLE[1]
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _rows(entry: Correction) -> Iterator[tuple[str, ...]]:
    """Yield one row for each type that an entry is about."""
    by_type: dict[str, list[str]] = {}
    for name in entry.at:
        by_type.setdefault(name if "#" in name else name.partition("/")[0], []).append(name)
    for names in by_type.values():
        yield _names(names), entry.published, entry.real, entry.evidence


def _names(names: Iterable[str]) -> str:
    return "<br>".join(f"`{name}`" for name in names)
