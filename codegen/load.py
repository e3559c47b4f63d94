"""The bundled OpenRPC document -> IR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.forms import Forms
from codegen.ir import Contract, ErrorKind, Method, NamedType, Property, Ref, StructType, Type, Wrapper
from codegen.names import is_identifier
from codegen.problems import pointer
from codegen.raw import is_array, is_object, items, strings, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.forms import Path
    from codegen.problems import Problems

_METHOD_KEYS = frozenset({
    "name", "summary", "description", "deprecated", "params", "paramStructure", "result", "errors", "examples",
    "x-module", "x-params-type", "x-direction", "x-cancellable", "x-long-running", "x-mutates", "x-requires",
    "x-null-id-errors", "x-route-by", "x-python",
})  # fmt: skip
_DESCRIPTOR_KEYS = frozenset({
    "name", "summary", "description", "required", "deprecated", "schema", "x-python", "x-not-secret",
})  # fmt: skip
_WRAPPER_KEYS = frozenset({
    "name", "positional", "unwrap", "returns", "none_when", "request", "options", "wrapper",
})  # fmt: skip
_ERROR_KEYS = frozenset({"description", "x-module", "x-python", "x-data"})


def load(document: Mapping[str, Any], sha256: str, problems: Problems) -> Contract:
    """Read the bundled document; what is wrong goes to ``problems``, and then the result is not to be used."""
    components: dict[str, Any] = document["components"]
    schemas: dict[str, Any] = components["schemas"]
    forms = Forms(schemas, problems)
    types: dict[str, NamedType] = {
        name: forms.named(name, schema, ("components", "schemas", name)) for name, schema in schemas.items()
    }
    errors = {
        name: _error(name, error, components["x-errors"][name], forms) for name, error in components["errors"].items()
    }
    methods: list[Method] = []
    for index, value in enumerate(document["methods"]):
        method = _method(value, ("methods", index), forms, frozenset(errors))
        if methods and methods[-1].name == method.name:
            forms.wrong("duplicate-name", ("methods", index), f"the method `{method.name}` is declared twice")
        methods.append(method)
        if method.derived and method.params_type is not None:
            if method.params_type in types:
                forms.wrong(
                    "duplicate-name",
                    ("methods", index, "x-params-type"),
                    f"`{method.params_type}` is also the name of another type",
                )
            types.setdefault(method.params_type, _derived(method))
    info: Any = document.get("info", {})
    modules = {t.module for t in types.values()} | {m.module for m in methods} | {e.module for e in errors.values()}
    return Contract(
        version=str(info.get("version", "")) if is_object(info) else "",
        sha256=sha256,
        types=dict(sorted(types.items())),
        methods=tuple(methods),
        errors=dict(sorted(errors.items())),
        modules=tuple(sorted(modules)),
    )


def _derived(method: Method) -> StructType:
    return StructType(
        name=method.params_type or "",
        module=method.module,
        pointer=method.pointer,
        description=f"Parameters of ``{method.name}``.",
        properties=method.params,
        closed=not method.from_server,
        method=method.name,
    )


def _method(value: dict[str, Any], path: Path, forms: Forms, errors: frozenset[str]) -> Method:
    forms.known(value, _METHOD_KEYS, path, "a method")
    params = _params(value, path, forms)
    params_type, derived = _params_type(value, path, forms, params)
    direction = value.get("x-direction", "client-to-server")
    if direction not in ("client-to-server", "server-to-client"):
        forms.wrong("direction", (*path, "x-direction"), "a direction is `client-to-server` or `server-to-client`")
    result: Type | None = None
    described: dict[str, Any] = value["result"] if is_object(value.get("result")) else {}
    if "result" in value:
        forms.known(described, _DESCRIPTOR_KEYS, (*path, "result"), "a result")
        result = forms.type(described.get("schema"), (*path, "result", "schema"))
        if "x-mutates" not in value and direction == "client-to-server":
            forms.wrong("mutates", path, "a request needs `x-mutates: true` or `false`")
    python: dict[str, Any] = value["x-python"] if is_object(value.get("x-python")) else {}
    options = text(python.get("options"))
    return Method(
        name=value["name"],
        module=value["x-module"],
        pointer=pointer(*path),
        summary=str(value.get("summary", "")).strip(),
        description=str(value.get("description", "")).strip(),
        deprecated=value.get("deprecated") is True,
        params=params,
        params_type=params_type,
        derived=derived,
        result=result,
        result_description=str(described.get("description", "")).strip(),
        notification="result" not in value,
        from_server=direction == "server-to-client",
        errors=_error_names(value, path, forms, errors),
        cancellable=value.get("x-cancellable") is True,
        long_running=value.get("x-long-running") is True,
        mutates=value.get("x-mutates") is True,
        null_id_errors=value.get("x-null-id-errors") is True,
        requires=text(value.get("x-requires")),
        route_by=_route_by(value, path, forms, params),
        wrapper=_wrapper(value, path, forms, params),
        options=options,
    )


def _params(value: Mapping[str, Any], path: Path, forms: Forms) -> tuple[Property, ...]:
    listed: Any = value.get("params")
    if not is_array(listed):
        forms.wrong("structure", path, "a method needs `params`, `[]` for none")
        return ()
    params: list[Property] = []
    for index, descriptor in enumerate(items(listed)):
        where = (*path, "params", index)
        if not is_object(descriptor):
            forms.wrong("structure", where, "a parameter is an object with `name` and `schema`")
            continue
        forms.known(descriptor, _DESCRIPTOR_KEYS, where, "a parameter")
        param = forms.param(descriptor, where)
        if param.required and params and not params[-1].required:
            forms.wrong("params-order", where, "required parameters come before optional ones")
        for other in params:
            if param.wire == other.wire or param.python == other.python:
                forms.wrong("duplicate-name", where, f"there is another parameter `{param.wire}`")
        params.append(param)
    return tuple(params)


def _params_type(
    value: Mapping[str, Any], path: Path, forms: Forms, params: tuple[Property, ...]
) -> tuple[str | None, bool]:
    declared: Any = value.get("x-params-type")
    where = (*path, "x-params-type")
    if declared is None:
        if params:
            forms.wrong("params-type", path, "a method with parameters needs `x-params-type`")
        return None, True
    if isinstance(declared, str):
        if not params:
            forms.wrong("params-type", where, "without parameters there is no struct to derive; leave it out")
        return declared, True
    if params:
        forms.wrong("params-type", where, "where the parameters are listed, it is the name of the struct, no `$ref`")
    if not is_object(declared) or set(declared) != {"$ref"}:
        forms.wrong("params-type", where, "it is a name, or a `$ref` where the parameters are a union")
        return None, True
    return forms.ref(declared["$ref"], (*where, "$ref")).name, False


def _route_by(value: Mapping[str, Any], path: Path, forms: Forms, params: tuple[Property, ...]) -> str | None:
    route: str | None = value.get("x-route-by")
    if route is not None and route not in [param.wire for param in params]:
        forms.wrong("route", (*path, "x-route-by"), f"there is no parameter `{route}`")
    return route


def _error_names(value: Mapping[str, Any], path: Path, forms: Forms, errors: frozenset[str]) -> tuple[str, ...]:
    prefix = "#/components/errors/"
    names: list[str] = []
    listed: Any = value.get("errors", [])
    for index, error in enumerate(items(listed)):
        where = (*path, "errors", index)
        target: Any = error.get("$ref") if is_object(error) else None
        if not isinstance(target, str) or not target.startswith(prefix) or set(error) != {"$ref"}:
            forms.wrong("ref", where, f"an error is a reference of the form `{prefix}Name`")
            continue
        name = target.removeprefix(prefix)
        if name not in errors:
            forms.wrong("ref", where, f"there is no error `{name}`")
        elif name in names:
            forms.wrong("duplicate-name", where, f"the error `{name}` is listed twice")
        else:
            names.append(name)
    return tuple(names)


def _wrapper(value: Mapping[str, Any], path: Path, forms: Forms, params: tuple[Property, ...]) -> Wrapper | None:
    hints: Any = value.get("x-python", {})
    where = (*path, "x-python")
    if not is_object(hints):
        forms.wrong("extension", where, "`x-python` is an object")
        return None
    forms.known(hints, _WRAPPER_KEYS, where, "the `x-python` of a method")
    outgoing = "result" in value and value.get("x-direction") != "server-to-client"
    if hints.get("wrapper") is False:
        for key in set(hints) & (_WRAPPER_KEYS - {"wrapper", "options"}):
            forms.wrong("wrapper-hint", (*where, key), f"`{key}` says nothing where there is no wrapper")
        return None
    if not outgoing:
        forms.wrong(
            "wrapper-hint", path, "only requests of the client have wrappers; write `x-python: {wrapper: false}`"
        )
        return None
    name: Any = hints.get("name")
    if not isinstance(name, str) or not is_identifier(name):
        forms.wrong("wrapper-name", where, "a method needs `x-python: {name: ...}`, a Python name, or `wrapper: false`")
        return None
    positional = strings(hints.get("positional", []))
    optional = [param.python for param in params if not param.required]
    for param in positional:
        if param not in optional:
            forms.wrong("wrapper-hint", (*where, "positional"), f"there is no optional parameter `{param}`")
    if hints.get("returns", "none") != "none":
        forms.wrong("wrapper-hint", (*where, "returns"), "`returns` can only be `none`")
    return Wrapper(
        name=name,
        positional=tuple(positional),
        unwrap=text(hints.get("unwrap")),
        returns_none=hints.get("returns") == "none",
        none_when=text(hints.get("none_when")),
        request=text(hints.get("request")),
    )


def _error(name: str, value: Mapping[str, Any], extras: Mapping[str, Any], forms: Forms) -> ErrorKind:
    path: Path = ("components", "x-errors", name)
    forms.known(extras, _ERROR_KEYS, path, "an error")
    python: dict[str, Any] = extras["x-python"] if is_object(extras.get("x-python")) else {}
    forms.known(python, frozenset({"class", "base", "attributes"}), (*path, "x-python"), "the `x-python` of an error")
    class_name: Any = python.get("class")
    if not isinstance(class_name, str):
        forms.wrong("error-class", path, "an error needs `x-python: {class: ...}`")
        class_name = name
    code, message = value.get("code"), value.get("message")
    if not isinstance(code, int) or isinstance(code, bool):
        forms.wrong("error-code", path, "an error needs an integer `code`")
        code = 0
    if not isinstance(message, str) or not message.strip():
        forms.wrong("error-code", path, "an error needs a `message`")
        message = ""
    attributes: dict[str, Any] = python["attributes"] if is_object(python.get("attributes")) else {}
    references: list[tuple[str, str]] = []
    for attribute, type_name in attributes.items():
        reference = forms.ref(f"#/components/schemas/{type_name}", (*path, "x-python", "attributes", attribute))
        references.append((attribute, reference.name))
    data: Any = extras.get("x-data")
    data_name: str | None = None
    if data is not None:
        target = forms.type(data, (*path, "x-data"))
        if isinstance(target, Ref):
            data_name = target.name
        else:
            forms.wrong("error-data", (*path, "x-data"), "`x-data` is a `$ref`")
    return ErrorKind(
        name=name,
        module=extras["x-module"],
        pointer=pointer(*path),
        code=code,
        message=message.strip(),
        description=str(extras.get("description", "")).strip() or message.strip(),
        class_name=class_name,
        base=text(python.get("base")),
        attributes=tuple(references),
        data=data_name,
    )
