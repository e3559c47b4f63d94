"""A pytest plugin: run the tests of one backend, and let nothing import the other.

``ONLY_BACKEND=trio python -m pytest -p tests.support.one_backend tests/core tests/e2e``. It has to come before
all other plugins, hence the variable, and works in one process. Programs that a test starts are not covered.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.absence import OTHER, Absence

if TYPE_CHECKING:
    from collections.abc import Generator

BACKEND: Final = os.environ.get("ONLY_BACKEND", "")
if BACKEND not in OTHER:
    raise pytest.UsageError(f"ONLY_BACKEND is {BACKEND!r}; it has to be one of {', '.join(OTHER)}")
absence: Final = Absence(OTHER[BACKEND])
absence.begin()
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"  # trio comes with one, which is found although trio is not


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Keep out a plugin of a development tool that needs asyncio; called before it is loaded."""
    pluginmanager.set_blocked("typeguard")


def pytest_configure() -> None:
    """Forgive the plugin of anyio, which tries both backends when it is loaded."""
    absence.forget()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of the other backend."""
    _complain("while tests were collected")
    other = {item for item in items if OTHER[BACKEND] in _parameters(item).values()}
    config.hook.pytest_deselected(items=list(other))
    items[:] = [item for item in items if item not in other]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Fail a test during which, or since the one before, something asked for the other backend."""
    try:
        result = yield
    except BaseException:
        absence.forget()
        raise
    _complain("in the test or in its fixtures")
    return result


def _complain(when: str) -> None:
    if attempts := absence.forget():
        pytest.fail(f"forbidden imports {when}:\n" + "\n".join(attempts), pytrace=False)


def _parameters(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
