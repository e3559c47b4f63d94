"""IR -> source of the type modules: structs by datamodel-code-generator, everything else by our own templates."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datamodel_code_generator as dmcg
from datamodel_code_generator.enums import DataModelType
from msgspec import UNSET

from codegen.annotate import PACKAGE, Annotator, Imports, bounds, types_module
from codegen.docs import docstring, listed, runtime_default, sentences
from codegen.flow import has_choice
from codegen.ir import (
    MASKED,
    Alias,
    AnyJson,
    Choice,
    Direction,
    EnumType,
    ListOf,
    MapOf,
    NamedType,
    Nullable,
    Ref,
    Scalar,
    StructType,
    TaggedUnion,
    Type,
    UntaggedUnion,
)  # fmt: skip
from codegen.names import module_of
from codegen.reads import Reads, fields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.flow import Flow
    from codegen.ir import Contract, Property
    from codegen.templates import Templates

_STRUCT_TEMPLATES = Path(__file__).parent / "templates" / "structs"
_CORE = "meerkat._core.model"


class GeneratorError(Exception):
    """A tool did something else than what was asked of it."""


def base_module(union: TaggedUnion) -> str:
    """Return the name of the module with the common base class of a union's arms."""
    return f"{module_of(union.base or '').removesuffix('_base')}_base"


class TypeModules:
    """Renders the modules of ``_generated/types``.

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
        self._reads = Reads(self._types, flow)

    def render(self) -> dict[str, str]:
        """Return the unformatted modules by file name."""
        modules: dict[str, list[NamedType]] = {}
        for named in self._types.values():
            modules.setdefault(named.module, []).append(named)
        files = {f"types/{module}.py": self._module(module, named) for module, named in sorted(modules.items())}
        for union in self._types.values():
            if isinstance(union, TaggedUnion) and union.base is not None:
                files[f"types/{base_module(union)}.py"] = self._arm_base(union)
        return files

    def _arm_base(self, union: TaggedUnion) -> str:
        imports = Imports(f"{PACKAGE}.types.{base_module(union)}")
        reads = self._reads.of_union(union, imports)
        return self._templates.render("arm_base.py", union=_base_of(union), reads=reads, typed=imports.lines())

    def _module(self, module: str, named: list[NamedType]) -> str:
        imports = Imports(f"{PACKAGE}.types.{module}")
        annotator = Annotator(self._types, self._flow, imports)
        structs = [item for item in named if isinstance(item, StructType)]
        body = self._structs(module, structs, imports) if structs else ""
        enums = [self._enum(item) for item in named if isinstance(item, EnumType) and not self._closed(item)]
        if enums:
            imports.use(_CORE, "OpenStrEnum")
        statements: list[dict[str, Any]] = []
        for name in self._flow.in_order(item.name for item in named if not isinstance(item, StructType)):
            item = self._types[name]
            if not (isinstance(item, EnumType) and not self._closed(item)):
                statements.append(self._statement(item, annotator, imports))
        return self._templates.render(
            "types.py", module=module, imports=imports.lines(), enums=enums, structs=body, statements=statements
        )

    def _closed(self, enum: EnumType) -> bool:
        return self._flow.sent_only(enum.name)

    def _enum(self, enum: EnumType) -> dict[str, Any]:
        return {
            "name": enum.name,
            "doc": docstring(_described(enum), 4),
            "members": [{"name": member, "value": json.dumps(value)} for value, member in enum.values],
        }

    # --- aliases and unions ---

    def _statement(self, named: NamedType, annotator: Annotator, imports: Imports) -> dict[str, Any]:
        closed = self._flow.sent_only(named.name)
        imports.use("typing", "TypeAlias")
        statement: dict[str, Any] = {"name": named.name, "doc": docstring(_described(named), 0), "runtime": None}
        match named:
            case EnumType(values=values):
                statement["typed"] = annotator.literal(tuple(value for value, _ in values))
            case Alias(type=type_):
                limited = annotator.limited(type_) if closed else None
                statement["typed"] = limited or annotator.exact(type_, sent_only=closed)
            case TaggedUnion(arms=arms, unknown=unknown):
                statement["typed"] = plain = " | ".join(annotator.name(arm) for _, arm in arms)
                if not closed:
                    statement["typed"] = f"{plain} | {self._unknown(named, unknown, imports)}"
                    statement["runtime"] = plain
            case UntaggedUnion(members=members):
                parts = [annotator.exact(member, sent_only=closed) for member in members]
                statement["typed"] = " | ".join(dict.fromkeys(parts))
                if not self._told_apart(members):
                    imports.use(_CORE, "untagged")
                    statement["runtime"] = f"untagged({json.dumps(named.name)}, lambda: ({', '.join(parts)}))"
            case StructType():
                raise GeneratorError(f"{named.name} is a struct")
        if statement["runtime"] is not None:
            imports.use("typing", "TYPE_CHECKING")
            statement["doc"] = docstring(_described(named), 4)
        return statement

    def _unknown(self, union: TaggedUnion, unknown: str | None, imports: Imports) -> str:
        if unknown is None:
            imports.use(_CORE, "Unknown")
            return "Unknown"
        imports.use(f"{PACKAGE}.types.{base_module(union)}", unknown)
        return unknown

    def _told_apart(self, members: Iterable[Type]) -> bool:
        kinds = [kind for member in members for kind in self._kinds(member)]
        return "any" not in kinds and len(kinds) == len(set(kinds))

    def _kinds(self, type_: Type) -> list[str]:
        match type_:
            case Scalar(kind=kind):
                return ["number" if kind == "integer" else kind]
            case Choice():
                return ["string"]
            case ListOf():
                return ["array"]
            case MapOf():
                return ["object"]
            case Nullable(inner=inner):
                return [*self._kinds(inner), "null"]
            case AnyJson():
                return ["any"]
            case Ref(name=name):
                return self._kinds_of(self._types[name])

    def _kinds_of(self, named: NamedType) -> list[str]:
        match named:
            case EnumType():
                return ["string"]
            case StructType() | TaggedUnion():
                return ["object"]
            case Alias(type=type_):
                return self._kinds(type_)
            case UntaggedUnion(members=members):
                # An opaque member of an opaque union cannot be told from anything.
                kinds = [kind for member in members for kind in self._kinds(member)]
                return kinds if self._told_apart(members) else ["any"]

    # --- structs ---

    def _structs(self, module: str, structs: list[StructType], imports: Imports) -> str:
        """Return the class statements of a module and add what they import."""
        imports.use("msgspec", "UNSET", "UnsetType", "field")
        imports.use("typing", "Literal")
        imports.use(_CORE, "Arm", "Model", "Params", "Tagged")
        document = {
            "openapi": "3.1.0",
            "info": {"title": module, "version": self._contract.version},
            "paths": {},
            "components": {"schemas": {struct.name: self._schema(struct) for struct in structs}},
        }
        shapes: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for struct in structs:
            shapes[struct.name]["shape"] = self._shape(struct, imports)
        source = dmcg.generate(
            json.dumps(document),
            input_file_type=dmcg.InputFileType.OpenAPI,
            output_model_type=DataModelType.MsgspecStruct,
            target_python_version=dmcg.PythonVersion.PY_311,
            base_class=f"{_CORE}.Model",
            custom_template_dir=_STRUCT_TEMPLATES,
            extra_template_data=shapes,
            keyword_only=True,
            disable_timestamp=True,
            use_union_operator=True,
            use_standard_collections=True,
            use_annotated=True,
            enum_field_as_literal=dmcg.LiteralType.All,
            formatters=[],
        )
        if not isinstance(source, str):
            raise GeneratorError(f"datamodel-code-generator returned no text for {module}")
        return _body(source, structs, f"{PACKAGE}.types.{module}", imports)

    def _schema(self, struct: StructType) -> dict[str, Any]:
        # Presence, wire names and tags are written by our template, so every field is plain and required here.
        closed = self._flow.sent_only(struct.name)
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {
                item.python: {**self._field(item.type, struct.module, closed), **(_limits(item.type) if closed else {})}
                for item in struct.properties
            },
            "required": [item.python for item in struct.properties],
            "additionalProperties": False,
        }
        base = self._types[struct.base] if struct.base is not None else None
        if base is not None:
            schema["allOf"] = [self._field(Ref(name=base.name), struct.module, closed)]
        return schema

    def _field(self, type_: Type, module: str, closed: bool) -> dict[str, Any]:
        match type_:
            case AnyJson():
                return {}
            case Scalar(kind=kind):
                return {"type": kind}
            case Choice(values=values):
                return {"type": "string", "enum": list(values)} if closed else {"type": "string"}
            case ListOf(item=item):
                return {"type": "array", "items": self._field(item, module, closed)}
            case MapOf(value=value):
                return {"type": "object", "additionalProperties": self._field(value, module, closed)}
            case Nullable(inner=Scalar(kind=kind)):
                return {"type": [kind, "null"]}
            case Nullable(inner=inner):
                return {"anyOf": [self._field(inner, module, closed), {"type": "null"}]}
            case Ref(name=name):
                named = self._types[name]
                if isinstance(named, StructType) and named.module == module:
                    return {"$ref": f"#/components/schemas/{name}"}
                return {"customTypePath": f"{types_module(named)}.{name}"}

    def _shape(self, struct: StructType, imports: Imports) -> dict[str, Any]:
        closed = self._flow.sent_only(struct.name)
        base = self._base(struct, imports)
        secrets = [json.dumps(name) for name in self._secrets(struct)]
        if secrets:
            imports.use(_CORE, "hiding")
        return {
            "base": base,
            "metaclass": "Tagged" if struct.tag and base in {"Params", struct.base} else "",
            "secrets": ", ".join(secrets),
            "tag": struct.tag
            and {
                "wire": json.dumps(struct.tag.wire),
                "python": struct.tag.python,
                "value": json.dumps(struct.tag.value, ensure_ascii=False),
            },
            "doc": docstring(_described(struct), 4),
            "limits": self._limits(struct, imports),
            "reads": self._reads.of_struct(struct, imports),
            "fields": {
                item.python: {
                    "presence": self._presence(item, closed, imports),
                    "doc": _field_doc(item, closed),
                    "overrides": item.python in self._reads.overriding(struct),
                }
                for item in struct.properties
            },
        }

    def _limits(self, struct: StructType, imports: Imports) -> list[dict[str, str]]:
        """Return the limits that hold for what is sent and that the fields do not have: decoding would refuse others.

        What is only sent has them in its fields, but not further inside: there they would need a name of their own.
        """
        if self._flow.direction(struct.name) is Direction.RECEIVED:
            return []
        items = list(fields(self._types, struct).values())
        annotator = Annotator(self._types, self._flow, imports, frozenset(item.python for item in items))
        if self._flow.sent_only(struct.name):
            items = [item for item in items if _limited_inside(item.type)]
        typed = [(item.wire, annotator.limited(item.type)) for item in items]
        limits = [{"wire": json.dumps(wire), "type": type_} for wire, type_ in typed if type_ is not None]
        if limits:
            imports.use("collections.abc", "Mapping")
            imports.use("typing", "Any", "ClassVar")
        return limits

    def _secrets(self, struct: StructType) -> list[str]:
        """Return the names of the fields that must not be seen in logs, inherited ones included."""
        own = [item.python for item in struct.properties if item.description.startswith(MASKED)]
        base = self._types[struct.base] if struct.base is not None else None
        return [*(self._secrets(base) if isinstance(base, StructType) else []), *own]

    def _base(self, struct: StructType, imports: Imports) -> str:
        union = self._flow.based_on(struct.name)
        if union is not None and union.base is not None:
            imports.use(f"{PACKAGE}.types.{base_module(union)}", union.base)
            return union.base
        if struct.base is not None:
            imports.use(types_module(self._types[struct.base]), struct.base)
            return struct.base
        return "Params" if struct.closed else "Arm" if struct.tag else "Model"

    def _presence(self, item: Property, closed: bool, imports: Imports) -> str:
        """Return what follows the plain type of a field."""
        default, optional = "", ""
        if not item.required:
            if closed:
                default, optional = "UNSET", " | UnsetType"
            elif item.default is UNSET or item.default is None:
                default, optional = "None", "" if isinstance(item.type, Nullable | AnyJson) else " | None"
            else:
                default = self._default(item, imports)
        if item.wire == item.python:
            return f"{optional} = {default}" if default else ""
        name = f"name={json.dumps(item.wire, ensure_ascii=False)}"
        return f"{optional} = field(default={default}, {name})" if default else f" = field({name})"

    def _default(self, item: Property, imports: Imports) -> str:
        type_ = item.type.inner if isinstance(item.type, Nullable) else item.type
        if isinstance(type_, Ref):
            enum = self._types[type_.name]
            if isinstance(enum, EnumType):
                imports.use(types_module(enum), enum.name)
                return f"{enum.name}.{dict(enum.values)[item.default]}"
        return repr(item.default)


def _body(source: str, structs: list[StructType], module: str, imports: Imports) -> str:
    """Separate the classes from the imports, and make sure that every class and field has the name we gave it."""
    tree = ast.parse(source)
    first = 0
    found: dict[str, list[str]] = {}
    for node in tree.body:
        match node:
            case ast.ImportFrom(module=origin, names=names) if origin is not None:
                for alias in names:
                    used = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
                    if origin not in {"__future__", module}:
                        imports.use(origin, used)
            case ast.ClassDef(name=name, body=body):
                first = first or node.lineno
                found[name] = [
                    field.target.id
                    for field in body
                    if isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and not field.target.id.startswith("_")
                ]
            case _:
                raise GeneratorError(f"datamodel-code-generator wrote an unexpected statement: {ast.unparse(node)}")
    expected = {
        struct.name: [*([struct.tag.python] if struct.tag else []), *(item.python for item in struct.properties)]
        for struct in structs
    }
    if found != expected:
        odd = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise GeneratorError(f"datamodel-code-generator renamed something in {module}: {', '.join(odd)}")
    return "\n".join(source.splitlines()[first - 1 :])


def _limits(type_: Type) -> dict[str, float]:
    """Return the limits of a field itself, in JSON Schema."""
    plain = type_.inner if isinstance(type_, Nullable) else type_
    counted = "Items" if isinstance(plain, ListOf) else "Length"
    names = {"ge": "minimum", "le": "maximum", "min_length": f"min{counted}", "max_length": f"max{counted}"}
    return {names[name]: limit for name, limit in bounds(plain).items()}


def _limited_inside(type_: Type) -> bool:
    """Whether there are limits inside of a list or a map."""
    match type_:
        case ListOf(item=inner) | MapOf(value=inner):
            return bool(bounds(inner)) or _limited_inside(inner)
        case Nullable(inner=inner):
            return _limited_inside(inner)
        case _:
            return False


def _described(named: NamedType) -> str:
    exactly_one = isinstance(named, StructType) and named.exactly_one
    return sentences(
        named.description,
        "Exactly one of the fields is present." if exactly_one else "",
        "Deprecated." if named.deprecated else "",
    )


def _field_doc(item: Property, closed: bool) -> str:
    choice = has_choice(item.type) and not closed
    text = sentences(
        item.description,
        f"Known values: {listed(_choices(item.type))}." if choice else "",
        runtime_default(item.default) if closed and item.constant is None else "",
        "Deprecated." if item.deprecated else "",
    )
    return docstring(text, 4) if text else ""


def _choices(type_: Type) -> tuple[str, ...]:
    match type_:
        case Choice(values=values):
            return values
        case ListOf(item=inner) | MapOf(value=inner) | Nullable(inner=inner):
            return _choices(inner)
        case _:
            return ()


def _base_of(union: TaggedUnion) -> dict[str, Any]:
    return {
        "name": union.base,
        "unknown": union.unknown or "Unknown",
        "own_unknown": union.unknown is not None,
        "tag": union.tag,
        "union": union.name,
        "raw_tag": union.raw_tag,
        "raw": union.raw,
    }
