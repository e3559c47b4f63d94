"""Text that a Markdown renderer shows as it is meant: escaped prose, tables, anchors of headings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Code spans as CommonMark finds them: as many backticks at the end as at the beginning.
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_ACTIVE = re.compile(r"[\\`*_{}\[\]<>&|~]|:(?=//)|@(?=\w)|(?<=www)\.")
# What makes a line something else than a paragraph when it stands at its beginning.
_BLOCK = re.compile(r"(?:[#+=-]|\d{1,9}[.)])")
_CELL_PIPE = re.compile(r"(?<!\\)((?:\\\\)*)\|")


def text(prose: str) -> str:
    """Return prose of the contract, in which code stands between backticks, as one paragraph."""
    words = " ".join(prose.split())
    parts: list[str] = []
    end = 0
    for span in _CODE.finditer(words):
        parts += [_plain(words[end : span.start()]), span[0]]
        end = span.end()
    escaped = "".join([*parts, _plain(words[end:])])
    start = _BLOCK.match(escaped)
    return f"{escaped[: start.end() - 1]}\\{escaped[start.end() - 1 :]}" if start else escaped


def paragraphs(prose: str) -> list[str]:
    """Return prose as paragraphs, one for each of its lines."""
    return [text(line) for line in prose.split("\n") if line.strip()]


def code(value: str) -> str:
    """Return a code span that shows ``value``, which is one line."""
    longest = max((len(run) for run in re.findall("`+", value)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if value.startswith("`") or value.endswith("`") or _is_padded(value) else ""
    return f"{fence}{padding}{value}{padding}{fence}"


def row(cells: Iterable[str]) -> str:
    """Return a row of a table; the cells are Markdown already."""
    # In a table a bar must be escaped everywhere, in code spans too.
    return f"| {' | '.join(_CELL_PIPE.sub(_with_backslash, cell) for cell in cells)} |"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; none when it has no rows."""
    lines = [row(cells) for cells in rows]
    return [row(head), row(["---"] * len(head)), *lines] if lines else []


class Anchors:
    """The anchors that headings of one page get, as GitHub makes them."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def add(self, heading: str) -> str:
        """Return the anchor of the next heading with this text, which is what a reader sees of it."""
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        count = self._taken.get(anchor, 0)
        self._taken[anchor] = count + 1
        return f"{anchor}-{count}" if count else anchor


def _plain(prose: str) -> str:
    return _ACTIVE.sub(lambda found: f"\\{found[0]}", prose)


def _is_padded(value: str) -> bool:
    return value.startswith(" ") and value.endswith(" ") and bool(value.strip())


def _with_backslash(found: re.Match[str]) -> str:
    return f"{found[1]}\\|"
