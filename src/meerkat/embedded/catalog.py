"""What the runtime says about itself: versions, capabilities, features and models."""

from __future__ import annotations

from typing import Any

from meerkat.embedded.cli import NAME, VERSION

DEFAULT_MODEL = "echo"
SELF_HOSTED = "self_hosted"

SERVER_INFO: dict[str, str] = {"name": NAME, "version": VERSION}
_MAJOR, _MINOR, _PATCH = map(int, VERSION.split("."))
CONTRACT_VERSION = {"major": _MAJOR, "minor": _MINOR, "patch": _PATCH}

CAPABILITIES: list[dict[str, Any]] = [
    {"id": "sessions", "description": "Sessions that keep their history.", "status": "Available"},
    {"id": "streaming", "description": "Events while an agent runs.", "status": "Available"},
    {"id": "structured_output", "description": "Results that fit a JSON Schema.", "status": "Available"},
    {
        "id": "builtins",
        "description": "Tools of the runtime itself.",
        "status": {"NotCompiled": {"feature": "builtins"}},
    },
    {"id": "shell", "description": "A shell as a tool.", "status": {"NotCompiled": {"feature": "shell"}}},
    {"id": "session_store", "description": "Sessions that outlive the process.", "status": "Available"},
]

FEATURES: dict[str, bool] = {
    "runtime_backed_sessions": True,
    "mobs": False,
    "mcp_live": False,
    "comms": False,
    "blobs": True,
    "session_events": True,
    "session_streams": True,
    "schedules": False,
    "skills": False,
    "event_replay": True,
    "artifacts": False,
    "approvals": False,
    "external_members": False,
    "secure_remote_rpc": False,
}

_FLAGS: tuple[str, ...] = (
    "vision",
    "image_input",
    "image_tool_results",
    "inline_video",
    "realtime",
    "web_search",
    "image_generation",
)


def capabilities_of(model: dict[str, Any] | None) -> dict[str, bool]:
    """Return the ``resolved_capabilities`` of a model; ``None`` is one that the configuration does not list."""
    flags = dict.fromkeys(_FLAGS, False)
    if model is not None:
        flags["vision"] = flags["image_input"] = bool(model["vision"])
        flags["image_tool_results"] = bool(model["image_tool_results"])
        flags["inline_video"] = bool(model["inline_video"])
        flags["web_search"] = bool(model["supports_web_search"])
    return flags


def models(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the providers of ``models/catalog``: the deterministic model, and what the configuration adds."""
    entries = [_entry(DEFAULT_MODEL, {"display_name": "Echo", "family": "echo", "tier": "recommended"})]
    entries += [_entry(alias, model) for alias, model in sorted(config["self_hosted"]["models"].items())]
    return [{"provider": SELF_HOSTED, "default_model_id": DEFAULT_MODEL, "models": entries}]


def _entry(model_id: str, model: dict[str, Any]) -> dict[str, Any]:
    def is_set(name: str) -> bool:
        return bool(model.get(name))

    entry: dict[str, Any] = {
        "id": model_id,
        "display_name": model["display_name"] or model_id,
        "tier": model["tier"],
        "profile": {
            "model_family": model["family"] or model_id,
            "supports_temperature": is_set("supports_temperature"),
            "supports_thinking": is_set("supports_thinking"),
            "supports_reasoning": is_set("supports_reasoning"),
            "supports_web_search": is_set("supports_web_search"),
            "vision": is_set("vision"),
            "image_input": is_set("vision"),
            "image_tool_results": is_set("image_tool_results"),
            "inline_video": is_set("inline_video"),
            "realtime": False,
            "image_generation": False,
            "params_schema": {"type": "object", "properties": {}, "additionalProperties": False},
            "beta_headers": [],
        },
    }
    for name in ("context_window", "max_output_tokens"):
        if model.get(name) is not None:
            entry[name] = model[name]
    if model.get("server"):
        entry["server_id"] = model["server"]
    return entry
