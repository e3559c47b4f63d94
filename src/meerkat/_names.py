"""Public names that are not generated, and where they live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ERRORS: Final = (
    "AlreadyConnectedError",
    "ContractMismatchError",
    "DeadlineExceededError",
    "InvalidArgumentError",
    "InvalidResponseError",
    "MeerkatError",
    "MessageTooLargeError",
    "NotConnectedError",
    "ProtocolViolationError",
    "RequestLostError",
    "RuntimeExitedError",
    "RuntimeNotFoundError",
    "RuntimeStartError",
    "StreamNotConsumedError",
    "StreamNotOpenError",
    "StreamOverflowError",
    "SubscriptionEndedError",
    "TransportError",
)

HANDWRITTEN: Final[Mapping[str, str]] = {
    "CONTRACT_SHA256": "meerkat._generated.contract",
    "CONTRACT_VERSION": "meerkat._generated.contract",
    "DeferredSession": "meerkat.session",
    "Diagnostics": "meerkat._diagnostics",
    "EventGap": "meerkat.streaming",
    "EventStream": "meerkat.streaming",
    "EventSubscription": "meerkat.streaming",
    "MeerkatClient": "meerkat.client",
    "ScopedEvent": "meerkat.streaming",
    "Session": "meerkat.session",
    "Unknown": "meerkat._core.model",
    "to_builtins": "meerkat._core.codec",
    **dict.fromkeys(_ERRORS, "meerkat._core.errors"),
}

ALIASES: Final[Mapping[str, str]] = {}
"""Established names whose types have another name in the contract."""
