"""Docstrings: wrapped, and safe whatever the text holds."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 120


def docstring(text: str, indent: int) -> str:
    """Return a docstring literal for a place with this indentation: one line if it fits, else wrapped paragraphs."""
    line = f'"""{escape(text)}"""'
    if "\n" not in text and indent + len(line) <= WIDTH:
        return line
    lines = wrapped(text, indent)
    # The formatter puts the closing quotes behind a single line, which then is too long.
    return assemble(lines if len(lines) > 1 else wrapped(text, indent + len('"""')), indent)


def assemble(lines: Sequence[str], indent: int) -> str:
    """Return a docstring literal of several lines that `wrapped` made; the first stands behind the quotes."""
    margin = " " * indent
    body = "\n".join(f"{margin}{line}".rstrip() for line in lines).lstrip()
    return f'"""{body}\n{margin}"""'


def wrapped(text: str, indent: int, hanging: str = "", first: str = "") -> list[str]:
    """Escape and wrap text for a place with this indentation.

    Args:
        text: The text; each of its lines is a paragraph.
        indent: Width of the margin, which is not part of the result.
        hanging: What continuation lines begin with.
        first: What the first line begins with.
    """
    lines: list[str] = []
    # The opening quotes of a docstring stand on its first line.
    width = WIDTH - indent - (0 if first else 3)
    for paragraph in text.split("\n"):
        lines += textwrap.wrap(
            escape(paragraph),
            width,
            initial_indent=hanging if lines else first,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines


def escape(text: str) -> str:
    """Make text safe between triple quotes."""
    return re.sub(r'"{3,}|"+\Z', lambda quotes: '\\"' * len(quotes[0]), text.replace("\\", "\\\\"))


def sentences(*parts: str) -> str:
    """Join sentences, leaving out empty ones."""
    return " ".join(part for part in parts if part)


def listed(values: Iterable[str]) -> str:
    """Return values as code, separated by commas."""
    return ", ".join(f"`{value}`" for value in values)


def runtime_default(default: Any) -> str:
    """Tell the default that the runtime applies."""
    if default is UNSET or default is None:
        return ""
    return f"Default of the runtime: `{json.dumps(default, ensure_ascii=False, sort_keys=True)}`."
