"""Makes a package look as if it was not installed; needs nothing but the standard library.

Run as a program, ``python -m tests.support.absence trio MODULE ARGUMENT...``, it runs a module without the other
backend, and fails when something asked for that. Programs that the module starts are not covered.
"""

from __future__ import annotations

import runpy
import sys
import traceback
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

OTHER: Final = {"trio": "asyncio", "asyncio": "trio"}
"""What each backend has to do without."""


class Absence(MetaPathFinder):
    """Refuses to find a package, and takes down who asked for it.

    Attributes:
        attempts: The place of each attempt, as lines of a traceback.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.attempts: list[str] = []

    def begin(self) -> None:
        """From now on, the package cannot be imported.

        Raises:
            RuntimeError: It was imported already.
        """
        if self.name in sys.modules:
            raise RuntimeError(f"{self.name} was imported before it could be forbidden")
        sys.meta_path.insert(0, self)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuse the package, and leave all others to the finders behind this one."""
        if fullname.partition(".")[0] == self.name:
            self.attempts.append("".join(traceback.format_stack(limit=12)[:-1]))
            raise ModuleNotFoundError(f"{fullname} is forbidden here", name=fullname)

    def forget(self) -> list[str]:
        """Return the attempts, also those whose error was caught, and start again."""
        attempts, self.attempts = self.attempts, []
        return attempts


if __name__ == "__main__":
    backend, module, *arguments = sys.argv[1:]
    absence = Absence(OTHER[backend])
    absence.begin()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")
    raise SystemExit("\n".join(absence.forget()) or 0)
