"""Python names derived from names of the contract, and the names that are taken."""

from __future__ import annotations

import builtins
import keyword
import re

# Names of the hand-written package that a generated one would hide.
HAND_WRITTEN = frozenset({
    "AlreadyConnectedError", "CommsKind", "ConnectionLostError", "ContractMismatchError", "DeadlineExceededError",
    "DeferredSession", "Diagnostics", "EventGap", "EventStream", "EventSubscription", "InvalidArgumentError",
    "InvalidResponseError", "LiveChannel", "LiveModality", "McpHttpConfig", "McpStdioConfig", "MeerkatClient",
    "MeerkatError", "Member", "MessageTooLargeError", "Mob", "MobPeer", "MobSpawnManyResultPayload",
    "MobSpawnManyResultStatus", "NotConnectedError", "Prompt", "ProtocolViolationError", "RealtimeAudioChunk",
    "RealtimeCapabilities", "RealtimeTextChunk", "RealtimeVideoChunk", "RequestLostError", "RuntimeExitedError",
    "RuntimeKind", "RuntimeNotFoundError", "RuntimeStartError", "RuntimeStateResult", "ScopedEvent", "SendOptions",
    "Session", "StreamEvent", "StreamNotConsumedError", "StreamNotOpenError", "StreamOverflowError",
    "SubscriptionEndedError", "TransportError", "TurnStalledError", "Unknown", "WireAssistantImageRef",
    "WireGenerateImageExecutionPlan", "WireGenerateImageRequest", "WireImageGenerationToolResult",
    "WireImageOperationPhase",
})  # fmt: skip

# Names that generated modules import or define for themselves.
SCAFFOLD = frozenset({
    "AllCalls", "Annotated", "Any", "Arm", "Calls", "ClassVar", "Final", "Literal", "Mapping", "Meta", "Method",
    "Model", "Notification", "OpenStrEnum", "Optional", "Params", "Sequence", "Tagged", "TypeAlias", "TypedDict",
    "UnsetType",
})  # fmt: skip

BUILTINS = frozenset(dir(builtins))

# `get` and `keys` are methods of every struct, `field` and `hiding` are called in class bodies.
_FIELD_TAKEN = frozenset({"field", "get", "hiding", "keys"})

# A parameter with such a name would hide what the wrapper's body needs.
_ARGUMENT_TAKEN = frozenset({"self", "warnings"})

WRAPPER_TAKEN = frozenset({"close", "connect", "get", "keys"})

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|[0-9]+")
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
_SNAKE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")


def is_type_name(name: str) -> bool:
    """Whether ``name`` is in PascalCase."""
    return _TYPE_NAME.match(name) is not None


def is_snake_name(name: str) -> bool:
    """Whether ``name`` is in snake_case and no keyword."""
    return _SNAKE_NAME.match(name) is not None and not keyword.iskeyword(name)


def is_identifier(name: str) -> bool:
    """Whether ``name`` can be a Python name."""
    return name.isidentifier() and not keyword.iskeyword(name)


def _separated(name: str) -> str:
    if re.fullmatch(r"[a-z0-9_]+", name):
        return name
    return "_".join(word.lower() for part in re.split(r"[^A-Za-z0-9]+", name) for word in _WORDS.findall(part))


def field_name(wire: str) -> str:
    """Return the attribute name of a wire field: snake_case, with an underscore behind what is taken."""
    name = _separated(wire)
    return f"{name}_" if keyword.iskeyword(name) or name in _FIELD_TAKEN else name


def argument_name(python: str) -> str:
    """Return the name of a wrapper's argument for the field ``python``."""
    return f"{python}_" if python in _ARGUMENT_TAKEN else python


def member_name(value: str) -> str:
    """Return the name of an enum member: UPPER_SNAKE, ``VALUE_…`` where it would begin with a digit."""
    name = _separated(value).upper()
    return f"VALUE_{name}" if name[:1].isdigit() else name


def constant_name(method: str) -> str:
    """Return the name of a method's descriptor: ``session/create`` is ``SESSION_CREATE``."""
    return member_name(method)


def calls_name(module: str) -> str:
    """Return the name of the class that holds the wrappers of a module."""
    return "".join(word.capitalize() for word in module.split("_")) + "Calls"


def module_of(name: str) -> str:
    """Return a module name for a type name: ``UnknownEvent`` is ``unknown_event``."""
    return _separated(name)
