"""What is generated from the real contract: every type decodes, and a client costs no import of types."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any

import pytest

from meerkat._core.codec import Decoder
from meerkat._generated import contract
from meerkat._generated.index import PUBLIC


@pytest.mark.parametrize("module", sorted({module for module in PUBLIC.values() if ".types." in module}))
@pytest.mark.requirement("G02")
def test_decoders_of_all_types_can_be_built(module: str) -> None:
    for name in (name for name, place in PUBLIC.items() if place == module):
        Decoder[Any](getattr(importlib.import_module(module), name), name)


@pytest.mark.parametrize("name", sorted(contract.METHODS))
@pytest.mark.requirement("G02")
def test_descriptors_of_methods(name: str) -> None:
    method = contract.method(name)
    assert method.name == name
    Decoder[Any](method.result, name)


@pytest.mark.parametrize("name", sorted(contract.NOTIFICATIONS))
def test_descriptors_of_notifications(name: str) -> None:
    descriptor = contract.notification(name)
    assert descriptor.name == name
    assert descriptor.decoder


def test_wrappers_import_no_types() -> None:
    program = "import sys, json, meerkat._generated.methods; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(done.stdout)
    assert "meerkat._generated.calls.schedule" in modules
    assert not [name for name in modules if name.startswith("meerkat._generated.types.")]
    assert not {"asyncio", "trio", "anyio", "ssl"} & set(modules)
