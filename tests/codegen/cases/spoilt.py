"""One edit of the small contract that breaks one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

SCHEMAS = "/components/schemas"


class Spoilt(NamedTuple):
    """One edit of the small contract and the problem that it makes.

    Attributes:
        file: The file that is edited.
        old: Text that is replaced; a single word is replaced in all files.
        new: What it is replaced by.
        rule: Id of the rule that is broken then.
        pointer: Beginning of the pointer of the problem.
        says: A part of the message.
        found_in: The file that the problem is reported in, where it is another one.
    """

    file: str
    old: str
    new: str
    rule: str
    pointer: str
    says: str = ""
    found_in: str = ""


def spoil(contract: Path, spoilt: Spoilt) -> None:
    """Make the edit in a copy of the small contract."""
    path = contract / f"{spoilt.file}.yaml"
    text = path.read_text("utf-8")
    assert spoilt.old in text, "the edit does not match the small contract any more"
    # A name is renamed everywhere, so that nothing but the name is wrong; other edits are made once.
    everywhere = spoilt.old.isidentifier()
    for file in contract.glob("*.yaml") if everywhere else [path]:
        text = file.read_text("utf-8")
        file.write_text(text.replace(spoilt.old, spoilt.new, -1 if everywhere else 1), "utf-8")
