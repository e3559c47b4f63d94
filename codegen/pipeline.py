"""The whole way from the contract to the files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from codegen.bundle import Bundle
from codegen.emit import MAX_LINES, formatted, too_long
from codegen.flow import Flow
from codegen.lint import check_document, check_rules
from codegen.load import load
from codegen.problems import ContractError, Problems
from codegen.tables import Tables
from codegen.templates import Templates
from codegen.types import TypeModules
from codegen.wrappers import MethodModules

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.ir import Contract


def read(directory: Path) -> tuple[Contract, str]:
    """Read and check the contract.

    Args:
        directory: Directory of the YAML files.

    Returns:
        The contract, and the bundled document as text.

    Raises:
        ContractError: Something is wrong with it; every problem names file, line and pointer.
    """
    bundle = Bundle(directory)
    text = bundle.text()
    check_document(bundle.document, bundle.extensions, bundle.problems)
    contract = load(bundle.document, hashlib.sha256(text.encode()).hexdigest(), bundle.problems)
    check_rules(contract, bundle.problems)
    if bundle.problems:
        raise ContractError(bundle.problems.located(bundle.locate))
    return contract, text


def render(contract: Contract) -> dict[str, str]:
    """Return the generated files by name.

    Raises:
        ContractError: A file would be too long.
        GeneratorError: A tool failed.
    """
    flow = Flow(contract)
    templates = Templates()
    files = {
        **TypeModules(contract, flow, templates).render(),
        **MethodModules(contract, flow, templates).render(),
        **Tables(contract, templates).render(),
    }
    files = formatted(files, contract)
    problems = Problems()
    for name, length in too_long(files).items():
        source = f"contract/{name.rpartition('/')[2].removesuffix('.py')}.yaml"
        problems.add(
            "module-length", "", f"{name} has {length} lines, {MAX_LINES} at most; split {source}", file=source
        )
    problems.raise_if_any()
    return files
