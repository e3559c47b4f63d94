"""A pytest plugin: run the tests of one backend, and let nothing import the other.

``ONLY_BACKEND=trio python -m pytest -n 0 -p tests.support.one_backend tests/core tests/e2e``. It has to come before all
other plugins, hence the variable, and one process. Programs that a test starts are not covered.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import ModuleType

FORBIDDEN: Final = {"trio": ("asyncio",), "asyncio": ("trio", "outcome", "sniffio")}
"""What each backend has to do without: asyncio, or trio and what is installed for its sake."""


class Absence(MetaPathFinder):
    """Makes packages look as if they were not installed, and takes down who asked for them.

    Attributes:
        attempts: The place of each attempt, as lines of a traceback.
    """

    def __init__(self, names: Sequence[str]) -> None:
        present = [name for name in names if name in sys.modules]
        if present:
            raise pytest.UsageError(f"{', '.join(present)} was imported before it could be forbidden; is -n 0 missing?")
        self._names = frozenset(names)
        self.attempts: list[str] = []

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuse the packages, and leave all others to the finders behind this one."""
        if fullname.partition(".")[0] in self._names:
            self.attempts.append("".join(traceback.format_stack(limit=12)[:-1]))
            raise ModuleNotFoundError(f"{fullname} is forbidden here", name=fullname)

    def check(self, when: str) -> None:
        """Fail when there was an attempt, also where its error was caught; start again.

        Args:
            when: What was going on, for the message.
        """
        attempts, self.attempts = self.attempts, []
        if attempts:
            pytest.fail(f"forbidden imports {when}:\n" + "\n".join(attempts), pytrace=False)


BACKEND: Final = os.environ.get("ONLY_BACKEND", "")
if BACKEND not in FORBIDDEN:
    raise pytest.UsageError(f"ONLY_BACKEND is {BACKEND!r}; it has to be one of {', '.join(FORBIDDEN)}")
OTHER: Final = FORBIDDEN[BACKEND][0]
absence: Final = Absence(FORBIDDEN[BACKEND])
sys.meta_path.insert(0, absence)
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"  # trio comes with one, which is found although trio is not


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Keep out a plugin of a development tool that needs asyncio; called before it is loaded."""
    pluginmanager.set_blocked("typeguard")


def pytest_configure() -> None:
    """Forgive the plugin of anyio, which tries both backends when it is loaded."""
    absence.attempts.clear()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of the other backend."""
    absence.check("while tests were collected")
    other = {item for item in items if OTHER in _parameters(item).values()}
    config.hook.pytest_deselected(items=list(other))
    items[:] = [item for item in items if item not in other]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Fail a test during which, or since the one before, something asked for the other backend."""
    try:
        result = yield
    except BaseException:
        absence.attempts.clear()  # not for the next test, too
        raise
    absence.check("in the test or in its fixtures")
    return result


def _parameters(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
