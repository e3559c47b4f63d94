"""Reads a contract to compare: a bundled document, or the directory that it is bundled from."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from codegen.bundle import Bundle
from codegen.lint import check_document
from codegen.load import load
from codegen.problems import ContractError, Problems
from codegen.raw import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from codegen.ir import Contract

BUNDLED = "openrpc.json"


def read_contract(path: Path) -> Contract:
    """Read a contract. House rules are not applied: an older contract was written under older ones.

    Args:
        path: An ``openrpc.json``, or a directory with YAML files or with an ``openrpc.json``.

    Raises:
        ContractError: There is no contract there, or it cannot be read.
    """
    if path.is_dir():
        if any(path.glob("*.yaml")):
            return _bundled(path)
        path /= BUNDLED
    problems = Problems()
    document = _document(path, problems)
    problems.raise_if_any()
    return _loaded(document, path, problems)


def _bundled(directory: Path) -> Contract:
    bundle = Bundle(directory)
    check_document(bundle.document, bundle.extensions, bundle.problems)
    contract = load(bundle.document, hashlib.sha256(bundle.text().encode()).hexdigest(), bundle.problems)
    if bundle.problems:
        raise ContractError(bundle.problems.located(bundle.locate))
    return contract


def _loaded(document: dict[str, Any], path: Path, problems: Problems) -> Contract:
    contract = load(document, hashlib.sha256(path.read_bytes()).hexdigest(), problems)
    if problems:
        raise ContractError(problem._replace(file=str(path)) for problem in problems)
    return contract


def _document(path: Path, problems: Problems) -> dict[str, Any]:
    """Read a file and see that it has the parts of a bundled contract."""

    def wrong(where: str, message: str, line: int = 0) -> None:
        problems.add("form", where, message, file=str(path), line=line)

    document: Any = {}
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        wrong("", f"cannot be read: {error.strerror}; give an `{BUNDLED}` or a directory of a contract")
    except UnicodeDecodeError as error:
        wrong("", f"not UTF-8: {error.reason}")
    except json.JSONDecodeError as error:
        wrong("", f"not JSON: {error.msg}", error.lineno)
    except RecursionError:
        wrong("", "not a contract: it is nested too deeply")
    if problems:
        return {}
    if not is_object(document) or "openrpc" not in document or not is_object(document.get("components")):
        wrong("", f"this is no `{BUNDLED}`, as `python -m codegen bundle` writes it")
        return {}
    _parts(document, wrong)
    return document


def _parts(document: dict[str, Any], wrong: Callable[[str, str], None]) -> None:
    components: Any = document["components"]
    for kind in ("schemas", "x-errors"):
        entries: Any = components.get(kind)
        if not is_object(entries):
            wrong(f"/components/{kind}", "an object is expected here")
            continue
        for name, value in entries.items():
            if not is_object(value) or not isinstance(value.get("x-module"), str):
                wrong(f"/components/{kind}/{name}", "an object with `x-module` is expected here")
    errors: Any = components.get("errors")
    if not is_object(errors) or any(not is_object(error) for error in errors.values()):
        wrong("/components/errors", "an object of objects is expected here")
    elif is_object(components.get("x-errors")) and set(errors) != set(components["x-errors"]):
        wrong("/components/errors", "the names must be those in `x-errors`")
    methods: Any = document.get("methods")
    if not is_array(methods):
        wrong("/methods", "a list is expected here")
        return
    for index, method in enumerate(methods):
        if not is_object(method) or not all(isinstance(method.get(key), str) for key in ("name", "x-module")):
            wrong(f"/methods/{index}", "an object with `name` and `x-module` is expected here")
