"""What a configuration looks like: its keys, their kinds and their defaults, and how a document is read into it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from meerkat._core.codec import is_array, is_object
from meerkat.embedded import durations
from meerkat.embedded.catalog import DEFAULT_MODEL
from meerkat.embedded.lines import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader: TypeAlias = Callable[[Any], Any]


class ConfigError(ValueError):
    """A document that is no configuration; the message names what is wrong in the runtime's words."""


def _wrong(value: Any, expected: str) -> ConfigError:
    return ConfigError(f"invalid type: {describe(value)}, expected {expected}")


def text(value: Any) -> Any:
    """Read a string."""
    if not isinstance(value, str):
        raise _wrong(value, "a string")
    return value


def flag(value: Any) -> Any:
    """Read a boolean."""
    if not isinstance(value, bool):
        raise _wrong(value, "a boolean")
    return value


def natural(value: Any) -> Any:
    """Read an integer that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, "u64")
    if value < 0:
        raise ConfigError(f"invalid value: {describe(value)}, expected u64")
    return value


def number(value: Any) -> Any:
    """Read a number of double precision."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, "f64")
    return float(value)


def single(value: Any) -> Any:
    """Read a number of single precision, whose inaccuracy shows when it is read back."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, "f32")
    return struct.unpack("f", struct.pack("f", value))[0]


def duration(value: Any) -> Any:
    """Read a duration, given in words or in milliseconds."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return durations.show(value)
    if not isinstance(value, str):
        raise _wrong(value, "a duration string or milliseconds")
    try:
        return durations.show(durations.parse(value))
    except ValueError as error:
        raise ConfigError(str(error)) from None


def call_timeout(value: Any) -> Any:
    """Read the timeout of a call to the model, which may be switched off."""
    return value if value == "disabled" else duration(value)


def anything(value: Any) -> Any:
    """Read any JSON."""
    return value


def items(value: Any) -> Any:
    """Read an array of any JSON."""
    if not is_array(value):
        raise _wrong(value, "a sequence")
    return value


def free_map(value: Any) -> Any:
    """Read an object of any JSON."""
    if not is_object(value):
        raise _wrong(value, "a map")
    return value


def choice(*allowed: str) -> Reader:
    """Read one of some words."""

    def read(value: Any) -> Any:
        if text(value) not in allowed:
            expected = ", ".join(f"`{word}`" for word in allowed)
            raise ConfigError(f"unknown variant `{value}`, expected one of {expected}")
        return value

    return read


def transport(value: Any) -> Any:
    """Read the transport of a self-hosted server, which has two spellings and is written in one."""
    choice("openai_compatible", "open_ai_compatible")(value)
    return "open_ai_compatible"


@dataclass(frozen=True)
class Key:
    """A key of an object.

    Attributes:
        read: Reads its value.
        default: Its value where the document has none.
        nullable: Whether null may stand for no value.
        omitted: Whether it is left out of the result while it has no value.
    """

    read: Reader
    default: Any = None
    nullable: bool = False
    omitted: bool = False


def optional(read: Reader) -> Key:
    """A key that is null while it has no value."""
    return Key(read, None, nullable=True)


def extra(read: Reader) -> Key:
    """A key that is absent while it has no value."""
    return Key(read, None, nullable=True, omitted=True)


@dataclass(frozen=True)
class Section:
    """An object with known keys; unknown ones are ignored, as the runtime does at every level."""

    name: str
    keys: dict[str, Key | Section]

    def read(self, value: Any) -> dict[str, Any]:
        """Read a document, filling in defaults.

        Raises:
            ConfigError: A value does not fit.
        """
        if not is_object(value):
            raise _wrong(value, f"struct {self.name}")
        found: dict[str, Any] = {}
        for name, key in self.keys.items():
            if isinstance(key, Section):
                found[name] = key.read(value.get(name, {}))
                continue
            given = value.get(name, key.default)
            if given is None and (key.nullable or name not in value):
                if not key.omitted:
                    found[name] = None
            else:
                found[name] = key.read(given)
        return found


def table(section: Section) -> Reader:
    """Read an object whose values are all of one section."""

    def read(value: Any) -> Any:
        return {name: section.read(item) for name, item in free_map(value).items()}

    return read


_SERVER = Section(
    "SelfHostedServerConfig",
    {
        "transport": Key(transport, "openai_compatible"),
        "base_url": Key(text, ""),
        "api_style": Key(choice("chat_completions", "responses"), "chat_completions"),
        "bearer_token_env": extra(text),
    },
)

_MODEL = Section(
    "SelfHostedModelConfig",
    {
        "server": Key(text, ""),
        "remote_model": Key(text, ""),
        "display_name": Key(text, ""),
        "family": Key(text, ""),
        "tier": Key(choice("recommended", "supported"), "supported"),
        "context_window": extra(natural),
        "max_output_tokens": extra(natural),
        "vision": Key(flag, default=False),
        "image_tool_results": Key(flag, default=False),
        "inline_video": Key(flag, default=False),
        "supports_temperature": Key(flag, default=True),
        "supports_thinking": Key(flag, default=False),
        "supports_reasoning": Key(flag, default=False),
        "supports_web_search": Key(flag, default=False),
    },
)

CONFIG = Section(
    "Config",
    {
        "agent": Section(
            "AgentConfig",
            {
                "system_prompt": optional(text),
                "system_prompt_file": optional(text),
                "tool_instructions": optional(text),
                "model": Key(text, DEFAULT_MODEL),
                "max_tokens_per_turn": Key(natural, 16384),
                "temperature": optional(single),
                "budget_warning_threshold": Key(single, 0.8),
                "max_turns": optional(natural),
                "provider_params": extra(anything),
                "output_schema": extra(anything),
                "structured_output_retries": Key(natural, 2),
                "extraction_prompt": extra(text),
            },
        ),
        "storage": Section("StorageConfig", {"directory": optional(text)}),
        "budget": Section(
            "BudgetConfig",
            {
                "max_tokens": optional(natural),
                "max_duration": optional(duration),
                "max_tool_calls": optional(natural),
            },
        ),
        "retry": Section(
            "RetryConfig",
            {
                "max_retries": Key(natural, 3),
                "initial_delay": Key(duration, "500ms"),
                "max_delay": Key(duration, "30s"),
                "multiplier": Key(number, 2.0),
                "call_timeout": extra(call_timeout),
            },
        ),
        "tools": Section(
            "ToolsConfig",
            {
                "mcp_servers": Key(items, []),
                "default_timeout": Key(duration, "10m"),
                "tool_timeouts": Key(free_map, {}),
                "max_concurrent": Key(natural, 10),
                "builtins_enabled": Key(flag, default=False),
                "shell_enabled": Key(flag, default=False),
                "comms_enabled": Key(flag, default=False),
                "mob_enabled": Key(flag, default=False),
            },
        ),
        "models": Section(
            "ModelDefaults",
            {
                "anthropic": Key(text, "claude-opus-4-7"),
                "openai": Key(text, "gpt-5.5"),
                "gemini": Key(text, "gemini-3-flash-preview"),
            },
        ),
        "max_tokens": Key(natural, 16384),
        "shell": Section(
            "ShellDefaults",
            {
                "program": Key(text, "nu"),
                "timeout_secs": Key(natural, 30),
                "security_mode": Key(text, "unrestricted"),
                "security_patterns": Key(items, []),
            },
        ),
        "store": Section(
            "StoreConfig",
            {"sessions_path": optional(text), "tasks_path": optional(text), "database_dir": optional(text)},
        ),
        "comms": Section(
            "CommsRuntimeConfig",
            {
                "mode": Key(choice("inproc", "tcp", "uds"), "inproc"),
                "address": optional(text),
                "auth": Key(choice("none", "ed25519"), "none"),
                "require_peer_auth": Key(flag, default=True),
                "event_address": optional(text),
            },
        ),
        "compaction": Section(
            "CompactionConfig",
            {
                "auto_compact_threshold": Key(natural, 100000),
                "recent_turn_budget": Key(natural, 4),
                "max_summary_tokens": Key(natural, 4096),
                "min_turns_between_compactions": Key(natural, 3),
            },
        ),
        "limits": Section(
            "LimitsConfig",
            {"budget": optional(natural), "max_sessions": optional(natural), "max_duration": optional(duration)},
        ),
        "rest": Section("RestServerConfig", {"host": Key(text, "127.0.0.1"), "port": Key(natural, 8080)}),
        "hooks": Section(
            "HooksConfig",
            {
                "default_timeout_ms": Key(natural, 5000),
                "payload_max_bytes": Key(natural, 131072),
                "background_max_concurrency": Key(natural, 32),
                "entries": Key(items, []),
            },
        ),
        "skills": Section(
            "SkillsConfig",
            {
                "enabled": Key(flag, default=True),
                "max_injection_bytes": Key(natural, 32768),
                "inventory_threshold": Key(natural, 12),
                "repositories": Key(items, []),
                "health_thresholds": Section(
                    "SourceHealthThresholds",
                    {
                        "degraded_invalid_ratio": Key(single, 0.05),
                        "unhealthy_invalid_ratio": Key(single, 0.4),
                        "degraded_failure_streak": Key(natural, 3),
                        "unhealthy_failure_streak": Key(natural, 10),
                    },
                ),
                "identity": Section(
                    "SourceIdentityConfig",
                    {"lineage": Key(items, []), "remaps": Key(items, []), "aliases": Key(items, [])},
                ),
            },
        ),
        "self_hosted": Section(
            "SelfHostedConfig", {"servers": Key(table(_SERVER), {}), "models": Key(table(_MODEL), {})}
        ),
        "provider_tools": Section(
            "ProviderToolsConfig",
            {
                "anthropic": Section("AnthropicProviderToolsConfig", {"web_search": Key(flag, default=True)}),
                "openai": Section("OpenAiProviderToolsConfig", {"web_search": Key(flag, default=True)}),
                "gemini": Section("GeminiProviderToolsConfig", {"google_search": Key(flag, default=True)}),
            },
        ),
        "realm": Key(free_map, None, nullable=True, omitted=True),
    },
)
