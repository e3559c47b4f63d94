"""Checks of errors: their classes, their codes, and which of them methods list."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from codegen.lint.check import Check

if TYPE_CHECKING:
    from codegen.ir import Method

_INVALID_PARAMS: Final = -32602
_METHOD_NOT_FOUND: Final = -32601
_CANCELLED: Final = "RequestCancelled"


class Errors(Check):
    """The table of errors and the lists of methods."""

    def errors(self) -> None:
        """A code means one class, generally and on each method."""
        classes: dict[str, list[str]] = defaultdict(list)
        defaults: dict[int, str] = {}
        for kind in self.contract.errors.values():
            classes[kind.class_name].append(kind.name)
            if not kind.class_name.endswith("Error"):
                self.wrong("naming", kind.pointer, f"the class name `{kind.class_name}` does not end with `Error`")
            if len(classes[kind.class_name]) > 1:
                other = classes[kind.class_name][0]
                self.wrong("duplicate-name", kind.pointer, f"`{kind.class_name}` is the class of {other} already")
            if kind.base is None and defaults.setdefault(kind.code, kind.name) != kind.name:
                message = f"{defaults[kind.code]} has the code {kind.code} too; all but one of them need a `base`"
                self.wrong("error-code", kind.pointer, message)
        bases = {kind.class_name: kind.base for kind in self.contract.errors.values()}
        for kind in self.contract.errors.values():
            if kind.base is not None and kind.base not in classes:
                self.wrong("error-base", kind.pointer, f"no error has the class `{kind.base}`")
            seen, current = {kind.class_name}, kind.base
            while current is not None and current not in seen:
                seen.add(current)
                current = bases.get(current)
            if current is not None:
                self.wrong("error-base", kind.pointer, f"`{kind.class_name}` derives from itself")
        for method in self.contract.methods:
            self._listed(method)

    def _listed(self, method: Method) -> None:
        """Check which errors a method lists."""
        by_code: dict[int, str] = {}
        for name in method.errors:
            code = self.contract.errors[name].code
            if by_code.setdefault(code, name) != name:
                self.wrong("error-code", method.pointer, f"{by_code[code]} and {name} both have the code {code}")
        if method.notification or method.from_server:
            return
        if method.params_type is not None and _INVALID_PARAMS not in by_code:
            message = f"{method.name} has parameters, so it needs an error of the code {_INVALID_PARAMS}"
            self.wrong("params-error", method.pointer, message)
        if method.requires is not None and _METHOD_NOT_FOUND not in by_code:
            message = f"{method.name} does not always exist, so it needs an error of the code {_METHOD_NOT_FOUND}"
            self.wrong("requirement-error", method.pointer, message)
        if method.cancellable and _CANCELLED not in method.errors:
            message = f"{method.name} can be cancelled, so it needs the error `{_CANCELLED}`"
            self.wrong("cancel-error", method.pointer, message)
