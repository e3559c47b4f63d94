"""The directory of a realm: what outlives the process, if anything does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from meerkat._core.codec import is_object
from meerkat.embedded.cli import default_state_root
from meerkat.embedded.ids import unix_seconds, uuid7

if TYPE_CHECKING:
    from meerkat.embedded.cli import Options

_BACKENDS = ("sqlite", "jsonl")


class Realm:
    """Files of one realm, by their names relative to its directory.

    Without a durable state every write is forgotten and every read finds nothing: the handlers hold all state in
    memory anyway, and read files only when the process starts.

    Attributes:
        id: The realm's identifier.
        backend: What the realm's manifest calls its backend; it decides nothing here.
        state_root: Directory of all realms.
        root: Directory of this realm, which exists only where state is durable.
        durable: Whether anything is read and written.
    """

    def __init__(self, options: Options) -> None:
        self.id = options.realm or f"realm-{uuid7()}"
        self.state_root = Path(options.state_root) if options.state_root else default_state_root(dict(os.environ))
        self.root = self.state_root / self.id
        self.durable = options.is_durable
        self.backend = options.realm_backend or "sqlite"
        if self.durable:
            self.root.mkdir(parents=True, exist_ok=True)
            self._join()

    def _join(self) -> None:
        """Take the backend from the manifest of an existing realm, or write that of a new one."""
        manifest = self.read_json("realm_manifest.json")
        if is_object(manifest) and manifest.get("backend") in _BACKENDS:
            self.backend = str(manifest["backend"])
            return
        self.write_json(
            "realm_manifest.json",
            {"realm_id": self.id, "backend": self.backend, "origin": "explicit", "created_at": str(unix_seconds())},
        )

    @property
    def paths(self) -> dict[str, str]:
        """What ``resolved_paths`` of the configuration says."""
        return {
            "root": str(self.root),
            "manifest_path": str(self.root / "realm_manifest.json"),
            "config_path": str(self.root / "config.toml"),
            "sessions_sqlite_path": str(self.root / "sessions.sqlite3"),
            "sessions_jsonl_dir": str(self.root / "sessions_jsonl"),
        }

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        directory = self.root / folder
        if not self.durable or not directory.is_dir():
            return []
        return sorted(path.name for path in directory.iterdir() if path.suffix != ".part")

    def read(self, name: str) -> bytes | None:
        """Content of a file, or ``None`` when there is none."""
        if not self.durable:
            return None
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole."""
        if not self.durable:
            return
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(content)
        part.replace(path)

    def append(self, name: str, content: bytes) -> None:
        """Add to the end of a file."""
        if not self.durable:
            return
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(content)

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
        if self.durable:
            (self.root / name).unlink(missing_ok=True)

    def read_json(self, name: str) -> Any:
        """Value of a JSON file; ``None`` when there is none, or it was cut off."""
        content = self.read(name)
        if content is None:
            return None
        try:
            return msgspec.json.decode(content)
        except msgspec.DecodeError:
            return None

    def write_json(self, name: str, value: Any) -> None:
        """Replace a JSON file as a whole."""
        if self.durable:
            self.write(name, msgspec.json.encode(value))
