"""A connected client's inner half: makes calls by descriptor, turns answers into values and errors into classes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from meerkat._core.codec import Decoder
from meerkat._core.connection import late
from meerkat._core.errors import InvalidResponseError, MeerkatError
from meerkat._core.framing import ErrorBody
from meerkat._core.protocol import error_details
from meerkat._core.secrets import of_params
from meerkat._generated.errors import ERRORS, details_type

if TYPE_CHECKING:
    from meerkat._core.call import Call
    from meerkat._core.connection import Connection
    from meerkat._core.method import Method
    from meerkat._router import Router

R = TypeVar("R")


class Link:
    """A connection together with what is received on it.

    Attributes:
        connection: Reads, writes, waits.
        router: Where notifications go.
    """

    def __init__(self, connection: Connection, router: Router) -> None:
        self.connection = connection
        self.router = router

    def start(self, method: Method[Any], params: bytes) -> Call:
        """Send a call, without waiting.

        Raises:
            TransportError: The connection has ended.
        """
        try:
            return self.connection.start(
                method.name, params, cancellable=method.cancellable, null_id_errors=method.null_id_errors
            )
        except MeerkatError as fault:
            raise again(fault, method.name) from fault

    async def request(self, method: Method[R], params: Any, timeout: float | None) -> R:
        """Make a call and return its result.

        Raises:
            InvalidArgumentError: The parameters do not fit the contract; nothing was sent.
            DeadlineExceededError: ``timeout`` seconds are over.
            MeerkatError: The runtime's error, by its class, or the fault that ended the connection.
        """
        encoded = method.encode_params(params)
        connection = self.connection
        # As `start`, `Connection.wait` and `result_of` do, with fewer calls in between: this is where most calls pass.
        try:
            call = connection.start(
                method.name, encoded, cancellable=method.cancellable, null_id_errors=method.null_id_errors
            )
        except MeerkatError as fault:
            raise again(fault, method.name) from fault
        try:
            await connection.settled(call, timeout)
            if not call.done:
                raise late(call, timeout)
        finally:
            if not call.done:
                connection.abandon(call)
        if call.error is not None:
            raise error_of(call, method, encoded)
        return method.decode(call.result)

    async def request_raw(self, name: str, params: bytes, method: Method[Any] | None, *, timeout: float | None) -> Any:
        """Make a call by its RPC name and return its result as plain JSON values."""
        try:
            call = self.connection.start(
                name,
                params,
                cancellable=method is not None and method.cancellable,
                null_id_errors=method is not None and method.null_id_errors,
            )
        except MeerkatError as fault:
            raise again(fault, name) from fault
        await self.connection.wait(call, timeout=timeout)
        if call.error is not None:
            raise error_of(call, method, params)
        try:
            return msgspec.json.decode(call.result)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidResponseError(message=f"the result is not JSON: {error}", method=name) from error


def result_of(call: Call, method: Method[R], sent: bytes = b"{}") -> R:
    """Return the result of a settled call, or raise its error; see `error_of`."""
    if call.error is not None:
        raise error_of(call, method, sent)
    return method.decode(call.result)


def error_of(call: Call, method: Method[Any] | None, sent: bytes = b"{}") -> MeerkatError:
    """Return the error of a settled call: a class of the contract, or the fault that ended it.

    Args:
        call: The call.
        method: Its descriptor, where the contract lists it.
        sent: Its encoded parameters. The runtime repeats in an error what it cannot take; secrets are taken out again.
    """
    error = call.error
    if not isinstance(error, ErrorBody):
        fault = error if error is not None else MeerkatError(message="the call was given up before it was sent")
        return again(fault, call.method)
    kind = (method.errors.get(error.code) if method is not None else None) or ERRORS.get(error.code, MeerkatError)
    secrets = of_params(sent)
    try:
        details = secrets.hide_in(error_details(error))
    except RecursionError:
        details = None  # rather the error without them than another error
    while (type_ := details_type(kind)) is not None:
        try:
            details = Decoder[Any](type_, f"data of {kind.__name__}").convert(details)
            break
        except msgspec.ValidationError:
            # A class is told by its details where methods use a code for several errors: this is the general one.
            kind = kind.__mro__[1]
    return kind(error.code, secrets.hide(error.message), details, method=call.method)


def again(fault: MeerkatError, method: str) -> MeerkatError:
    """Return a copy of a fault for one more caller: an exception that is raised twice mixes up their tracebacks."""
    mine = copy.copy(fault)
    mine.method = fault.method or method
    mine.__cause__ = fault
    return mine
