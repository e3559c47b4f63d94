"""The checks, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.extensions import Extensions
from codegen.flow import Flow
from codegen.lint.errors import Errors
from codegen.lint.names import Names
from codegen.lint.prose import Prose
from codegen.lint.reads import Reads
from codegen.lint.secrets import Secrets
from codegen.lint.types import Types
from codegen.lint.whole import Whole
from codegen.lint.wrappers import Wrappers
from codegen.problems import pointer
from codegen.raw import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.ir import Contract
    from codegen.problems import Problems

OPENRPC = "1.3.2"


def check_document(document: Mapping[str, Any], extensions: Mapping[str, Any], problems: Problems) -> None:
    """Check what the IR does not keep: the head of the document and the extensions."""
    for key in sorted(set(document) - {"openrpc", "info", "methods", "components"}):
        problems.add("unknown-keyword", f"/{key}", f"`{key}` is not known here; known are info, openrpc")
    if document.get("openrpc") != OPENRPC:
        problems.add("info", "/openrpc", f"the contract is written in OpenRPC {OPENRPC}")
    info: Any = document.get("info")
    for key in ("title", "version"):
        if not is_object(info) or not isinstance(info.get(key), str):
            problems.add("info", "/info", f"the contract needs a `{key}`, a string")
    for name, schema in document["components"]["schemas"].items():
        if schema.get("x-upstream-name") == name:
            where = pointer("components", "schemas", name, "x-upstream-name")
            problems.add("upstream-name", where, f"`{name}` is the name of the type itself; leave it out")
    Extensions(extensions, problems).check(document)


def check_rules(contract: Contract, problems: Problems) -> None:
    """Check everything else."""
    flow = Flow(contract)
    Prose(contract, flow, problems).descriptions()
    Secrets(contract, flow, problems).secrets()
    Names(contract, flow, problems).names()
    Wrappers(contract, flow, problems).wrappers()
    Types(contract, flow, problems).types_fit()
    Reads(contract, flow, problems).reads()
    Errors(contract, flow, problems).errors()
    # What follows walks references, which must resolve.
    if not any(problem.rule == "ref" for problem in problems):
        Whole(contract, flow, problems).whole()
