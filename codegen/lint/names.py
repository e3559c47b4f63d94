"""Checks of names: well-formed, not taken, each once."""

from __future__ import annotations

from codegen.ir import TaggedUnion
from codegen.lint.check import Check
from codegen.names import (
    BUILTINS,
    HAND_WRITTEN,
    SCAFFOLD,
    calls_name,
    constant_name,
    is_identifier,
    is_snake_name,
    is_type_name,
)
from codegen.types import base_module


class Names(Check):
    """Names of types, files, methods and exceptions."""

    def names(self) -> None:
        """Public names are well-formed, and no two things have the same one."""
        owners: dict[str, str] = {}
        for name, where in self._public():
            if not is_type_name(name):
                self.wrong("naming", where, f"`{name}` is not in PascalCase")
            if name in BUILTINS | HAND_WRITTEN | SCAFFOLD:
                self.wrong("name-taken", where, f"`{name}` is the name of something else in Python or in the package")
            elif owners.setdefault(name, where) != where:
                self.wrong("duplicate-name", where, f"`{name}` is also the name of something else")
        modules = set(self.contract.modules)
        for module in self.contract.modules:
            if not is_snake_name(module):
                file = f"contract/{module}.yaml"
                self.wrong("naming", "", f"the file name `{module}.yaml` is not in snake_case", file=file)
        for named in self.types.values():
            if isinstance(named, TaggedUnion) and named.base is not None and base_module(named) in modules:
                self.wrong("name-taken", named.pointer, f"the base class needs the module `{base_module(named)}`")
        constants: dict[str, str] = {}
        for method in self.contract.methods:
            constant = constant_name(method.name)
            if not is_identifier(constant):
                self.wrong("naming", method.pointer, f"`{method.name}` gives no Python name")
            elif constants.setdefault(constant, method.name) != method.name:
                self.wrong("duplicate-name", method.pointer, f"`{constants[constant]}` also becomes {constant}")

    def _public(self) -> list[tuple[str, str]]:
        public = [(named.name, named.pointer) for named in self.types.values()]
        public += sorted(
            {
                (name, named.pointer)
                for named in self.types.values()
                if isinstance(named, TaggedUnion)
                for name in (named.base, named.unknown)
                if name is not None
            }
        )
        classes: dict[str, str] = {}
        for kind in self.contract.errors.values():
            classes.setdefault(kind.class_name, kind.pointer)
        public += classes.items()
        public += [(method.options, method.pointer) for method in self.contract.methods if method.options is not None]
        public += [
            (calls_name(module), next(m.pointer for m in self.contract.methods if m.module == module))
            for module in sorted({method.module for method in self.contract.methods})
        ]
        return public
