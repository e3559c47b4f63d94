"""A method of the contract as a value: what it is called, what it takes, what it gives."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec
from msgspec import inspect

from meerkat._core.codec import Decoder, checked, encode, encode_scalars, is_object
from meerkat._core.errors import InvalidArgumentError, InvalidResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from meerkat._core.errors import MeerkatError

R = TypeVar("R")
P = TypeVar("P")

_PATH: Final = re.compile(r" - at `[^`]*`$")


class Method(Generic[R]):
    """Descriptor of a request that the client sends.

    Attributes:
        name: RPC method name.
        params: Type of the parameters, or ``None`` when it takes none.
        cancellable: Whether the protocol's ``cancel`` works on it.
        long_running: Whether it runs an agent or waits for one, so that no default deadline applies.
        mutates: Whether it changes the runtime's state.
        null_id_errors: Whether the runtime answers bad parameters with ``id: null``.
        requires: What the runtime must have been started with (``"live"``), or ``None``.
        errors: Error classes by code, where the method's meaning of a code differs from the general table.
    """

    __slots__ = (
        "_decode", "_drop_null", "_result", "cancellable", "errors", "long_running", "mutates", "name",
        "null_id_errors", "params", "requires",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        params: Any,
        result: Any,
        *,
        cancellable: bool = False,
        long_running: bool = False,
        mutates: bool = True,
        null_id_errors: bool = False,
        requires: str | None = None,
        errors: Mapping[int, type[MeerkatError]] | None = None,
    ) -> None:
        self.name = name
        self.params = params
        self._result = result
        self._drop_null: frozenset[str] | None = None
        self.cancellable = cancellable
        self.long_running = long_running
        self.mutates = mutates
        self.null_id_errors = null_id_errors
        self.requires = requires
        self.errors: Mapping[int, type[MeerkatError]] = errors or {}
        # Made at its first use: importing a module builds none.
        self._decode: Callable[[bytes | memoryview | msgspec.Raw], R] | None = None

    def __repr__(self) -> str:
        return f"Method({self.name!r})"

    @property
    def result(self) -> Any:
        """Type of the result, in the form that `Decoder` takes."""
        return self._result

    def encode_params(self, values: Mapping[str, Any] | msgspec.Struct | None) -> bytes:
        """Check and encode the parameters.

        Args:
            values: By wire name, or a params struct. ``UNSET`` is left out, and so is ``None`` where null has no
                meaning.

        Raises:
            InvalidArgumentError: A value does not fit the contract or JSON; the message gives its path.
        """
        if self.params is None:
            return b"{}"
        if self._drop_null is None:
            self._drop_null = _droppable(self.params)
        if is_object(values):
            quickly = encode_scalars(self.params, values, self._drop_null)
            if quickly is not None:
                return quickly
        try:
            params = checked(self.params, {} if values is None else values, drop_null=self._drop_null)
        except ValueError as error:
            message = str(error)
            if not _PATH.search(message):
                message += " - at `$`"  # msgspec leaves the root unnamed
            raise InvalidArgumentError(message=message, method=self.name) from error
        return encode(params)

    def decode(self, data: bytes | memoryview | msgspec.Raw) -> R:
        """Decode a result.

        Raises:
            InvalidResponseError: It does not fit the contract; the message gives method and path.
        """
        decode = self._decode
        if decode is None:
            decode = self._decode = Decoder[R](self._result, self.name).decode
        try:
            return decode(data)
        except msgspec.DecodeError as error:
            raise InvalidResponseError(
                message=f"the runtime's result does not fit the contract: {error}", method=self.name
            ) from error


class Notification(Generic[P]):
    """Descriptor of a notification or a request that the runtime sends.

    Attributes:
        name: RPC method name.
        params: Type of the parameters.
        route_by: Wire name of the parameter that tells which stream it belongs to, or ``None``.
        result: Type of the answer that is expected (requests), or ``None`` (notifications).
    """

    __slots__ = ("_decoder", "name", "params", "result", "route_by")

    def __init__(self, name: str, params: Any, *, route_by: str | None = None, result: Any = None) -> None:
        self.name = name
        self.params = params
        self.route_by = route_by
        self.result = result
        self._decoder: Decoder[P] | None = None

    def __repr__(self) -> str:
        return f"Notification({self.name!r})"

    @property
    def decoder(self) -> Decoder[P]:
        """Decoder of the parameters; a union arm with wrong content is kept as a value, so that a stream lives on."""
        if self._decoder is None:
            self._decoder = Decoder(self.params, self.name, keep_malformed=True)
        return self._decoder


def _droppable(params: Any) -> frozenset[str]:
    """Wire names of the optional parameters for which null has no meaning, so that ``None`` says "not given"."""
    info = inspect.type_info(params)
    if not isinstance(info, inspect.StructType):
        return frozenset()
    return frozenset(
        field.encode_name
        for field in info.fields
        if not field.required and not (isinstance(field.type, inspect.UnionType) and field.type.includes_none)
    )


class Calls(ABC):
    """What generated wrappers stand on: something that can make a call."""

    @abstractmethod
    def _call(
        self, method: Method[R], params: Mapping[str, Any] | msgspec.Struct | None = None
    ) -> Coroutine[Any, Any, R]:
        """Make a call; see `Method.encode_params` for what ``params`` may be."""
