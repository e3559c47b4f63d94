"""The whole way from the contract to the files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from codegen.bundle import Bundle
from codegen.domains import load_domains
from codegen.emit import MAX_LINES, formatted, page_header, too_long
from codegen.flow import Flow
from codegen.lint import check_document, check_rules
from codegen.load import load
from codegen.problems import ContractError, Problems
from codegen.reference.handles import Handles
from codegen.reference.links import INDEX, TYPES
from codegen.reference.render import Reference
from codegen.tables import Tables
from codegen.templates import Templates
from codegen.types import TypeModules
from codegen.wrappers import MethodModules

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    domains = load_domains(bundle.domains, contract.modules, bundle.problems)
    if bundle.problems:
        raise ContractError(bundle.problems.located(bundle.locate))
    return msgspec.structs.replace(contract, domains=domains), text


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


def render_pages(contract: Contract, generated: Mapping[str, str], written: Mapping[str, str]) -> dict[str, str]:
    """Return the pages of the method reference by name.

    Args:
        contract: The contract.
        generated: The generated files, as `render` returns them.
        written: Source of the modules around them that are written by hand, by file name.

    Raises:
        ContractError: A page would be too long.
        GeneratorError: A module is no Python.
    """
    wrappers = {name: text for name, text in generated.items() if name.startswith(("calls/", "methods/"))}
    handles = Handles({**wrappers, **written})
    reference = Reference(contract, Flow(contract), handles, Templates(), page_header(contract))
    files = reference.render()
    problems = Problems()
    for name, length in too_long({name: text for name, text in files.items() if name not in {INDEX, TYPES}}).items():
        message = f"the page {name} has {length} lines, {MAX_LINES} at most; make two domains of it"
        problems.add("page-length", "", message, file="contract/domains.yaml")
    problems.raise_if_any()
    return files
