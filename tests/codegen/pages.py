"""Generated pages as a reader sees them: parsed by a Markdown renderer, not by us."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

# CommonMark and what GitHub adds to it.
RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(inline: Token) -> str:
    """The text of a piece of a page."""
    return "".join(
        " " if child.type in {"softbreak", "hardbreak"} else child.content for child in inline.children or []
    )


class Section(NamedTuple):
    """A heading and what follows it up to the next one."""

    heading: str
    anchor: str
    level: int
    tables: list[list[list[str]]]
    paragraphs: list[str]
    code: list[str]


class Page:
    """A page.

    Args:
        text: Its Markdown.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = RENDERER.parse(text)

    @cached_property
    def sections(self) -> list[Section]:
        """Its sections in their order; the first one has the title."""
        found: list[Section] = []
        taken: dict[str, int] = {}
        for index, token in enumerate(self.tokens):
            following = self.tokens[index + 1] if index + 1 < len(self.tokens) else token
            match token.type:
                case "heading_open":
                    heading = shown(following)
                    # Lower case, no punctuation, hyphens for spaces, a number from the second on: as GitHub does it.
                    slug = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                    anchor = f"{slug}-{taken[slug]}" if slug in taken else slug
                    taken[slug] = taken.get(slug, 0) + 1
                    found.append(Section(heading, anchor, int(token.tag[1]), [], [], []))
                case "paragraph_open" if found:
                    found[-1].paragraphs.append(shown(following))
                case "fence":
                    found[-1].code.append(token.content)
                case "table_open":
                    found[-1].tables.append([])
                case "tr_open":
                    found[-1].tables[-1].append([])
                case "th_open" | "td_open":
                    found[-1].tables[-1][-1].append(shown(following))
                case _:
                    pass
        return found

    def section(self, heading: str, level: int = 3) -> Section:
        """The section with this heading."""
        return next(each for each in self.sections if each.heading == heading and each.level == level)

    def headings(self, below: str) -> list[str]:
        """The headings of the third level below one of the second."""
        found: list[str] = []
        inside = False
        for each in self.sections:
            if each.level == 2:
                inside = each.heading == below
            elif each.level == 3 and inside:
                found.append(each.heading)
        return found

    def links(self) -> Iterator[str]:
        """All targets of links."""
        for token in self.tokens:
            for child in token.children or []:
                if child.type == "link_open":
                    yield str(child.attrs["href"])

    def html(self) -> list[str]:
        """All HTML in it."""
        inline = [child.content for token in self.tokens for child in token.children or [] if "html" in child.type]
        return [token.content for token in self.tokens if token.type == "html_block"] + inline


def plain(prose: str) -> str:
    """What a reader sees of a description of the contract."""
    return " ".join(prose.replace("`", "").split())
