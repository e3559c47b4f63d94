"""Which provider a model belongs to. Every model is the deterministic one in truth; only the names are kept apart."""

from __future__ import annotations

from typing import Any

from meerkat.embedded import catalog
from meerkat.embedded.faults import invalid_params

OTHER = "other"
_NAMES = ("anthropic", "openai", "gemini", catalog.SELF_HOSTED)
_PREFIXES = {"claude": "anthropic", "gpt-": "openai", "gemini": "gemini"}


def is_registered(config: dict[str, Any], model: str) -> bool:
    """Whether a model is in the catalog."""
    return model == catalog.DEFAULT_MODEL or model in config["self_hosted"]["models"]


def infer(config: dict[str, Any], model: str) -> str:
    """Return the provider of a model; ``other`` when nothing tells it."""
    if is_registered(config, model):
        return catalog.SELF_HOSTED
    return next((provider for prefix, provider in _PREFIXES.items() if model.startswith(prefix)), OTHER)


def check_pair(config: dict[str, Any], model: str, provider: str) -> None:
    """Check that a model and a provider that were both named go together.

    Raises:
        RpcError: There is no such provider, or the model is another's.
    """
    if provider not in _NAMES:
        raise invalid_params(f"unknown provider '{provider}' (expected anthropic, openai, gemini, or self_hosted)")
    registered = is_registered(config, model)
    if registered and provider != catalog.SELF_HOSTED:
        raise invalid_params(
            f"model '{model}' is registered for provider '{catalog.SELF_HOSTED}', not provider '{provider}'; "
            "explicit provider overrides must match catalog ownership"
        )
    if not registered and provider == catalog.SELF_HOSTED:
        raise unregistered(model)


def unregistered(model: str) -> Exception:
    """A model of one's own must be in the configuration."""
    return invalid_params(f"self-hosted provider requires a registered model alias; '{model}' is not configured")


def capabilities(config: dict[str, Any], model: str, provider: str) -> dict[str, bool] | None:
    """Return what a model can do; ``None`` when its provider is not known."""
    if provider == OTHER:
        return None
    return catalog.capabilities_of(config["self_hosted"]["models"].get(model))
