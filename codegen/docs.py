"""Docstrings: wrapped, and safe whatever the text holds."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 120


def docstring(text: str, indent: int) -> str:
    """Return a docstring literal for a place with this indentation: one line if it fits, else wrapped paragraphs."""
    if "\n" not in text:
        line = f'"""{escape(text)}"""'
        if indent + len(line) <= WIDTH:
            return line
    return assemble(wrapped(text, indent), indent)


def assemble(lines: Sequence[str], indent: int) -> str:
    """Return a docstring literal of several lines, the first of which stands behind the quotes."""
    margin = " " * indent
    body = "\n".join(f"{margin}{line}".rstrip() for line in lines).lstrip()
    return f'"""{escape(body, closed=False)}\n{margin}"""'


def wrapped(text: str, indent: int, hanging: str = "", first: str = "") -> list[str]:
    """Wrap text for a place with this indentation.

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
            paragraph,
            width,
            initial_indent=first if not lines else hanging,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines


def escape(text: str, *, closed: bool = True) -> str:
    """Make text safe inside triple quotes.

    Args:
        text: The text.
        closed: Whether the closing quotes follow at once.
    """
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'{safe[:-1]}\\"' if closed and safe.endswith('"') else safe


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
