"""Base classes of the generated types: structs, open enums and the value of an unknown union arm.

What travels from the runtime must survive a newer runtime: an unknown field is ignored, an unknown enum value is kept
as a pseudo-member, an unknown union arm becomes an `Unknown`. What travels to the runtime is checked before it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # msgspec evaluates the annotations of structs
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from meerkat._core.plain import is_object
from meerkat._core.secrets import HIDDEN, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self


class Model(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A JSON object of the protocol: immutable, read by attribute or, like the JSON it was, by wire name.

    ``result.session_id``, ``result["session_id"]`` and ``result.get("session_id")`` are the same value. An optional
    field that is absent on the wire has its default (``None`` or an empty collection).
    """

    __sent__: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """By wire name, the types of fields that have limits in what is sent, but none in what is received."""

    def __getitem__(self, name: str) -> Any:
        """Return the field with this wire name; raise ``KeyError`` when the type has none."""
        config = self.__struct_config__
        if name == config.tag_field:
            return config.tag
        for wire, attribute in zip(self.__struct_encode_fields__, self.__struct_fields__, strict=True):
            if wire == name:
                return getattr(self, attribute)
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field with this wire name, or ``default`` when the type has none or it is ``None``."""
        try:
            value = self[name]
        except KeyError:
            return default
        return default if value is None else value

    def keys(self) -> Iterator[str]:
        """Return the wire names of all fields, the tag of a union arm first."""
        tag_field = self.__struct_config__.tag_field
        if tag_field is not None:
            yield tag_field
        yield from self.__struct_encode_fields__

    def __contains__(self, name: object) -> bool:
        """Whether the type has a field with this wire name."""
        return any(name == wire for wire in self.keys())


class Tagged(msgspec.StructMeta):
    """Class of the arms of tagged unions: the tag is a constant, which the constructor takes like a field.

    ``TextBlock(type="text", text="hi")`` is ``TextBlock(text="hi")``. An arm declares its tag first, as a literal with
    its value as default. Decoding does not come here.
    """

    if not TYPE_CHECKING:  # type checkers read the declaration, by which the tag is a field with a default

        def __new__(
            cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any
        ) -> type[msgspec.Struct]:
            """Make the tag, which an arm declares first, a constant of the class instead of a field."""
            if "tag" in config:
                declared = namespace["__annotations__"]
                namespace["__tag_name__"] = next(iter(declared))
                del declared[namespace["__tag_name__"]]
            return super().__new__(cls, name, bases, namespace, **config)

        def __call__(self, *args: Any, **fields: Any) -> Any:
            """Make an arm; the tag can only be what it is."""
            tag = self.__struct_config__.tag
            if fields.pop(self.__tag_name__, tag) != tag:
                raise TypeError(f"the {self.__tag_name__} of {self.__name__} is {tag!r}")
            return super().__call__(*args, **fields)


class Arm(Model, frozen=True, kw_only=True, metaclass=Tagged):
    """A JSON object that its tag tells from the others of a union."""

    __tag_name__: ClassVar[str] = ""


def hiding(*secret: str) -> tuple[Any, Any]:
    """Return ``__repr__`` and ``__rich_repr__`` for a struct some of whose fields must not be seen in logs.

    Args:
        secret: Names of these fields. Whether they have a value is told all the same.
    """

    def shown(self: msgspec.Struct) -> list[tuple[str, Any]]:
        values = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return [(name, _HIDDEN if name in secret and value not in _NOTHING else value) for name, value in values]

    def text(self: msgspec.Struct) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown(self))})"

    return text, shown


class _Hidden:
    def __repr__(self) -> str:
        return HIDDEN


_HIDDEN: Final = _Hidden()
_NOTHING: Final = (None, msgspec.UNSET)


class Params(Model, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a method takes. Absent parameters are ``UNSET``; a parameter that the contract lacks is refused."""


class OpenStrEnum(StrEnum):
    """A string enum whose values may grow: an unknown one is kept as a pseudo-member with its text.

    A pseudo-member equals its text and encodes to it; `is_known` tells it from a listed member. It is a new object
    each time, so compare with ``==``, not ``is``.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether the contract lists this value."""
        return self._value_ in type(self)._value2member_map_


class Unknown:
    """A union arm that the contract does not list, or a listed one whose content does not fit.

    Attributes:
        union: Name of the union or of the field that holds it.
        tag: Value of the tag as received; ``None`` when it is absent.
        data: The whole JSON object as received. It encodes to the same JSON again. The repr leaves out what stands
            under names such as ``token``.
        error: Why a listed arm could not be decoded; ``None`` for an arm that is not listed.
    """

    # A plain class on purpose: msgspec hands it to the encoder's hook, which gives back `data` unchanged.
    __slots__ = ("data", "error", "tag", "union")
    __match_args__ = ("tag", "data")

    def __init__(self, union: str, tag: object, data: Any, error: str | None = None) -> None:
        self.union = union
        self.tag = tag
        self.data = data
        self.error = error

    def __getitem__(self, name: str) -> Any:
        """Return a value of the JSON object as received, as with any other type; raise ``KeyError`` without it."""
        return self.data[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value of the JSON object as received, or ``default``."""
        return self.data.get(name, default)

    def at(self, *path: str) -> Any:
        """Return the value that the JSON has at a path of keys, or ``None``."""
        value: Any = self.data
        for key in path:
            value = value.get(key) if is_object(value) else None
        return value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Unknown):
            return NotImplemented
        return (self.tag, self.data, self.error) == (other.tag, other.data, other.error)

    __hash__ = None  # type: ignore[assignment]  # it holds mutable JSON

    def __repr__(self) -> str:
        error = f", error={self.error!r}" if self.error else ""
        return f"{type(self).__name__}({self.union!r}, tag={self.tag!r}, data={masked(self.data)!r}{error})"


class Untagged(type):
    """The class of an untagged union whose members msgspec cannot tell apart; they are tried in order."""

    members: Callable[[], tuple[Any, ...]]

    def __instancecheck__(cls, instance: object) -> bool:
        # msgspec checks what the decoding hook returned against this class; the hook has decoded a member already.
        return True


def untagged(name: str, members: Callable[[], tuple[Any, ...]]) -> Any:
    """Return the run-time type of an untagged union.

    Args:
        name: Name of the union.
        members: Returns the member types, most demanding first. A function, so that members may be declared later.
    """
    return Untagged(name, (), {"members": staticmethod(members)})
