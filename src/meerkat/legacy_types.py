"""Names that programs may import although no method of contract 0.6.5 takes or gives such values.

They once described realtime sessions, the making of pictures, and parts of other structures. They are plain typed
structs, so that programs which store or annotate such values go on working; whatever the structs refer to is plain
JSON.
"""

# ruff: noqa: RUF012, TC001  # msgspec copies empty defaults, and resolves annotations when a decoder is built

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from meerkat._core.model import Model, OpenStrEnum, hiding
from meerkat._generated.types.content import BlobRef
from meerkat._generated.types.live import RealtimeTurningMode
from meerkat._generated.types.mcp import McpHttpTransport
from meerkat._generated.types.mob_spawn import MobSpawnManyFailedResult, MobSpawnManySpawnedResult

__all__ = [
    "McpHttpConfig",
    "McpStdioConfig",
    "MobSpawnManyResultPayload",
    "MobSpawnManyResultStatus",
    "RealtimeAudioChunk",
    "RealtimeCapabilities",
    "RealtimeTextChunk",
    "RealtimeVideoChunk",
    "RuntimeState",
    "RuntimeStateResult",
    "WireAssistantImageRef",
    "WireGenerateImageExecutionPlan",
    "WireGenerateImageRequest",
    "WireImageGenerationToolResult",
    "WireImageOperationPhase",
]

MobSpawnManyResultPayload: TypeAlias = MobSpawnManySpawnedResult | MobSpawnManyFailedResult
"""What became of one of several members; the field ``result`` of both arms of `MobSpawnManyResultEntry`."""

MobSpawnManyResultStatus: TypeAlias = Literal["spawned", "failed"]
"""The tag ``status`` of `MobSpawnManyResultEntry`."""


class McpStdioConfig(Model, frozen=True, kw_only=True):
    """How to start an MCP server, without its name; `McpStdioServerConfig` is what `MeerkatClient.mcp_add` takes."""

    command: str
    """Program to start."""

    args: list[str] = []
    """Secret. Arguments of the program, where keys are sometimes given."""

    env: dict[str, str] = {}
    """Secret. Environment variables added for the program."""

    __repr__, __rich_repr__ = hiding("args", "env")


class McpHttpConfig(Model, frozen=True, kw_only=True):
    """Where to reach an MCP server, without its name; `McpHttpServerConfig` is what `MeerkatClient.mcp_add` takes."""

    url: str
    """Secret. Address of the server, which can contain keys."""

    headers: dict[str, str] = {}
    """Secret. Headers added to every request."""

    transport: McpHttpTransport | None = None
    """Kind of HTTP transport."""

    __repr__, __rich_repr__ = hiding("url", "headers")


class RealtimeTextChunk(Model, frozen=True, kw_only=True):
    """A piece of text in real time; `MeerkatClient.live_send_input_text` sends one."""

    text: str


class RealtimeAudioChunk(Model, frozen=True, kw_only=True):
    """A stretch of sound in real time; `MeerkatClient.live_send_input_audio` sends one."""

    mime_type: str
    sample_rate_hz: int
    channels: int
    data: str
    """The sound in base64."""


class RealtimeVideoChunk(Model, frozen=True, kw_only=True):
    """A piece of video in real time; `MeerkatClient.live_send_input_video_frame` sends a frame."""

    mime_type: str
    data: str
    """The video in base64."""


class RealtimeCapabilities(Model, frozen=True, kw_only=True):
    """What a realtime session can do; `LiveChannelCapabilities` is what `MeerkatClient.live_open` gives."""

    interrupt_supported: bool
    tool_lifecycle_events_supported: bool
    transcript_supported: bool
    video_supported: bool
    audio_input_format: dict[str, Any] | None = None
    """Media type, sample rate in Hz and number of channels of sound that is sent."""

    audio_output_format: dict[str, Any] | None = None
    """The same of sound that is received."""

    input_kinds: list[str] = []
    """What can be sent, of ``text``, ``audio`` and ``video``."""

    output_kinds: list[str] = []
    """What can be received, of the same."""

    turning_modes: list[RealtimeTurningMode] = []


class RuntimeState(OpenStrEnum):
    """State of the runtime behind a session."""

    INITIALIZING = "initializing"
    IDLE = "idle"
    ATTACHED = "attached"
    RUNNING = "running"
    RETIRED = "retired"
    STOPPED = "stopped"
    DESTROYED = "destroyed"


class RuntimeStateResult(Model, frozen=True, kw_only=True):
    """State of the runtime behind a session; nothing tells it any more."""

    state: RuntimeState


class WireAssistantImageRef(Model, frozen=True, kw_only=True):
    """A picture that the assistant made; events and histories have `AssistantImage`, which says more."""

    image_id: str
    blob_ref: BlobRef
    media_type: str
    """Media type such as ``image/png``."""

    width: int
    """Width in pixels."""

    height: int
    """Height in pixels."""


class WireGenerateImageRequest(Model, frozen=True, kw_only=True):
    """What a model asks of the tool that makes pictures."""

    intent: dict[str, Any]
    """What to make or to edit, by its key ``intent``."""

    target: dict[str, Any]
    """Model or provider to use, by its key ``target``."""

    size: dict[str, Any]
    """Size, by its key ``size``."""

    quality: Literal["auto", "low", "medium", "high"]
    format: Literal["auto", "png", "jpeg", "webp"]
    count: int
    """Number of pictures, at least 1."""

    provider_params: Any = None
    """Settings for the provider, any JSON."""


class WireGenerateImageExecutionPlan(Model, frozen=True, kw_only=True):
    """How a picture is going to be made."""

    provider: str
    backend: Literal["hosted_tool", "provider_api", "native_model"]
    max_count: int
    """Most pictures that can be had at once."""

    capabilities: dict[str, Any]
    """What the image model can do."""

    requires_scoped_override: bool
    """Whether the session's model is changed for the time."""

    provider_plan: Any = None
    """Details of the provider, any JSON."""


class WireImageGenerationToolResult(Model, frozen=True, kw_only=True):
    """What the tool that makes pictures gave."""

    operation_id: str
    terminal: dict[str, Any]
    """How it ended, by its key ``terminal``."""

    provider_text: dict[str, Any]
    """What became of text beside the pictures, by its key ``disposition``."""

    revised_prompt: dict[str, Any]
    """What became of the prompt, by its key ``disposition``."""

    native_metadata: dict[str, Any]
    """What the provider said, by its key ``provider``."""

    images: list[WireAssistantImageRef] = []
    warnings: list[dict[str, Any]] = []
    """What went less than well, each by its key ``warning``."""


class WireImageOperationPhase(Model, frozen=True, kw_only=True):
    """How far the making of a picture is."""

    phase: Literal[
        "requested",
        "validating",
        "awaiting_approval",
        "plan_resolved",
        "projection_snapshotted",
        "scoped_override_active",
        "provider_call_in_flight",
        "provider_result_captured",
        "blob_commit_pending",
        "result_committed",
        "restoring_scoped_override",
        "terminal",
    ]
    approval_id: str | None = None
    """The approval that is waited for, with phase ``awaiting_approval``."""

    terminal: dict[str, Any] | None = None
    """How it ended, with phase ``terminal``."""
