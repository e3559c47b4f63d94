"""The golden package, importable under the name that generated code has."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from tests.codegen.small import GOLDEN, copy_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PACKAGE = "meerkat._generated"


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A copy of the small contract, to be spoilt."""
    return copy_to(tmp_path)


def _take_modules() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture(scope="module")
def golden() -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the golden package; what is generated for the real contract is put aside meanwhile."""
    aside = _take_modules()
    package = ModuleType(PACKAGE)
    package.__path__ = [str(GOLDEN)]
    sys.modules[PACKAGE] = package
    try:
        yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    finally:
        _take_modules()
        sys.modules.update(aside)
