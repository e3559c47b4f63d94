"""What can be wrong with a contract, collected so that several problems are reported at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer of a path."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def split_pointer(text: str) -> list[str]:
    """Return the path of a JSON pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


class Problem(NamedTuple):
    """One thing that is wrong.

    Attributes:
        rule: Short name of the rule that is broken.
        pointer: JSON pointer into the bundled document, or into ``file`` where that is given.
        message: What is wrong and what to do.
        file: The file, where the bundled document does not tell it.
        line: Line in ``file``, or 0.
    """

    rule: str
    pointer: str
    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place + ': ' if place else ''}{self.pointer or '/'}: {self.message} [{self.rule}]"


class ContractError(Exception):
    """The contract cannot be used; `problems` tells everything that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """Collects problems of one pass over the contract."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def add(self, rule: str, where: str, message: str, *, file: str = "", line: int = 0) -> None:
        """Remember a problem; the same one is kept once."""
        self._found.setdefault(Problem(rule, where, message, file, line))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Remember problems that were found elsewhere."""
        for problem in problems:
            self._found.setdefault(problem)

    def __bool__(self) -> bool:
        return bool(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def located(self, locate: Callable[[Problem], Problem]) -> list[Problem]:
        """Return the problems with file and line, in the order of the files."""
        found = {locate(problem) for problem in self._found}
        return sorted(found, key=lambda p: (p.file, p.line, p.pointer, p.message))

    def raise_if_any(self) -> None:
        """Raise what was collected.

        Raises:
            ContractError: There is at least one problem.
        """
        if self._found:
            raise ContractError(self._found)
