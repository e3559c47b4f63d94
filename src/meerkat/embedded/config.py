"""The realm's configuration: reading it, replacing it, patching it, and counting its generations."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meerkat._core.codec import is_object
from meerkat.embedded import toml
from meerkat.embedded.config_shape import CONFIG, ConfigError
from meerkat.embedded.faults import invalid_params, missing_params

if TYPE_CHECKING:
    from meerkat.embedded.realm import Realm


class Configuration:
    """The configuration of a realm.

    Attributes:
        value: The whole document, with every default filled in.
        generation: How often it was changed.
    """

    def __init__(self, realm: Realm, instance: str | None) -> None:
        self._realm = realm
        self._instance = instance
        self.value = load(realm)
        state = realm.read_json("config_state.json")
        self.generation = int(state.get("generation", 0)) if is_object(state) else 0

    def envelope(self) -> dict[str, Any]:
        """Return the configuration as the ``config/*`` methods do."""
        return {
            "config": self.value,
            "generation": self.generation,
            "realm_id": self._realm.id,
            "instance_id": self._instance,
            "backend": self._realm.backend,
            "resolved_paths": self._realm.paths,
        }

    def set(self, params: Any) -> dict[str, Any]:
        """Replace it. Params that do not fit the wrapped form are taken for a bare configuration.

        So ``{"config": <invalid>}`` is read as a configuration with one unknown key: everything goes back to the
        defaults, and the answer is a success.
        """
        if params is None:
            raise missing_params()
        expected: Any = None
        try:
            wrapped = _wrapped(params)
            config, expected = _read(wrapped["config"]), wrapped.get("expected_generation")
        except ConfigError:
            try:
                config = _read(params)
            except ConfigError:
                text = "data did not match any variant of untagged enum ConfigSetRequest"
                raise invalid_params(f"Failed to parse config payload: {text}") from None
        return self._replace(config, expected)

    def patch(self, params: Any) -> dict[str, Any]:
        """Apply a merge patch. Without a ``patch`` that is not null, the params themselves are the patch."""
        if params is None:
            raise missing_params()
        patch, expected = params, None
        if is_object(params) and params.get("patch") is not None:
            patch, expected = params["patch"], params.get("expected_generation")
        self._refuse_conflict(expected)
        try:
            config = _read(merge_patch(self.value, patch))
        except ConfigError as error:
            raise invalid_params(f"Failed to apply config patch preview: {error}") from None
        return self._replace(config, expected)

    def _replace(self, config: dict[str, Any], expected: Any) -> dict[str, Any]:
        self._refuse_conflict(expected)
        fault = validation_fault(config)
        if fault is not None:
            raise invalid_params(f"Invalid config: Validation error: {fault}")
        self.value = config
        self.generation += 1
        self._realm.write("config.toml", toml.dumps(config).encode())
        self._realm.write_json("config_state.json", {"generation": self.generation})
        return self.envelope()

    def _refuse_conflict(self, expected: Any) -> None:
        if expected is not None and expected != self.generation:
            raise invalid_params(f"Generation conflict: expected {expected}, current {self.generation}")


def load(realm: Realm) -> dict[str, Any]:
    """Read a realm's configuration; a file that is no TOML counts as none, as with the real runtime.

    Raises:
        ConfigError: It is TOML, but says something that makes no sense.
    """
    content = realm.read("config.toml") or b""
    try:
        config = _read(tomllib.loads(content.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, ConfigError):
        config = _read({})
    fault = validation_fault(config)
    if fault is not None:
        raise ConfigError(f"invalid runtime config: {fault}")
    return config


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply an RFC 7396 merge patch: null removes, objects merge, anything else replaces."""
    if not is_object(patch):
        return patch
    merged: dict[str, Any] = dict(target) if is_object(target) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def validation_fault(config: dict[str, Any]) -> str | None:
    """Say what contradicts itself in a configuration, or ``None``."""
    hosted = config["self_hosted"]
    for alias, model in hosted["models"].items():
        if model["server"] not in hosted["servers"]:
            return f"self_hosted.models.{alias} references unknown server '{model['server']}'"
    return None


def _read(document: Any) -> dict[str, Any]:
    config = CONFIG.read(document)
    if config["storage"]["directory"] is None:
        config["storage"]["directory"] = str(Path(os.environ.get("HOME", "/")) / ".rkat" / "sessions")
    return config


def _wrapped(params: Any) -> dict[str, Any]:
    if not is_object(params) or "config" not in params:
        raise ConfigError("missing field `config`")
    expected = params.get("expected_generation")
    if expected is not None and (isinstance(expected, bool) or not isinstance(expected, int) or expected < 0):
        raise ConfigError("expected_generation must be an integer, 0 or more")
    return params
