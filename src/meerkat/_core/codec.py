"""JSON to types and back: native decoding first, a tolerant rebuild only after it fails.

msgspec has no fallback for a union tag that it does not know. So a value is decoded natively, which costs nothing extra
as long as the runtime speaks the contract's version; when that fails, the JSON is rebuilt by walking the type:
an unknown tag becomes an `Unknown` at the innermost place, and all around it stays typed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeGuard, TypeVar

import msgspec
from msgspec import inspect

from meerkat._core.model import Model, Unknown, Untagged
from meerkat._core.plain import is_array as is_array  # noqa: PLC0414  # offered here too
from meerkat._core.plain import is_object as is_object  # noqa: PLC0414  # as above
from meerkat._core.refusals import explained, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


_PLAIN: Final = frozenset({str, int, bool})


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a caller's value is a mapping."""
    return isinstance(value, Mapping)


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a caller's value is a list or the like, and not text."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def enc_hook(value: Any) -> Any:
    """Encode what msgspec does not know: an `Unknown` is the JSON that it was."""
    if isinstance(value, Unknown):
        return value.data
    raise TypeError(f"a {type(value).__name__} is not JSON")


def dec_hook(type_: Any, value: Any) -> Any:
    """Decode an untagged union: the first member that fits."""
    return _first_fit(type_, lambda member: msgspec.convert(value, member, dec_hook=dec_hook), lambda _, wrong: wrong)


def _closed_dec_hook(type_: Any, value: Any) -> Any:
    """Decode an untagged union that a caller gave: the first member that fits and has a field for every key."""
    return _first_fit(
        type_, lambda member: _closed(member, value), lambda member, wrong: explained(wrong, member, value, _fits)
    )


def _fits(type_: Any, value: Any) -> bool:
    try:
        _closed_dec_hook(type_, value)
    except ValueError:
        return False
    return True


def _first_fit(type_: Any, fit: Callable[[Any], Any], say: Callable[[Any, str], str]) -> Any:
    if not isinstance(type_, Untagged):
        raise TypeError(f"no decoder for {type_!r}")
    wrong: list[tuple[Any, str]] = []
    for member in type_.members():
        try:
            return fit(member)
        except ValueError as error:
            wrong.append((member, str(error)))
    reasons = "; ".join(f"{_name(member)}: {say(member, text)}" for member, text in wrong)
    # Not msgspec's own error: that would pass through it as it is, without the path to this value.
    raise ValueError(f"No member of {type_.__name__} fits ({reasons})")


def _closed(type_: Any, plain: Any) -> Any:
    made = msgspec.convert(plain, type_, dec_hook=_closed_dec_hook)
    _refuse_unfit(made, plain, "$")
    return made


_encoder = msgspec.json.Encoder(enc_hook=enc_hook)
encode = _encoder.encode


def to_builtins(value: Any) -> Any:
    """Turn a value of the SDK into plain JSON values: dictionaries, lists, strings, numbers, ``None``.

    Fields that are absent or have their default are left out, as they are on the wire.

    Example:
        ``meerkat.to_builtins(result)["usage"]["input_tokens"]``
    """
    return msgspec.to_builtins(value, enc_hook=enc_hook)


def checked(type_: Any, values: Any, *, drop_null: frozenset[str] = frozenset()) -> Any:
    """Turn what a caller gave into ``type_``, checking everything, typed values included.

    Args:
        type_: The type to make.
        values: A struct, or a mapping by wire name; ``UNSET`` values of a mapping are left out.
        drop_null: Names of a mapping whose ``None`` means "not given".

    Raises:
        ValueError: A value does not fit or JSON cannot hold it; the message ends with its path, and neither it nor what
            caused it quotes the value, which may be a secret.
    """
    if is_mapping(values):
        values = {
            key: value
            for key, value in values.items()
            if value is not msgspec.UNSET and not (value is None and key in drop_null)
        }
    try:
        plain = msgspec.to_builtins(values, enc_hook=enc_hook)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(_where_unencodable(values, str(error))) from error
    _refuse_lossy(plain, "$")
    try:
        return _closed(type_, plain)
    except msgspec.ValidationError as error:
        wrong = explained(str(error), type_, plain, _fits)
        if "[...]" in wrong.rpartition(" - at ")[2]:
            wrong = _with_key(type_, plain) or wrong
        refusal: type[Exception] = msgspec.ValidationError
    except ValueError as error:
        wrong, refusal = str(error), ValueError
    raise refusal(unquoted(wrong))


def _with_key(type_: Any, plain: Any) -> str:
    """Say again what is wrong: msgspec does not say which key of a map it means."""
    try:
        _plan(inspect.type_info(type_)).build(plain, _Place("$", _name(type_), keep=False))
    except ValueError as error:
        return str(error)
    return ""


def encode_scalars(type_: Any, values: Mapping[str, Any], drop_null: frozenset[str]) -> bytes | None:
    """Check and encode a struct given as a mapping whose values are all scalars, as most parameters are.

    What `checked` has to look for cannot be in scalars, so msgspec's own check is enough, at a fraction of the cost.

    Returns:
        ``None`` when they are not all scalars, or when something is wrong with them: `checked` tells what and where.
    """
    given = {
        name: value
        for name, value in values.items()
        if value is not msgspec.UNSET and not (value is None and name in drop_null)
    }
    config: msgspec.structs.StructConfig | None = getattr(type_, "__struct_config__", None)
    if config is None or not config.forbid_unknown_fields or not _PLAIN.issuperset(map(type, given.values())):
        return None
    try:
        return encode(msgspec.convert(given, type_, dec_hook=_closed_dec_hook))
    except (ValueError, OverflowError):
        return None


@cache
def _attributes(cls: type[msgspec.Struct]) -> dict[str, str]:
    """Names in Python of the fields of a struct, by wire name."""
    return dict(zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True))


def _refuse_unfit(made: Any, plain: Any, path: str) -> None:
    """Refuse what decoding lets pass, but a caller has not meant.

    These are keys that the type has no field for, which would not be sent and mostly are misspelt, and values outside
    of limits that hold for what is sent, but not for what is received.
    """
    if isinstance(made, Model):
        _refuse_unfit_fields(made, plain, path)
    elif is_array(made) and is_array(plain):
        for index, (item, plain_item) in enumerate(zip(made, plain, strict=True)):
            if isinstance(item, _HOLDERS):
                _refuse_unfit(item, plain_item, f"{path}[{index}]")
    elif is_object(made) and is_object(plain) and made is not plain:
        for key, item in made.items():
            if isinstance(item, _HOLDERS):
                _refuse_unfit(item, plain[key], f"{path}[{key!r}]")


def _refuse_unfit_fields(made: Model, plain: dict[str, Any], path: str) -> None:
    attributes = _attributes(type(made))
    for key, item in plain.items():
        attribute = attributes.get(key)
        if attribute is not None:
            if isinstance(item, _HOLDERS):
                _refuse_unfit(getattr(made, attribute), item, f"{path}.{key}")
        elif key != made.__struct_config__.tag_field:
            known = ", ".join(attributes)
            raise ValueError(f"Object contains unknown field `{key}` (known: {known}) - at `{path}`")
    for key, type_ in made.__sent__.items():
        if plain.get(key) is not None:
            try:
                msgspec.convert(plain[key], type_)
            except msgspec.ValidationError as error:
                what, _, where = str(error).partition(" - at `$")
                raise msgspec.ValidationError(f"{what} - at `{path}.{key}{where.removesuffix('`')}`") from None


_HOLDERS: Final = (Model, dict, list)  # what can hold fields


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _refuse_lossy(value: Any, path: str) -> None:
    # The encoder would write NaN and infinities as null, and fail on a lone surrogate without saying where.
    if isinstance(value, str):
        # The error of `encode` holds the whole value, which may be a secret.
        surrogate = None if value.isascii() else _SURROGATE.search(value)
        if surrogate is not None:
            raise ValueError(f"surrogates not allowed (character {surrogate.start()}) - at `{path}`")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is not JSON - at `{path}`")
    elif is_object(value):
        for key, item in value.items():
            _refuse_lossy(key, path)
            _refuse_lossy(item, f"{path}.{key}")
    elif is_array(value):
        for index, item in enumerate(value):
            _refuse_lossy(item, f"{path}[{index}]")


def _where_unencodable(value: Any, reason: str, path: str = "$", depth: int = 100) -> str:
    """Say which innermost value made encoding fail."""
    children: list[tuple[str, Any]] = []
    if is_mapping(value):
        children = [(f"{path}.{key}", item) for key, item in value.items()]
    elif is_sequence(value):
        children = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    for where, child in children if depth else ():
        try:
            msgspec.to_builtins(child, enc_hook=enc_hook)
        except (TypeError, ValueError, RecursionError) as error:
            return _where_unencodable(child, str(error), where, depth - 1)
    return f"{reason} - at `{path}`"


class Decoder(Generic[T]):
    """Decodes one type, tolerant of a newer runtime.

    Args:
        type_: The type, in any form that msgspec takes.
        name: What to call the value in messages.
        keep_malformed: Whether a listed union arm with wrong content becomes an `Unknown` with its ``error`` set
            (streams, which must live on) instead of an error (answers).
    """

    __slots__ = ("_keep", "_name", "_native", "_plan", "_type")

    def __init__(self, type_: Any, name: str, *, keep_malformed: bool = False) -> None:
        self._type = type_
        self._name = name
        self._keep = keep_malformed
        self._native = msgspec.json.Decoder(type_, dec_hook=dec_hook).decode
        self._plan: _Node | None = None

    def decode(self, data: bytes | memoryview | msgspec.Raw) -> T:
        """Decode JSON text.

        Raises:
            msgspec.ValidationError: The value does not fit the type; the message ends with its path.
            msgspec.DecodeError: The text is not JSON.
        """
        try:
            try:
                return self._native(data)  # type: ignore[no-any-return]  # the decoder is made from a run-time type
            except msgspec.ValidationError:
                return self._rebuild(msgspec.json.decode(data))
        except (UnicodeDecodeError, RecursionError) as error:
            raise msgspec.DecodeError(f"JSON cannot be read: {error}") from None

    def convert(self, value: Any) -> T:
        """Turn plain JSON values into the type, with the tolerance and the errors of `decode`."""
        try:
            try:
                return msgspec.convert(value, self._type, dec_hook=dec_hook)  # type: ignore[no-any-return]  # as above
            except msgspec.ValidationError:
                return self._rebuild(value)
        except RecursionError:
            raise msgspec.ValidationError("JSON is nested too deeply - at `$`") from None

    def _rebuild(self, value: Any) -> T:
        if self._plan is None:
            self._plan = _plan(inspect.type_info(self._type))
        return self._plan.build(value, _Place("$", self._name, self._keep))  # type: ignore[no-any-return]  # as above


class _Place:
    """Where in the JSON a value stands, and under what name."""

    __slots__ = ("keep", "path", "union")

    def __init__(self, path: str, union: str, keep: bool) -> None:
        self.path = path
        self.union = union
        self.keep = keep

    def field(self, wire: str, owner: str) -> _Place:
        return _Place(f"{self.path}.{wire}", f"{owner}.{wire}", self.keep)

    def item(self, key: object) -> _Place:
        return _Place(f"{self.path}[{key!r}]", self.union, self.keep)

    def wrong(self, what: str) -> msgspec.ValidationError:
        return msgspec.ValidationError(f"{what} - at `{self.path}`")


class _Node:
    """One node of a type's plan; this one takes any JSON."""

    def build(self, value: Any, place: _Place) -> Any:
        return value


class _Leaf(_Node):
    def __init__(self, type_: Any) -> None:
        self._type = type_

    def build(self, value: Any, place: _Place) -> Any:
        try:
            return msgspec.convert(value, self._type)
        except msgspec.ValidationError as error:
            raise place.wrong(str(error)) from None


class _List(_Node):
    def __init__(self, item: _Node) -> None:
        self._item = item

    def build(self, value: Any, place: _Place) -> Any:
        if not is_array(value):
            raise place.wrong(f"Expected `array`, got `{_json_name(value)}`")
        return [self._item.build(item, place.item(index)) for index, item in enumerate(value)]


class _Dict(_Node):
    def __init__(self, value: _Node) -> None:
        self._value = value

    def build(self, value: Any, place: _Place) -> Any:
        if not is_object(value):
            raise place.wrong(f"Expected `object`, got `{_json_name(value)}`")
        return {key: self._value.build(item, place.item(key)) for key, item in value.items()}


class _Struct(_Node):
    """A struct; its fields are planned at first use, since types may refer to themselves."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        self._fields: list[tuple[str, str, bool, _Node]] | None = None

    def build(self, value: Any, place: _Place) -> Any:
        if not is_object(value):
            raise place.wrong(f"Expected `object`, got `{_json_name(value)}`")
        if self._fields is None:
            fields: tuple[msgspec.structs.FieldInfo, ...] = msgspec.structs.fields(self._cls)
            self._fields = [(f.name, f.encode_name, f.required, _plan(inspect.type_info(f.type))) for f in fields]
        known: dict[str, Any] = {}
        for name, wire, required, node in self._fields:
            if wire in value:
                known[name] = node.build(value[wire], place.field(wire, self._cls.__name__))
            elif required:
                raise place.wrong(f"Object missing required field `{wire}`")
        return self._cls(**known)


class _Union(_Node):
    """Alternatives: structs told apart by their tag, and at most one of each other kind of JSON.

    A single tagged struct is planned as a union of one arm: msgspec does not look at the tag of a lone struct that
    is built by hand, and an unknown arm must never turn into the one that is listed.
    """

    def __init__(self, arms: dict[Any, Any], tag_field: str | None, others: list[_Node], nullable: bool) -> None:
        self._arms = {tag: _Struct(cls) for tag, cls in arms.items()}
        self._unknown = next((getattr(cls, "__unknown__", Unknown) for cls in arms.values()), Unknown)
        self._tag_field = tag_field
        self._others = others
        self._nullable = nullable

    def build(self, value: Any, place: _Place) -> Any:
        if value is None and self._nullable:
            return None
        if self._arms and is_object(value):
            return self._build_arm(value, place)
        reasons: list[str] = []
        for node in self._others:
            try:
                return node.build(value, place)
            except msgspec.ValidationError as error:
                reasons.append(str(error))
        if len(reasons) == 1:
            raise msgspec.ValidationError(reasons[0])
        detail = f" ({'; '.join(reasons)})" if reasons else ""
        raise place.wrong(f"No alternative fits a value of type `{_json_name(value)}`{detail}")

    def _build_arm(self, value: dict[str, Any], place: _Place) -> Any:
        tag = value.get(self._tag_field) if self._tag_field is not None else None
        arm = self._arms.get(tag) if isinstance(tag, str | int) else None
        if arm is None:
            return self._unknown(place.union, tag, value)
        try:
            return arm.build(value, place)
        except msgspec.ValidationError as error:
            if not place.keep:
                raise
            return self._unknown(place.union, tag, value, str(error))


class _Untagged(_Node):
    def __init__(self, union: Untagged) -> None:
        self._union = union
        self._members: list[_Node] | None = None

    def build(self, value: Any, place: _Place) -> Any:
        try:
            return dec_hook(self._union, value)
        except ValueError as error:
            strict = error
        if self._members is None:
            self._members = [_plan(inspect.type_info(member)) for member in self._union.members()]
        for node in self._members:
            try:
                return node.build(value, place)
            except msgspec.ValidationError:
                continue
        raise place.wrong(str(strict))


@cache
def _struct_plan(cls: Any) -> _Node:
    config = cls.__struct_config__
    if config.tag is None:
        return _Struct(cls)
    return _Union({config.tag: cls}, config.tag_field, [], nullable=False)


def _plan(info: inspect.Type) -> _Node:
    match info:
        case inspect.StructType(cls=cls):
            return _struct_plan(cls)
        case inspect.UnionType(types=types):
            return _plan_union(types)
        case inspect.ListType(item_type=item):
            return _List(_plan(item))
        case inspect.DictType(value_type=value):
            return _Dict(_plan(value))
        case inspect.Metadata(type=inner):
            return _plan(inner)
        case inspect.CustomType(cls=cls) if isinstance(cls, Untagged):
            return _Untagged(cls)
        case inspect.AnyType() | inspect.RawType():
            return _Node()
        case _:
            return _Leaf(_leaf_type(info))


def _plan_union(types: tuple[inspect.Type, ...]) -> _Node:
    arms: dict[Any, Any] = {}
    tag_field: str | None = None
    others: list[_Node] = []
    nullable = False
    for info in types:
        if isinstance(info, inspect.StructType) and info.cls.__struct_config__.tag is not None:
            arms[info.cls.__struct_config__.tag] = info.cls
            tag_field = info.cls.__struct_config__.tag_field
        elif isinstance(info, inspect.NoneType):
            nullable = True
        else:
            others.append(_plan(info))
    return _Union(arms, tag_field, others, nullable)


def _leaf_type(info: inspect.Type) -> Any:
    match info:
        case inspect.EnumType(cls=cls):
            return cls
        case inspect.LiteralType(values=values):
            return Literal[values]
        case inspect.NoneType():
            return None
        case _:
            for kind, type_ in _SCALARS.items():
                if isinstance(info, kind):
                    return type_
    raise TypeError(f"the contract has no type of kind {type(info).__name__}")


_SCALARS: dict[type[inspect.Type], Any] = {
    inspect.StrType: str,
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.BoolType: bool,
}


_MODULES: Final = re.compile(r"\b(?:\w+\.)+")


def _name(type_: Any) -> str:
    return getattr(type_, "__name__", None) or _MODULES.sub("", str(type_))


_JSON_NAMES: list[tuple[type[Any], str]] = [
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (str, "str"),
    (list, "array"),
    (dict, "object"),
]


def _json_name(value: object) -> str:
    return next((name for type_, name in _JSON_NAMES if isinstance(value, type_)), "null")
