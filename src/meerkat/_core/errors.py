"""The root of all errors, and those that the SDK itself raises; the runtime's error classes are generated."""

from __future__ import annotations

from typing import Any, ClassVar


class MeerkatError(Exception):
    """Root of all errors of this package; raised itself for an error code that the contract does not list.

    Attributes:
        code: JSON-RPC error code (an integer) of an error that the runtime answered, else a short constant name.
        message: What went wrong, in words.
        details: What the runtime sent along (``error.data``), typed where the contract types it; else ``None``.
        method: RPC method that failed, where there is one.
        capability_hint: The capability that is missing, where that is the reason.
    """

    CODE: ClassVar[int | str] = "ERROR"

    def __init__(
        self,
        code: int | str | None = None,
        message: str = "",
        details: Any = None,
        capability_hint: Any = None,
        *,
        method: str | None = None,
    ) -> None:
        self.code: int | str = type(self).CODE if code is None else code
        self.message = message
        self.details = details
        self.capability_hint = capability_hint
        self.method = method
        super().__init__(message)

    def __str__(self) -> str:
        """The message, with the method and the code that it belongs to."""
        origin = f"{self.method}: " if self.method else ""
        code = f" (code {self.code})" if isinstance(self.code, int) else ""
        return f"{origin}{self.message}{code}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process borders (test runners, pools); the keyword-only argument needs help there.
        arguments = (self.code, self.message, self.details, self.capability_hint)
        return type(self), arguments, self.__dict__


class InvalidArgumentError(MeerkatError, ValueError):
    """An argument does not fit the contract, or JSON cannot hold it. Nothing was sent; the message gives the path."""

    CODE = "INVALID_ARGUMENT"


class InvalidResponseError(MeerkatError):
    """The runtime's answer does not fit the contract; the message gives method and path."""

    CODE = "INVALID_RESPONSE"


class DeadlineExceededError(MeerkatError, TimeoutError):
    """A call took longer than its deadline. Where the method can be cancelled, the runtime was told."""

    CODE = "DEADLINE_EXCEEDED"


class StreamNotConsumedError(MeerkatError):
    """The result of a stream was asked for before its iteration ended."""

    CODE = "STREAM_NOT_CONSUMED"


class StreamNotOpenError(MeerkatError):
    """A stream or a live channel was used before it was opened or after it was closed, or opened twice."""

    CODE = "STREAM_NOT_OPEN"


class StreamOverflowError(MeerkatError):
    """The consumer was too slow: the stream's buffer was full.

    Attributes:
        lost: How many events were dropped after the buffer was full.
    """

    CODE = "STREAM_OVERFLOW"

    def __init__(
        self,
        code: int | str | None = None,
        message: str = "",
        details: Any = None,
        capability_hint: Any = None,
        *,
        method: str | None = None,
        lost: int = 0,
    ) -> None:
        super().__init__(code, message, details, capability_hint, method=method)
        self.lost = lost


class SubscriptionEndedError(MeerkatError):
    """The runtime ended a subscription because of an error; ``details`` is its notice."""

    CODE = "SUBSCRIPTION_ENDED"


class TurnStalledError(MeerkatError):
    """The runtime took a turn and does not start it. Do not send it again: it may still run, with the next turn."""

    CODE = "TURN_STALLED"


class TransportError(MeerkatError):
    """Root of what can go wrong between this process and the runtime.

    Attributes:
        return_code: Exit status of the runtime; negative for a signal; ``None`` while it lives or is not ours.
        stderr_tail: The end of what the runtime wrote to its standard error.
    """

    CODE = "TRANSPORT_ERROR"

    def __init__(
        self,
        code: int | str | None = None,
        message: str = "",
        details: Any = None,
        capability_hint: Any = None,
        *,
        method: str | None = None,
        return_code: int | None = None,
        stderr_tail: str = "",
    ) -> None:
        super().__init__(code, message, details, capability_hint, method=method)
        self.return_code = return_code
        self.stderr_tail = stderr_tail


class NotConnectedError(TransportError):
    """A call before ``connect()``, after ``close()``, or in another event loop than that of ``connect()``."""

    CODE = "NOT_CONNECTED"


class AlreadyConnectedError(TransportError):
    """``connect()`` was called on a client that is connected or connecting."""

    CODE = "ALREADY_CONNECTED"


class RuntimeNotFoundError(TransportError):
    """There is no runtime program to start; the message tells how to get one."""

    CODE = "RUNTIME_NOT_FOUND"


class RuntimeStartError(TransportError):
    """The runtime could not be started, ended before the handshake, or did not answer it in time."""

    CODE = "RUNTIME_START_FAILED"


class RuntimeExitedError(TransportError):
    """The runtime ended, or closed its output, while it was needed."""

    CODE = "RUNTIME_EXITED"


class ConnectionLostError(TransportError):
    """The connection to a runtime that this client did not start is gone."""

    CODE = "CONNECTION_LOST"


class ContractMismatchError(TransportError):
    """The runtime speaks a contract version that this SDK is not compatible with."""

    CODE = "CONTRACT_MISMATCH"


class ProtocolViolationError(TransportError):
    """The runtime wrote too many lines that are not part of the protocol."""

    CODE = "PROTOCOL_VIOLATION"


class MessageTooLargeError(TransportError):
    """A line from the runtime is longer than the configured limit."""

    CODE = "MESSAGE_TOO_LARGE"


class RequestLostError(TransportError):
    """The runtime lost a request while it was busy writing; it was not executed."""

    CODE = "REQUEST_LOST"
