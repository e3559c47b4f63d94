"""House rules that need the whole contract: names, descriptions, unions, directions, files, errors."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from codegen.extensions import Extensions
from codegen.flow import Flow
from codegen.ir import (
    AnyJson,
    Choice,
    Direction,
    EnumType,
    ListOf,
    MapOf,
    Nullable,
    Ref,
    Scalar,
    StructType,
    TaggedUnion,
    Type,
)  # fmt: skip
from codegen.names import (
    BUILTINS,
    HAND_WRITTEN,
    SCAFFOLD,
    WRAPPER_TAKEN,
    argument_name,
    calls_name,
    constant_name,
    is_identifier,
    is_snake_name,
    is_type_name,
)  # fmt: skip
from codegen.raw import is_array, is_object
from codegen.types import base_module
from codegen.wrappers import absent_arms, result_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.ir import Contract, Method, NamedType, Property, Wrapper
    from codegen.problems import Problems

OPENRPC = "1.3.2"

_DEFAULTS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


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
    Extensions(extensions, problems).check(document)


def check_rules(contract: Contract, problems: Problems) -> None:
    """Check everything else."""
    rules = _Rules(contract, problems)
    rules.descriptions()
    rules.names()
    rules.wrappers()
    rules.types()
    rules.errors()
    # What follows walks references, which must resolve.
    if not any(problem.rule == "ref" for problem in problems):
        rules.whole()


class _Rules:
    def __init__(self, contract: Contract, problems: Problems) -> None:
        self._contract = contract
        self._types = contract.types
        self._problems = problems
        self._flow = Flow(contract)

    def _wrong(self, rule: str, where: str, message: str) -> None:
        self._problems.add(rule, where, message)

    # --- descriptions ---

    def descriptions(self) -> None:
        """Everything public is described in full sentences."""
        for named in self._types.values():
            if isinstance(named, StructType):
                for item in named.properties:
                    self._sentence(item.description, item.pointer)
                if named.method is not None:
                    continue
            self._described(named.description, named.pointer, f"the type {named.name}")
        for method in self._contract.methods:
            self._described(method.summary, method.pointer, f"the method {method.name} (`summary`)")
            self._sentence(method.description, method.pointer)
            for param in method.params:
                self._described(param.description, param.pointer, f"the parameter {param.wire}")
            if method.result is not None:
                self._described(method.result_description, f"{method.pointer}/result", "the result")
        for kind in self._contract.errors.values():
            self._described(kind.description, kind.pointer, f"the error {kind.name}")
            self._sentence(kind.message, kind.pointer)

    def _described(self, text: str, where: str, what: str) -> None:
        if text:
            self._sentence(text, where)
        else:
            self._wrong("description", where, f"{what} has no description")

    def _sentence(self, text: str, where: str) -> None:
        if text and not text.endswith("."):
            self._wrong("description", where, f"a description ends with a full stop, not with {text[-20:]!r}")

    # --- names ---

    def names(self) -> None:
        """Public names are well-formed, and no two things have the same one."""
        owners: dict[str, str] = {}
        for name, where in self._public():
            if not is_type_name(name):
                self._wrong("naming", where, f"`{name}` is not in PascalCase")
            if name in BUILTINS | HAND_WRITTEN | SCAFFOLD:
                self._wrong("name-taken", where, f"`{name}` is the name of something else in Python or in the package")
            elif owners.setdefault(name, where) != where:
                self._wrong("duplicate-name", where, f"`{name}` is also the name of something else")
        modules = set(self._contract.modules)
        for module in self._contract.modules:
            if not is_snake_name(module):
                self._wrong("naming", "", f"the file name `{module}.yaml` is not in snake_case")
        for named in self._types.values():
            if isinstance(named, TaggedUnion) and named.base is not None and base_module(named) in modules:
                self._wrong("name-taken", named.pointer, f"the base class needs the module `{base_module(named)}`")
        constants: dict[str, str] = {}
        for method in self._contract.methods:
            constant = constant_name(method.name)
            if not is_identifier(constant):
                self._wrong("naming", method.pointer, f"`{method.name}` gives no Python name")
            elif constants.setdefault(constant, method.name) != method.name:
                self._wrong("duplicate-name", method.pointer, f"`{constants[constant]}` also becomes {constant}")

    def _public(self) -> list[tuple[str, str]]:
        public = [(named.name, named.pointer) for named in self._types.values()]
        public += sorted(
            {
                (name, named.pointer)
                for named in self._types.values()
                if isinstance(named, TaggedUnion)
                for name in (named.base, named.unknown)
                if name is not None
            }
        )
        classes: dict[str, str] = {}
        for kind in self._contract.errors.values():
            classes.setdefault(kind.class_name, kind.pointer)
        public += classes.items()
        public += [(method.options, method.pointer) for method in self._contract.methods if method.options is not None]
        public += [
            (calls_name(module), next(m.pointer for m in self._contract.methods if m.module == module))
            for module in sorted({method.module for method in self._contract.methods})
        ]
        return public

    # --- wrappers ---

    def wrappers(self) -> None:
        """Wrappers can be written as their hints say."""
        owners: dict[str, str] = {}
        for method in self._contract.methods:
            if method.options is not None:
                self._options(method)
            wrapper = method.wrapper
            if wrapper is None:
                continue
            if wrapper.name in WRAPPER_TAKEN or wrapper.name.startswith("_"):
                self._wrong("wrapper-name", method.pointer, f"`{wrapper.name}` is taken by the client itself")
            elif not is_snake_name(wrapper.name):
                self._wrong("wrapper-name", method.pointer, f"`{wrapper.name}` is not in snake_case")
            elif owners.setdefault(wrapper.name, method.name) != method.name:
                self._wrong("duplicate-name", method.pointer, f"{owners[wrapper.name]} is `{wrapper.name}` already")
            arguments: dict[str, str] = {}
            for param in method.params:
                argument = argument_name(param.python)
                if arguments.setdefault(argument, param.wire) != param.wire:
                    self._wrong("duplicate-name", param.pointer, f"`{arguments[argument]}` is `{argument}` already")
            self._hints(method, wrapper)

    def _options(self, method: Method) -> None:
        if all(param.required for param in method.params):
            self._wrong("extension", method.pointer, "`options` needs optional parameters")
        for param in method.params:
            if not param.required and param.python != param.wire:
                self._wrong("options", param.pointer, f"an option cannot have another name than `{param.wire}`")

    def _hints(self, method: Method, wrapper: Wrapper) -> None:
        if method.params_type is None and wrapper.request is not None:
            self._wrong("extension", method.pointer, "`request` needs parameters")
        if method.params_type is not None and not method.derived and wrapper.request is None:
            self._wrong("extension", method.pointer, "a method whose parameters are a union needs `request`")
        if method.result is None:
            return
        if wrapper.unwrap is not None and result_field(self._types, method.result, wrapper.unwrap) is None:
            self._wrong("extension", method.pointer, f"the result has no field `{wrapper.unwrap}` to unwrap")
        if wrapper.none_when is not None:
            arms = absent_arms(self._types, method.result, wrapper.none_when)
            if (arms is None and result_field(self._types, method.result, wrapper.none_when) is None) or arms == []:
                self._wrong("extension", method.pointer, f"the result has no field `{wrapper.none_when}`")
            if arms and wrapper.unwrap is not None:
                self._wrong("extension", method.pointer, "a result that is a union cannot be unwrapped")

    # --- types ---

    def types(self) -> None:
        """Unions, tags, inheritance and defaults fit together."""
        tagged: set[str] = set()
        based: dict[str, str] = {}
        for named in self._types.values():
            if isinstance(named, TaggedUnion):
                tagged.update(arm for _, arm in named.arms)
                self._arms(named)
                for _, arm in named.arms if named.base is not None else ():
                    if based.setdefault(arm, named.name) != named.name:
                        self._wrong("union-base", named.pointer, f"`{arm}` has the base class of {based[arm]} already")
        if len(set(based.values())) > 1:
            self._wrong("union-base", self._types[max(based.values())].pointer, "only one union can have a base class")
        for named in self._types.values():
            if isinstance(named, StructType):
                if named.tag is not None and named.name not in tagged:
                    self._wrong("tag", named.pointer, f"`{named.tag.wire}` is a tag, but no union has this arm")
                if named.base is not None:
                    self._inherits(named, named.base, based)
                for item in named.properties:
                    self._default(item, self._flow.sent_only(named.name))

    def _arms(self, union: TaggedUnion) -> None:
        for tag, name in union.arms:
            arm = self._types.get(name)
            if arm is None:
                continue
            if not isinstance(arm, StructType):
                self._wrong("discriminator", union.pointer, f"the arm `{name}` is no struct; a tag has one level only")
            elif arm.tag is None or arm.tag.wire != union.tag:
                self._wrong("tag", arm.pointer, f"as an arm of {union.name} it needs `{union.tag}: {{const: {tag}}}`")
            elif arm.tag.value != tag:
                self._wrong("tag", arm.pointer, f"the tag is `{arm.tag.value}`, but {union.name} maps `{tag}` to it")
            elif any(item.wire == union.tag for item in arm.properties):
                self._wrong("tag", arm.pointer, f"`{union.tag}` is the tag and cannot be a field too")

    def _inherits(self, struct: StructType, base_name: str, based: Mapping[str, str]) -> None:
        base = self._types.get(base_name)
        if base is None:
            return
        if not isinstance(base, StructType):
            self._wrong("inheritance", struct.pointer, f"the base `{base_name}` is no struct")
            return
        if base.tag is not None and (struct.tag is None or struct.tag.wire != base.tag.wire):
            message = f"the base `{base_name}` is an arm of a union, so its tag would be inherited"
            self._wrong("inheritance", struct.pointer, message)
        if struct.name in based:
            self._wrong("inheritance", struct.pointer, f"it has the base class of {based[struct.name]} already")
        inherited = {item.python for item in base.properties}
        for item in struct.properties:
            if item.python in inherited:
                self._wrong("inheritance", item.pointer, f"`{item.wire}` is declared by the base `{base_name}` already")

    def _default(self, item: Property, sent: bool) -> None:
        if item.default is UNSET:
            return
        if item.required:
            if item.default != item.constant:
                self._wrong("default", item.pointer, "what is required has no default, unless it has one value only")
            return
        if not self._fits(item.default, item.type):
            self._wrong("default", item.pointer, f"the default {item.default!r} does not fit the type")
        elif not sent and (is_array(item.default) or is_object(item.default)) and item.default:
            self._wrong("default", item.pointer, "a default of something received is a scalar, `[]` or `{}`")

    def _fits(self, value: Any, type_: Type) -> bool:
        match type_:
            case AnyJson():
                return True
            case Scalar(kind=kind):
                return isinstance(value, _DEFAULTS[kind]) and (kind == "boolean" or not isinstance(value, bool))
            case Choice(values=values):
                return value in values
            case ListOf(item=inner):
                return is_array(value) and all(self._fits(item, inner) for item in value)
            case MapOf():
                return is_object(value)
            case Nullable(inner=inner):
                return value is None or self._fits(value, inner)
            case Ref(name=name):
                named = self._types.get(name)
                return named is None or self._fits_named(value, named)

    def _fits_named(self, value: Any, named: NamedType) -> bool:
        match named:
            case EnumType(values=values):
                return value in dict(values)
            case StructType() | TaggedUnion():
                return is_object(value) and self._flow.sent_only(named.name)
            case _:
                members = getattr(named, "members", None) or (getattr(named, "type", None),)
                return any(member is not None and self._fits(value, member) for member in members)

    # --- errors ---

    def errors(self) -> None:
        """A code means one class, generally and on each method."""
        classes: dict[str, list[str]] = defaultdict(list)
        defaults: dict[int, str] = {}
        for kind in self._contract.errors.values():
            classes[kind.class_name].append(kind.name)
            if not kind.class_name.endswith("Error"):
                self._wrong("naming", kind.pointer, f"the class name `{kind.class_name}` does not end with `Error`")
            if len(classes[kind.class_name]) > 1:
                other = classes[kind.class_name][0]
                self._wrong("duplicate-name", kind.pointer, f"`{kind.class_name}` is the class of {other} already")
            if kind.base is None and defaults.setdefault(kind.code, kind.name) != kind.name:
                message = f"{defaults[kind.code]} has the code {kind.code} too; all but one of them need a `base`"
                self._wrong("error-code", kind.pointer, message)
        bases = {kind.class_name: kind.base for kind in self._contract.errors.values()}
        for kind in self._contract.errors.values():
            if kind.base is not None and kind.base not in classes:
                self._wrong("error-base", kind.pointer, f"no error has the class `{kind.base}`")
            seen, current = {kind.class_name}, kind.base
            while current is not None and current not in seen:
                seen.add(current)
                current = bases.get(current)
            if current is not None:
                self._wrong("error-base", kind.pointer, f"`{kind.class_name}` derives from itself")
        for method in self._contract.methods:
            by_code: dict[int, str] = {}
            for name in method.errors:
                code = self._contract.errors[name].code
                if by_code.setdefault(code, name) != name:
                    self._wrong("error-code", method.pointer, f"{by_code[code]} and {name} both have the code {code}")

    # --- the whole ---

    def whole(self) -> None:
        """Everything is reached, closed only where it is sent, and can be split into modules."""
        for named in self._types.values():
            direction = self._flow.direction(named.name)
            if direction is Direction.NONE:
                self._wrong("unreachable", named.pointer, f"no method and no error needs the type {named.name}")
            if isinstance(named, StructType) and named.closed and Direction.RECEIVED in direction:
                self._wrong("closed", named.pointer, f"{named.name} is received, so it must accept unknown fields")
        cycle = self._flow.module_cycle()
        if cycle is not None:
            graph = self._flow.module_graph()
            needs = [f"{here}.yaml needs {there}.yaml for {graph[here][there]}" for here, there in pairwise(cycle)]
            where = self._types[graph[cycle[0]][cycle[1]]].pointer
            self._wrong("file-cycle", where, f"files need each other in a circle: {', '.join(needs)}")
        statements = self._flow.statement_cycle()
        if statements is not None:
            message = f"these types are each made of the next: {' -> '.join(statements)}; one must be a struct"
            self._wrong("type-cycle", self._types[statements[0]].pointer, message)
