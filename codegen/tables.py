"""IR -> the modules that are tables: errors, contract, events, index, public names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from codegen.annotate import PACKAGE, Imports, types_module
from codegen.docs import docstring
from codegen.ir import TaggedUnion
from codegen.names import constant_name
from codegen.types import base_module
from codegen.wrappers import default_errors

if TYPE_CHECKING:
    from codegen.ir import Contract, ErrorKind
    from codegen.templates import Templates


class Tables:
    """Renders the modules that are not split by file of the contract.

    Args:
        contract: The contract.
        templates: Our templates.
    """

    def __init__(self, contract: Contract, templates: Templates) -> None:
        self._contract = contract
        self._templates = templates

    def render(self) -> dict[str, str]:
        """Return the unformatted modules by file name."""
        public = _by_module(public_names(self._contract))
        files = {
            "__init__.py": self._templates.render("package.py", text="What the generator makes of the contract."),
            "types/__init__.py": self._templates.render(
                "package.py", text="Types of the contract, one module for each of its files."
            ),
            "errors.py": self._errors(),
            "contract.py": self._contract_module(),
            "index.py": self._templates.render("index.py", public=public),
            "public.py": self._templates.render("public.py", public=public),
        }
        for union in self._contract.types.values():
            if isinstance(union, TaggedUnion) and union.table:
                files["events.py"] = self._events(union)
        return files

    def _errors(self) -> str:
        imports = Imports(f"{PACKAGE}.errors")
        kinds: dict[str, ErrorKind] = {}
        for kind in self._contract.errors.values():
            kinds.setdefault(kind.class_name, kind)
        typed = Imports(f"{PACKAGE}.errors")
        classes: list[dict[str, Any]] = []
        for kind in _bases_first(kinds):
            for _, target in kind.attributes:
                typed.use(types_module(self._contract.types[target]), target)
            classes.append(
                {
                    "name": kind.class_name,
                    "base": kind.base or "MeerkatError",
                    "doc": docstring(kind.description, 4),
                    "code": kind.code,
                    "attributes": [{"name": name, "type": target} for name, target in kind.attributes],
                }
            )
        details = [
            {"name": kind.class_name, "module": types_module(self._contract.types[kind.data]), "type": kind.data}
            for kind in kinds.values()
            if kind.data is not None
        ]
        return self._templates.render(
            "errors.py",
            imports=imports.lines(),
            typed=typed.lines(),
            classes=classes,
            table=default_errors(self._contract),
            details=details,
        )

    def _contract_module(self) -> str:
        groups: dict[str, list[dict[str, str]]] = {"requests": [], "incoming": [], "outgoing": []}
        for method in self._contract.methods:
            group = "incoming" if method.from_server else "outgoing" if method.notification else "requests"
            groups[group].append(
                {
                    "name": json.dumps(method.name),
                    "module": json.dumps(method.module),
                    "attribute": json.dumps(constant_name(method.name)),
                }
            )
        return self._templates.render(
            "contract.py",
            version=json.dumps(self._contract.version),
            sha256=json.dumps(self._contract.sha256),
            **groups,
        )

    def _events(self, union: TaggedUnion) -> str:
        imports = Imports(f"{PACKAGE}.events")
        imports.use(f"{PACKAGE}.types.{base_module(union)}", union.base or "")
        for _, arm in union.arms:
            imports.use(types_module(self._contract.types[arm]), arm)
        arms = [{"tag": json.dumps(tag), "name": arm} for tag, arm in union.arms]
        return self._templates.render(
            "events.py", imports=imports.lines(), arms=arms, base=union.base, union=union.name
        )


def _by_module(names: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return the modules that hold public names, with the names packed into lines: one a line would be a thousand."""
    modules: dict[str, list[str]] = {}
    for item in names:
        modules.setdefault(item["module"], []).append(item["name"])
    return [
        {
            "module": module,
            "names": _packed(held, " "),
            "imports": _packed([f"{name} as {name}," for name in held], " "),
        }
        for module, held in sorted(modules.items())
    ]


def _packed(words: list[str], separator: str) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(separator) + len(word) <= _PACKED_WIDTH:
            lines[-1] += separator + word
        else:
            lines.append(word)
    return lines


_PACKED_WIDTH: Final = 108  # leaves room for what is around the words


def public_names(contract: Contract) -> list[dict[str, str]]:
    """Return every name that users import, with the full name of its module."""
    public = {name: types_module(named) for name, named in contract.types.items()}
    for kind in contract.errors.values():
        public[kind.class_name] = f"{PACKAGE}.errors"
    for method in contract.methods:
        if method.options is not None:
            public[method.options] = f"{PACKAGE}.methods.{method.module}"
    for union in contract.types.values():
        if isinstance(union, TaggedUnion) and union.base is not None:
            for name in filter(None, (union.base, union.unknown)):
                public[name] = f"{PACKAGE}.types.{base_module(union)}"
    return [{"name": name, "module": module} for name, module in sorted(public.items())]


def _bases_first(kinds: dict[str, ErrorKind]) -> list[ErrorKind]:
    ordered: dict[str, ErrorKind] = {}

    def visit(name: str) -> None:
        kind = kinds[name]
        if kind.base is not None and kind.base in kinds and kind.base not in ordered:
            visit(kind.base)
        ordered[name] = kind

    for name in sorted(kinds):
        if name not in ordered:
            visit(name)
    return list(ordered.values())
