"""IR -> context of the method modules (descriptors, TypedDicts of options) and of the wrappers.

Descriptors need the types of parameters and results, wrappers only their names. So wrappers are modules of their own,
which get a descriptor at its first use: a client costs no import of hundreds of types that a program never touches.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from codegen.annotate import PACKAGE, Annotator, Imports, types_module
from codegen.docs import assemble, docstring, runtime_default, sentences, wrapped
from codegen.ir import Nullable, Ref, StructType, UntaggedUnion
from codegen.names import BUILTINS, argument_name, calls_name, constant_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.flow import Flow
    from codegen.ir import Contract, Method, NamedType, Property, Type, Wrapper
    from codegen.templates import Templates

_DOC_INDENT = 8


def default_errors(contract: Contract) -> dict[int, str]:
    """Return the exception class that a code means where the method says nothing else."""
    table: dict[int, str] = {}
    for error in contract.errors.values():
        if error.base is None:
            table.setdefault(error.code, error.class_name)
    return dict(sorted(table.items(), reverse=True))


class MethodModules:
    """Renders the modules of ``_generated/methods`` and ``_generated/calls``.

    Args:
        contract: The contract.
        flow: Who writes which type.
        templates: Our templates.
    """

    def __init__(self, contract: Contract, flow: Flow, templates: Templates) -> None:
        self._contract = contract
        self._types = contract.types
        self._flow = flow
        self._templates = templates
        self._default_errors = default_errors(contract)

    def modules(self) -> list[str]:
        """Return the names of the modules that have methods."""
        return sorted({method.module for method in self._contract.methods})

    def modules_with_wrappers(self) -> list[str]:
        """Return the names of the modules that have a class of wrappers."""
        return sorted({method.module for method in self._contract.methods if method.wrapper is not None})

    def render(self) -> dict[str, str]:
        """Return the unformatted modules by file name."""
        files = {f"methods/{module}.py": self._methods(module) for module in self.modules()}
        for module in self.modules_with_wrappers():
            files[f"calls/{module}.py"] = self._calls(module)
        classes = [{"module": module, "name": calls_name(module)} for module in self.modules_with_wrappers()]
        files["methods/__init__.py"] = self._templates.render("methods_init.py", classes=classes)
        files["calls/__init__.py"] = self._templates.render(
            "package.py", text="Wrappers of the methods, one module for each file of the contract that has some."
        )
        return files

    def _methods(self, module: str) -> str:
        methods = [method for method in self._contract.methods if method.module == module]
        imports = Imports(f"{PACKAGE}.methods.{module}")
        annotator = Annotator(self._types, self._flow, imports)
        imports.use("typing", "Final")
        descriptors = [self._descriptor(method, annotator, imports) for method in methods]
        options = [self._options(method, annotator, imports) for method in methods if method.options is not None]
        return self._templates.render(
            "methods.py", module=module, imports=imports.lines(), descriptors=descriptors, options=options
        )

    def _calls(self, module: str) -> str:
        wrapped_methods = [
            (method, method.wrapper)
            for method in self._contract.methods
            if method.module == module and method.wrapper is not None
        ]
        imports, typed = Imports(f"{PACKAGE}.calls.{module}"), Imports(f"{PACKAGE}.calls.{module}")
        shadowed = frozenset(wrapper.name for _, wrapper in wrapped_methods) & BUILTINS
        annotator = Annotator(self._types, self._flow, typed, shadowed)
        calls = [self._wrapper(method, wrapper, annotator, imports) for method, wrapper in wrapped_methods]
        return self._templates.render(
            "calls.py",
            package=PACKAGE,
            module=module,
            imports=imports.lines(),
            typed=typed.lines(),
            class_name=calls_name(module),
            calls=calls,
        )

    # --- descriptors ---

    def _descriptor(self, method: Method, annotator: Annotator, imports: Imports) -> dict[str, Any]:
        params = annotator.name(method.params_type) if method.params_type is not None else "None"
        result = self._exact(method.result, annotator, sent_only=method.from_server)
        described = {"name": constant_name(method.name), "doc": docstring(f"``{method.name}``: {method.summary}", 0)}
        if method.from_server:
            imports.use("meerkat._core.method", "Notification")
            arguments = [f"route_by={json.dumps(method.route_by)}"] if method.route_by is not None else []
            if not method.notification:
                arguments.append(f"result={result}")
            return {
                **described,
                "type": f"Notification[{params}]",
                "call": f"Notification({', '.join([json.dumps(method.name), params, *arguments])})",
            }
        imports.use("meerkat._core.method", "Method")
        arguments = [
            f"{flag}=True"
            for flag in ("cancellable", "long_running", "mutates", "null_id_errors")
            if flag != "mutates" and getattr(method, flag)
        ]
        arguments.append(f"mutates={method.mutates}")
        if method.requires is not None:
            arguments.append(f"requires={json.dumps(method.requires)}")
        errors = self._own_errors(method)
        if errors:
            imports.use(f"{PACKAGE}.errors", *errors.values())
            table = ", ".join(f"{code}: {name}" for code, name in errors.items())
            arguments.append(f"errors={{{table}}}")
        return {
            **described,
            "type": f"Method[{result}]",
            "call": f"Method({', '.join([json.dumps(method.name), params, result, *arguments])})",
        }

    def _own_errors(self, method: Method) -> dict[int, str]:
        kinds = [self._contract.errors[name] for name in method.errors]
        own = {kind.code: kind.class_name for kind in kinds if self._default_errors.get(kind.code) != kind.class_name}
        return dict(sorted(own.items(), reverse=True))

    def _exact(self, type_: Type | None, annotator: Annotator, *, sent_only: bool) -> str:
        return "None" if type_ is None else annotator.exact(type_, sent_only=sent_only)

    # --- options ---

    def _options(self, method: Method, annotator: Annotator, imports: Imports) -> dict[str, Any]:
        imports.use("typing", "TypedDict")
        optional = [param for param in method.params if not param.required]
        return {
            "name": method.options,
            "doc": docstring(f"Optional parameters of ``{method.name}``; ``None`` is the same as leaving one out.", 4),
            "fields": [
                {
                    "name": param.python,
                    "type": self._optional(param, annotator),
                    "doc": docstring(_param_doc(param), 4),
                }
                for param in optional
            ],
        }

    def _optional(self, param: Property, annotator: Annotator) -> str:
        accepted = annotator.accepted(param.type)
        return accepted if accepted == "Any" or isinstance(param.type, Nullable) else f"{accepted} | None"

    # --- wrappers ---

    def _wrapper(self, method: Method, wrapper: Wrapper, annotator: Annotator, imports: Imports) -> dict[str, Any]:
        if wrapper.request is not None:
            signature, documented, values, warned = self._request(method, wrapper.request, annotator)
        else:
            signature, documented, values, warned = self._arguments(method, wrapper, annotator, imports)
        returned, body, returns_doc = self._returned(method, wrapper, annotator, f"self._call({values})")
        if method.deprecated:
            warned.insert(0, {"condition": "", "text": json.dumps(f"{wrapper.name}() is deprecated")})
        if warned:
            imports.use_module("warnings")
        return {
            "name": wrapper.name,
            "signature": ", ".join(["self", *signature]),
            "returns": returned,
            "imports": sorted(self._needed(method, wrapper)),
            "doc": self._doc(method, documented, returns_doc),
            "warnings": warned,
            "body": body,
        }

    def _request(
        self, method: Method, argument: str, annotator: Annotator
    ) -> tuple[list[str], list[tuple[str, str]], str, list[dict[str, str]]]:
        name = argument_name(argument)
        constant = _descriptor_of(method)
        if method.params_type is None:
            return [], [], constant, []
        accepted = annotator.accepted(Ref(name=method.params_type))
        named = self._types[method.params_type]
        optional = isinstance(named, StructType) and not any(item.required for item in named.properties)
        text = f"The parameters, as a `{method.params_type}` or a mapping by wire name."
        signature = f"{name}: {accepted} | None = None" if optional else f"{name}: {accepted}"
        return [signature], [(name, text)], f"{constant}, {name}", []

    def _arguments(
        self, method: Method, wrapper: Wrapper, annotator: Annotator, imports: Imports
    ) -> tuple[list[str], list[tuple[str, str]], str, list[dict[str, str]]]:
        open_params = [param for param in method.params if param.constant is None]
        by_name = {param.python: param for param in open_params}
        required = [param for param in open_params if param.required]
        positional = [by_name[name] for name in wrapper.positional if name in by_name]
        rest = [param for param in open_params if not param.required and param not in positional]
        signature = [f"{argument_name(param.python)}: {annotator.accepted(param.type)}" for param in required]
        signature += [self._with_default(param, annotator, imports) for param in positional]
        if rest:
            signature += ["*", *(self._with_default(param, annotator, imports) for param in rest)]
        values = ", ".join(
            f"{json.dumps(param.wire)}: {argument_name(param.python)}"
            if param.constant is None
            else f"{json.dumps(param.wire)}: {json.dumps(param.constant)}"
            for param in method.params
        )
        warned = [
            {
                "condition": f"{argument_name(param.python)} is not {'UNSET' if param.nullable else 'None'}",
                "text": json.dumps(f"the parameter {argument_name(param.python)} of {wrapper.name}() is deprecated"),
            }
            for param in (*positional, *rest)
            if param.deprecated
        ]
        documented = [(argument_name(param.python), _param_doc(param)) for param in (*required, *positional, *rest)]
        constant = _descriptor_of(method)
        return signature, documented, f"{constant}, {{{values}}}" if values else constant, warned

    def _with_default(self, param: Property, annotator: Annotator, imports: Imports) -> str:
        name = argument_name(param.python)
        if param.nullable:
            imports.use("msgspec", "UNSET", "UnsetType")
            return f"{name}: {annotator.accepted(param.type)} | UnsetType = UNSET"
        return f"{name}: {self._optional(param, annotator)} = None"

    def _returned(
        self, method: Method, wrapper: Wrapper, annotator: Annotator, call: str
    ) -> tuple[str, list[str], str]:
        """Return annotation, statements and description of what a wrapper gives back."""
        if wrapper.returns_none or method.result is None:
            return "None", [f"await {call}"], ""
        result = annotator.exact(method.result, sent_only=False)
        text = method.result_description
        if wrapper.none_when is None and wrapper.unwrap is None:
            return result, [f"return await {call}"], text
        value = "_result"
        if wrapper.unwrap is not None:
            field = self._result_field(method.result, wrapper.unwrap)
            value = f"_result.{field.python}"
            result = annotator.exact(field.type, sent_only=False)
            absent_is_none = not field.required and (field.default is UNSET or field.default is None)
            if absent_is_none and result != "Any" and not field.nullable:
                result = f"{result} | None"
            text = field.description or text
            if wrapper.none_when is None:
                return result, [f"return (await {call}).{field.python}"], text
        absent, kept = self._absent(method.result, wrapper.none_when or "", annotator)
        result = f"{kept or result} | None"
        return (
            result,
            [f"_result = await {call}", f"return None if {absent} else {value}"],
            sentences(text, f"``None`` when the runtime answers ``{wrapper.none_when}``."),
        )

    def _needed(self, method: Method, wrapper: Wrapper) -> list[str]:
        """Return imports of the types that the body of a wrapper tests for."""
        if method.result is None or wrapper.none_when is None:
            return []
        arms = absent_arms(self._types, method.result, wrapper.none_when) or []
        return [f"from {types_module(self._types[arm])} import {arm}" for arm in arms]

    def _result_field(self, type_: Type, wire: str) -> Property:
        field = result_field(self._types, type_, wire)
        if field is None:
            raise AssertionError(f"the linter lets no unknown field {wire} pass")
        return field

    def _absent(self, type_: Type, wire: str, annotator: Annotator) -> tuple[str, str]:
        """Return the condition under which a result stands for nothing, and the annotation of what else it can be."""
        arms = absent_arms(self._types, type_, wire)
        named = self._types[type_.name] if isinstance(type_, Ref) else None
        if arms is None or not isinstance(named, UntaggedUnion):
            return f"_result.{self._result_field(type_, wire).python}", ""
        tested = " | ".join(arms)
        kept = [member for member in named.members if not (isinstance(member, Ref) and member.name in arms)]
        return f"isinstance(_result, {tested})", " | ".join(annotator.exact(item, sent_only=False) for item in kept)

    def _doc(self, method: Method, documented: list[tuple[str, str]], returns: str) -> str:
        lines = wrapped(sentences(method.summary, "Deprecated." if method.deprecated else ""), _DOC_INDENT)
        if method.description:
            lines += ["", *wrapped(method.description, _DOC_INDENT)]
        sections: list[tuple[str, list[str]]] = [
            ("Args", [line for name, text in documented for line in _entry(f"{name}: {text}")]),
            ("Returns", _paragraph(returns)),
            ("Raises", [line for name, text in self._raised(method) for line in _entry(f"{name}: {text}")]),
        ]
        for title, content in sections:
            if content:
                lines += ["", f"{title}:", *content]
        lines += ["", f"RPC: ``{method.name}``."]
        return assemble(lines, _DOC_INDENT)

    def _raised(self, method: Method) -> list[tuple[str, str]]:
        return [(kind.class_name, kind.message) for kind in (self._contract.errors[name] for name in method.errors)]


def _descriptor_of(method: Method) -> str:
    return f"_methods.{constant_name(method.name)}"


def result_field(types: Mapping[str, NamedType], type_: Type, wire: str) -> Property | None:
    """Return a field of a result, or ``None`` when the result has none of this name."""
    named = types.get(type_.name) if isinstance(type_, Ref) else None
    while isinstance(named, StructType):
        for item in named.properties:
            if item.wire == wire:
                return item
        named = types.get(named.base) if named.base is not None else None
    return None


def absent_arms(types: Mapping[str, NamedType], type_: Type, wire: str) -> list[str] | None:
    """Return the members of an untagged union that have a field, or ``None`` when the type is no such union."""
    named = types.get(type_.name) if isinstance(type_, Ref) else None
    if not isinstance(named, UntaggedUnion):
        return None
    return [
        member.name
        for member in named.members
        if isinstance(member, Ref) and result_field(types, member, wire) is not None
    ]


def _entry(text: str) -> list[str]:
    return wrapped(text, _DOC_INDENT, hanging=" " * 8, first=" " * 4)


def _paragraph(text: str) -> list[str]:
    return wrapped(text, _DOC_INDENT, hanging=" " * 4, first=" " * 4) if text else []


def _param_doc(param: Property) -> str:
    return sentences(
        param.description,
        runtime_default(param.default) if param.constant is None else "",
        "Deprecated." if param.deprecated else "",
    )
