"""What a handler raises to answer with a JSON-RPC error, and the errors that the runtime is known for."""

from __future__ import annotations

from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SESSION_NOT_FOUND = -32001
SESSION_BUSY = -32002
REQUEST_CANCELLED = -32005


class RpcError(Exception):
    """An error answer.

    Attributes:
        code: JSON-RPC error code.
        message: What went wrong.
        data: ``error.data``; left out when it is ``None``.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, Any]:
        """Return the ``error`` object."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


def invalid_params(message: str) -> RpcError:
    """The parameters are wrong, or name something that does not exist."""
    return RpcError(INVALID_PARAMS, message)


def malformed_params(detail: str) -> RpcError:
    """The parameters do not fit the method's types."""
    return RpcError(INVALID_PARAMS, f"Invalid params: {detail}")


def missing_params() -> RpcError:
    """The method needs parameters and got none."""
    return RpcError(INVALID_PARAMS, "Missing params")


def method_not_found(method: str) -> RpcError:
    """There is no such method, or not yet."""
    return RpcError(METHOD_NOT_FOUND, f"Method not found: {method}")


def session_not_found(session_id: str) -> RpcError:
    """There never was such a session: lookups say it with a capital."""
    return RpcError(SESSION_NOT_FOUND, f"Session not found: {session_id}")


def session_gone(session_id: str) -> RpcError:
    """The session cannot run or take anything any more: its machinery says it in lower case."""
    return RpcError(SESSION_NOT_FOUND, f"session not found: {session_id}")


def not_subscribable(session_id: str) -> RpcError:
    """The session is not live, so there are no events to subscribe to."""
    return invalid_params(f"Failed to subscribe to session events: stream not found: session {session_id}")


def not_materialized(session_id: str) -> RpcError:
    """A deferred session has no transcript to fork."""
    return RpcError(
        SESSION_BUSY,
        f"session {session_id} is not materialized; transcript fork is available only for idle materialized sessions",
    )


def turn_abandoned(cause: str) -> RpcError:
    """A run failed, or could not begin."""
    return RpcError(INTERNAL_ERROR, f"turn abandoned: apply failed: Apply failed: {cause}")


def interrupted() -> RpcError:
    """The run was stopped from elsewhere."""
    return RpcError(REQUEST_CANCELLED, "request cancelled")


def cancelled() -> RpcError:
    """The client cancelled this very request."""
    return RpcError(REQUEST_CANCELLED, "request cancelled before response publish")
