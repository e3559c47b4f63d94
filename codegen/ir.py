"""The contract as values: what the templates and the checks work on. No JSON, no rendering, no I/O."""

from __future__ import annotations

from enum import Flag, auto
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET

MASKED = "Secret."
"""How the description of a field begins that must not be seen in logs."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything here."""


class Direction(Flag):
    """Who writes a value."""

    NONE = 0
    SENT = auto()
    RECEIVED = auto()

    @property
    def sent_only(self) -> bool:
        """Whether only the client ever writes it."""
        return self == Direction.SENT


# --- types as they stand in a field ---


class Scalar(Node, frozen=True, kw_only=True):
    """A JSON scalar."""

    kind: Literal["string", "integer", "number", "boolean", "null"]
    format: str | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    min_length: int | None = None
    max_length: int | None = None


class AnyJson(Node, frozen=True, kw_only=True):
    """Any JSON value."""


class Ref(Node, frozen=True, kw_only=True):
    """A named type."""

    name: str


class ListOf(Node, frozen=True, kw_only=True):
    """An array."""

    item: Type
    min_items: int | None = None
    max_items: int | None = None


class MapOf(Node, frozen=True, kw_only=True):
    """An object with free keys."""

    value: Type


class Choice(Node, frozen=True, kw_only=True):
    """A string of a small set, not worth a name."""

    values: tuple[str, ...]


class Nullable(Node, frozen=True, kw_only=True):
    """A value or null."""

    inner: Type


Type: TypeAlias = Scalar | AnyJson | Ref | ListOf | MapOf | Choice | Nullable


class Property(Node, frozen=True, kw_only=True):
    """A field of a struct or a parameter of a method.

    Attributes:
        default: What the contract gives as default; ``UNSET`` for none.
        not_secret: Why it is no secret, where its name sounds like one.
    """

    wire: str
    python: str
    type: Type
    required: bool
    pointer: str
    description: str = ""
    default: Any = UNSET
    deprecated: bool = False
    not_secret: str = ""

    @property
    def nullable(self) -> bool:
        """Whether null is one of its values."""
        return isinstance(self.type, Nullable)

    @property
    def constant(self) -> str | None:
        """The only value it can have, of a required field with one choice."""
        if self.required and isinstance(self.type, Choice) and len(self.type.values) == 1:
            return self.type.values[0]
        return None


# --- named types ---


class Named(Node, frozen=True, kw_only=True):
    """What all named types have."""

    name: str
    module: str
    pointer: str
    description: str = ""
    deprecated: bool = False


class Read(Node, frozen=True, kw_only=True):
    """A value inside of a struct that is read as an attribute of it, too.

    Attributes:
        name: The attribute.
        path: Wire names of the fields that lead to the value.
    """

    name: str
    path: tuple[str, ...]

    @property
    def dotted(self) -> str:
        """The path as it is written."""
        return ".".join(self.path)


class Tag(Node, frozen=True, kw_only=True):
    """What marks a struct as an arm of a tagged union."""

    wire: str
    python: str
    value: str


class StructType(Named, frozen=True, kw_only=True):
    """A JSON object with known fields.

    Attributes:
        base: Named struct that it extends.
        closed: Whether unknown keys are refused.
        exactly_one: Whether exactly one of its fields is present.
        reads: Values further inside that are its attributes, too.
        method: The method whose parameters it holds, for a struct that is derived from them.
    """

    properties: tuple[Property, ...]
    base: str | None = None
    tag: Tag | None = None
    closed: bool = False
    exactly_one: bool = False
    reads: tuple[Read, ...] = ()
    method: str | None = None


class EnumType(Named, frozen=True, kw_only=True):
    """Strings of a set, each with its member name."""

    values: tuple[tuple[str, str], ...]


class TaggedUnion(Named, frozen=True, kw_only=True):
    """Structs told apart by a tag.

    Attributes:
        arms: Tag value and struct name.
        base: Name of a common base class of the arms that is generated, or ``None``.
        unknown: Name of the class for unknown arms that is generated, or ``None``.
        table: Whether there is a table of the arms by tag.
        reads: What every arm can be asked for.
        raw_tag: Attribute that is the tag of an unknown arm, or ``None``.
        raw: Attribute that is the JSON of an unknown arm, or ``None``.
    """

    tag: str
    arms: tuple[tuple[str, str], ...]
    base: str | None = None
    unknown: str | None = None
    table: bool = False
    reads: tuple[Read, ...] = ()
    raw_tag: str | None = None
    raw: str | None = None


class UntaggedUnion(Named, frozen=True, kw_only=True):
    """Alternatives that are tried in order."""

    members: tuple[Type, ...]


class Alias(Named, frozen=True, kw_only=True):
    """Another name of a type."""

    type: Type


NamedType: TypeAlias = StructType | EnumType | TaggedUnion | UntaggedUnion | Alias


# --- methods and errors ---


class ErrorKind(Node, frozen=True, kw_only=True):
    """An error that the runtime answers, and its exception class."""

    name: str
    module: str
    pointer: str
    code: int
    message: str
    description: str
    class_name: str
    base: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    data: str | None = None


class Wrapper(Node, frozen=True, kw_only=True):
    """How the generated wrapper of a method looks."""

    name: str
    positional: tuple[str, ...] = ()
    unwrap: str | None = None
    returns_none: bool = False
    none_when: str | None = None
    request: str | None = None


class Method(Node, frozen=True, kw_only=True):
    """A request or a notification, in either direction.

    Attributes:
        params: The parameters, unless they are a union or an object that stands under one name.
        params_type: The struct derived from the parameters, or the type that they are; ``None`` without parameters.
        derived: Whether `params_type` is derived from `params`.
        result: Type of the result; ``None`` where there is none.
        notification: Whether it has no answer.
        from_server: Whether the runtime sends it.
        options: Name of the TypedDict of the optional parameters, or ``None``.
    """

    name: str
    module: str
    pointer: str
    summary: str
    description: str = ""
    deprecated: bool = False
    params: tuple[Property, ...] = ()
    params_type: str | None = None
    derived: bool = True
    result: Type | None = None
    result_description: str = ""
    notification: bool = False
    from_server: bool = False
    errors: tuple[str, ...] = ()
    cancellable: bool = False
    long_running: bool = False
    mutates: bool = True
    null_id_errors: bool = False
    requires: str | None = None
    route_by: str | None = None
    wrapper: Wrapper | None = None
    options: str | None = None


class Domain(Node, frozen=True, kw_only=True):
    """A page of the method reference.

    Attributes:
        name: Name of its file.
        modules: Files of the contract that it describes.
        parent: Name of the domain that it is a part of.
    """

    name: str
    title: str
    description: str
    modules: tuple[str, ...]
    parent: str | None = None


class Contract(Node, frozen=True, kw_only=True):
    """Everything.

    Attributes:
        types: Named types and derived parameter structs, by name.
        modules: Names of the files of the contract that hold something, sorted.
        domains: Pages of the method reference, in their order; they are no part of the bundled document.
    """

    version: str
    sha256: str
    types: dict[str, NamedType]
    methods: tuple[Method, ...]
    errors: dict[str, ErrorKind]
    modules: tuple[str, ...]
    domains: tuple[Domain, ...] = ()
