"""Secrets in values of the contract are in no repr, in no refusal of an argument and in no error of the runtime."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

import meerkat
from meerkat import InvalidArgumentError, MeerkatError, Unknown
from meerkat._core.call import Call
from meerkat._core.codec import encode, is_object
from meerkat._core.flow import Line
from meerkat._core.framing import BadLine, ErrorBody, Frame
from meerkat._core.protocol import Notifications, Request
from meerkat._core.secrets import HIDDEN, holds_secrets, is_suspicious, of_environment
from meerkat._generated import contract
from meerkat._link import error_of, result_of
from tests.contract.document import document, refs
from tests.security.planted import MARK, Planted, found_in, places, planted, shown, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.requirement("T12")

SENT: Final = {
    name: values
    for name, method in document().requests.items()
    if method.params_type is not None and (values := list(planted(method.params_type)))
}
"""For each request values of its parameters with secrets in them."""

RECEIVED: Final = {
    name: values
    for name, method in document().requests.items()
    if (values := [value for type_ in refs(method.result) for value in planted(type_)])
}
"""The same for results; a value is one of a type that the result refers to, mostly the result itself."""

each_type = pytest.mark.parametrize("name", sorted(places()))
each_sent = pytest.mark.parametrize("name", sorted(SENT))


def test_a_secret_is_planted_in_every_secret_field() -> None:
    all_places = {f"{name}.{wire}" for name, wires in places().items() for wire in wires}
    reached = {place for values in (*SENT.values(), *RECEIVED.values()) for v in values for place in v.secrets}
    assert reached == all_places
    assert len(reached) > 30


@each_type
def test_a_value_does_not_show_them(name: str) -> None:
    for made in planted(name):
        for secret in made.secrets.values():
            assert secret in encode(made.value).decode()
        for value in (made.value, [made.value], {"x": made.value}):
            assert found_in(shown(value), made.secrets) == {}
        assert HIDDEN in repr(made.value)


@each_type
def test_nor_does_one_of_a_newer_runtime(name: str) -> None:
    for made in planted(name):
        assert found_in(shown(Unknown("AUnion", "new", made.plain)), made.secrets) == {}
        listed = Unknown("AUnion", "new", {"inner": [made.plain], "count_of_tokens": 3, "text": "seen"})
        assert found_in(shown(listed), made.secrets) == {}
        assert "'count_of_tokens': 3" in repr(listed)
        assert "seen" in repr(listed)
        assert listed.data["inner"] == [made.plain]


def refused(check: Callable[[], object], made: Planted) -> int:
    """Run a check that may refuse something; whatever it says must not have a secret. Returns whether it refused."""
    failure: MeerkatError | None = None
    try:
        check()
    except MeerkatError as error:
        failure = error
    assert failure is None or found_in(told(failure), made.secrets) == {}
    return failure is not None


class Opaque:
    """Something that JSON cannot hold, with a secret in it."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return f"Opaque({self.secret})"


def spoilt(plain: dict[str, Any], secrets: list[str]) -> Iterator[dict[str, Any]]:
    """Versions of an object that are wrong in one place; the secrets stay in it or turn up where they do not belong."""
    yield {**plain, "zz_unknown": 1}
    for key, value in plain.items():
        yield {name: other for name, other in plain.items() if name != key}
        for wrong in (5, [value], {"x": value}, None, f"{secrets[0]}\ud800", float("nan"), *secrets):
            yield {**plain, key: wrong}
        if is_object(value):
            for inner in spoilt(value, secrets):
                yield {**plain, key: inner}


@each_sent
def test_a_refused_argument_is_not_quoted(name: str) -> None:
    method = contract.method(name)
    count = 0
    for made in SENT[name]:
        secrets = list(made.secrets.values())
        for wrong in spoilt(made.plain, secrets):
            count += refused(partial(method.encode_params, wrong), made)
        for key in made.plain:
            for value in (Opaque(secrets[0]), {Opaque(secrets[0]): secrets[0]}, secrets[0].encode(), {secrets[0]}):
                count += refused(partial(method.encode_params, {**made.plain, key: value}), made)
    assert count > 5


@pytest.mark.parametrize("name", sorted(RECEIVED))
def test_a_result_that_does_not_fit_is_not_quoted(name: str) -> None:
    method = contract.method(name)
    count = 0
    for made in RECEIVED[name]:
        for wrong in spoilt(made.plain, list(made.secrets.values())):
            call = Call(b"", 1, method=name)
            # Lone surrogates and NaN cannot come over the wire.
            call.settle(msgspec.Raw(encode(msgspec.json.decode(msgspec.json.encode(_wired(wrong))))), None)
            count += refused(partial(result_of, call, method), made)
            assert found_in(shown(call), made.secrets) == {}
    assert count > 5


def _wired(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if is_object(value):
        return {key: _wired(item) for key, item in value.items()}
    return value


@each_sent
@pytest.mark.parametrize("code", [-32602, -32603, -32001, -1])
def test_an_error_of_the_runtime_that_repeats_them(name: str, code: int) -> None:
    for made in SENT[name]:
        sent = encode(made.value)
        (any_secret, *_) = made.secrets.values()
        call = Call(b"", 1, method=name)
        message = f'invalid type: string "{any_secret}" in {sent.decode()}, expected a map'
        data = encode({"echo": made.plain, "text": sent.decode(), "reason": any_secret})
        call.settle(msgspec.Raw(b""), ErrorBody(code, message, msgspec.Raw(data)))
        for method in (contract.method(name), None):
            error = error_of(call, method, sent)
            assert found_in(told(error), made.secrets) == {}
            assert str(error).startswith(f'{name}: invalid type: string "{HIDDEN}"')
            assert "expected a map" in str(error)


def test_what_moves_bytes_has_no_text_of_them() -> None:
    (made,) = planted("CreateProfileParams")
    encoded = msgspec.Raw(encode(made.value))
    inner: list[Any] = [
        Frame(id=1, method="m", params=encoded, result=encoded, error=ErrorBody(1, "no", encoded)),
        Request("m", encoded, 1),
        Notifications("m", encoded),
        BadLine("not a JSON-RPC message", ""),
        Line(encode(made.value), 1),
        Call(encode(made.value), 1, method="m"),
    ]
    for value in inner:
        assert found_in(shown(value), made.secrets) == {}


ARGUMENTS: Final = {
    "MeerkatClient.args": "planted in test_in_use",
    "MeerkatClient.env": "planted in test_in_use",
}
"""Arguments beside those of the contract that can hold secrets."""


def contract_names() -> set[str]:
    """Wire and Python names of all fields that are masked, or that the contract says are no secret."""
    names: set[str] = set()
    schemas: dict[str, Any] = document().raw["components"]["schemas"]
    fields = [item for schema in schemas.values() for item in schema.get("properties", {}).items()]
    fields += [(param["name"], param) for method in document().raw["methods"] for param in method["params"]]
    for name, notes in fields:
        if is_object(notes) and (notes.get("description", "").startswith(MARK) or "x-not-secret" in notes):
            names |= {name, notes.get("x-python", {}).get("name", name)}
    return names


def public_classes() -> dict[str, type]:
    """Classes that can be imported from the package."""
    found = {name: getattr(meerkat, name) for name in meerkat.__all__}
    return {name: value for name, value in found.items() if inspect.isclass(value)}


def test_every_struct_that_can_be_imported_masks_what_sounds_like_a_secret() -> None:
    known = contract_names()
    structs = [cls for cls in public_classes().values() if issubclass(cls, msgspec.Struct)]
    assert len(structs) > 300
    looked_at = 0
    for cls in structs:
        for wire, type_ in _types(cls).items():
            if is_suspicious(wire) and _holds_text(type_):
                looked_at += 1
                assert wire in _masked(cls) or wire in known, f"{cls.__name__}.{wire}"
    assert looked_at > 20


def _types(cls: type) -> dict[str, Any]:
    try:
        return {info.encode_name: info.type for info in msgspec.structs.fields(cls)}
    except NameError:  # never decoded, so its annotations need not resolve
        return dict.fromkeys(cls.__struct_encode_fields__, Any)  # type: ignore[attr-defined]  # it is a struct


def _holds_text(type_: Any) -> bool:
    """Whether a value can be any text, as far as its type is no struct, which is looked at on its own."""
    if typing.get_origin(type_) is dict:
        return _holds_text(typing.get_args(type_)[1])
    return type_ in (str, Any) or any(map(_holds_text, typing.get_args(type_)))


def _masked(cls: type) -> set[str]:
    """Wire names of the fields that the repr of a struct leaves out."""
    struct: Any = cls
    # Made without the checks of its types: a text in every field.
    value = struct(**dict.fromkeys(struct.__struct_fields__, "zz-planted"))
    text = repr(value)
    pairs = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
    return {wire for wire, attribute in pairs if f"{attribute}={HIDDEN}" in text}


def test_older_names_mask_the_same() -> None:
    source = inspect.getsource(__import__("meerkat.legacy_types", fromlist=["x"]))
    looked_at = 0
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for target, doc in zip(node.body, node.body[1:], strict=False):
            if not (isinstance(target, ast.AnnAssign) and isinstance(target.target, ast.Name)):
                continue
            said = isinstance(doc, ast.Expr) and isinstance(doc.value, ast.Constant) and str(doc.value.value)
            secret = bool(said) and str(said).startswith(MARK)
            assert secret == (target.target.id in _masked(getattr(meerkat, node.name))), target.target.id
            looked_at += secret
    assert looked_at == 4


def test_no_argument_beside_the_contract_can_hold_a_secret_unnoticed() -> None:
    found: set[str] = set()
    classes: dict[str, Any] = {**public_classes()}
    for name, cls in classes.items():
        if issubclass(cls, msgspec.Struct | BaseException | str):
            continue
        for method in dir(cls):
            function = getattr(cls, method, None)
            if not isinstance(function, types.FunctionType) or (method.startswith("_") and method != "__init__"):
                continue
            if "RPC: ``" in (function.__doc__ or ""):
                continue  # its arguments are fields of the contract
            found |= {f"{name}.{each}" for each in inspect.signature(function).parameters if holds_secrets(each)}
    assert found == ARGUMENTS.keys()


def test_the_message_of_a_refused_argument_still_helps() -> None:
    method = contract.method("auth/profile/create")
    with pytest.raises(InvalidArgumentError) as caught:
        method.encode_params({"realm_id": "r", "auth_method": "sk-'x'", "secret": "y"})
    expected = "Not a listed value (allowed: api_key, static_bearer) - at `$.auth_method`"
    assert str(caught.value) == f"auth/profile/create: {expected}"


def test_directories_of_the_environment_are_no_secrets() -> None:
    secrets = of_environment({"PWD": "/srv/work", "VIRTUAL_ENV": "/srv/work/.venv", "DB_PWD": "hunter22"})
    text = "/srv/work/.venv/lib: hunter22"
    assert secrets.hide(text) == f"/srv/work/.venv/lib: {HIDDEN}"
