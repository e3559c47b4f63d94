"""Public names that are not generated, and where they live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ERRORS: Final = (
    "AlreadyConnectedError",
    "ConnectionLostError",
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
    "TurnStalledError",
)

_LEGACY: Final = (
    "McpHttpConfig",
    "McpStdioConfig",
    "MobSpawnManyResultPayload",
    "MobSpawnManyResultStatus",
    "RealtimeAudioChunk",
    "RealtimeCapabilities",
    "RealtimeTextChunk",
    "RealtimeVideoChunk",
    "RuntimeStateResult",
    "WireAssistantImageRef",
    "WireGenerateImageExecutionPlan",
    "WireGenerateImageRequest",
    "WireImageGenerationToolResult",
    "WireImageOperationPhase",
)

ARGUMENTS: Final = ("LiveModality", "MobPeer", "Prompt", "StreamEvent")

HANDWRITTEN: Final[Mapping[str, str]] = {
    "CommsKind": "meerkat.comms",
    "CONTRACT_SHA256": "meerkat._generated.contract",
    "CONTRACT_VERSION": "meerkat._generated.contract",
    "DeferredSession": "meerkat.session",
    "Diagnostics": "meerkat._diagnostics",
    "EventGap": "meerkat.streaming",
    "EventStream": "meerkat.streaming",
    "EventSubscription": "meerkat.streaming",
    "LiveChannel": "meerkat.live",
    "MeerkatClient": "meerkat.client",
    "Member": "meerkat.mob",
    "Mob": "meerkat.mob",
    "ScopedEvent": "meerkat.streaming",
    "RuntimeKind": "meerkat._launch",
    "SendOptions": "meerkat.comms",
    "Session": "meerkat.session",
    "Unknown": "meerkat._core.model",
    "parse_event": "meerkat._parse",
    "to_builtins": "meerkat._core.codec",
    **dict.fromkeys(_ERRORS, "meerkat._core.errors"),
    **dict.fromkeys(ARGUMENTS, "meerkat._arguments"),
    **dict.fromkeys(_LEGACY, "meerkat.legacy_types"),
}

ALIASES: Final[Mapping[str, str]] = {
    "BlobImageBlock": "ImageBlock",
    "InlineImageBlock": "ImageBlock",
    "InlineVideoBlock": "VideoBlock",
    "LiveInputChunkWire": "LiveInputChunk",
    "MobMemberListEntryWire": "MobMember",
    "MobMemberSpecWire": "MobMemberSpec",
    "MobProfileInput": "MobProfile",
    "MobReconcileReportWire": "MobReconcileReport",
    "MobSpawnReceiptWire": "MobSpawnReceipt",
    "MobSpawnSpecParams": "MobSpawnSpec",
    "MobToolConfigInput": "MobProfileTools",
    "RuntimeAcceptResult": "ExternalEventOutcome",
    "WireAuthBindingRef": "AuthBindingRef",
    "WireBudgetSplitPolicy": "BudgetSplitPolicy",
    "WireInputState": "InputState",
    "WireMemberLaunchMode": "MemberLaunchMode",
    "WireMemberRef": "MobMemberRef",
    "WireMemberState": "MemberState",
    "WireMobBackendKind": "MobBackendKind",
    "WireMobMemberStatus": "MobMemberStatus",
    "WireMobProfile": "MobProfile",
    "WireMobRuntimeMode": "MobRuntimeMode",
    "WireMobToolConfig": "MobProfileTools",
    "WireRuntimeBinding": "RuntimeBinding",
    "WireToolAccessPolicy": "ToolAccessPolicy",
    "WireToolFilter": "ToolFilter",
}
"""Established names of types that the contract calls otherwise; `meerkat._aliases` has them for type checkers."""
