"""Checks of what the contract says of wrappers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.lint.check import Check
from codegen.names import WRAPPER_TAKEN, argument_name, is_snake_name
from codegen.wrappers import absent_arms, result_field

if TYPE_CHECKING:
    from codegen.ir import Method, Wrapper


class Wrappers(Check):
    """Names of wrappers and hints about them."""

    def wrappers(self) -> None:
        """Wrappers can be written as their hints say."""
        owners: dict[str, str] = {}
        for method in self.contract.methods:
            if method.options is not None:
                self._options(method)
            wrapper = method.wrapper
            if wrapper is None:
                continue
            if wrapper.name in WRAPPER_TAKEN or wrapper.name.startswith("_"):
                self.wrong("wrapper-name", method.pointer, f"`{wrapper.name}` is taken by the client itself")
            elif not is_snake_name(wrapper.name):
                self.wrong("wrapper-name", method.pointer, f"`{wrapper.name}` is not in snake_case")
            elif owners.setdefault(wrapper.name, method.name) != method.name:
                self.wrong("duplicate-name", method.pointer, f"{owners[wrapper.name]} is `{wrapper.name}` already")
            arguments: dict[str, str] = {}
            for param in method.params:
                argument = argument_name(param.python)
                if arguments.setdefault(argument, param.wire) != param.wire:
                    self.wrong("duplicate-name", param.pointer, f"`{arguments[argument]}` is `{argument}` already")
            self._hints(method, wrapper)

    def _options(self, method: Method) -> None:
        if all(param.required for param in method.params):
            self.wrong("options", method.pointer, "`options` needs optional parameters")
        for param in method.params:
            if not param.required and param.python != param.wire:
                self.wrong("options", param.pointer, f"an option cannot have another name than `{param.wire}`")

    def _hints(self, method: Method, wrapper: Wrapper) -> None:
        if method.params_type is None and wrapper.request is not None:
            self.wrong("wrapper-hint", method.pointer, "`request` needs parameters")
        if method.params_type is not None and not method.derived and wrapper.request is None:
            self.wrong("wrapper-hint", method.pointer, "a method whose parameters are a union needs `request`")
        if method.result is None:
            return
        if wrapper.unwrap is not None and result_field(self.types, method.result, wrapper.unwrap) is None:
            self.wrong("wrapper-hint", method.pointer, f"the result has no field `{wrapper.unwrap}` to unwrap")
        if wrapper.none_when is not None:
            arms = absent_arms(self.types, method.result, wrapper.none_when)
            if (arms is None and result_field(self.types, method.result, wrapper.none_when) is None) or arms == []:
                self.wrong("wrapper-hint", method.pointer, f"the result has no field `{wrapper.none_when}`")
            if arms and wrapper.unwrap is not None:
                self.wrong("wrapper-hint", method.pointer, "a result that is a union cannot be unwrapped")
