"""The two runtimes that the suite runs on: the embedded one, and the real ``rkat-rpc`` where it is built."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from meerkat.client import MeerkatClient
from tests.support.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType

Kind = Literal["embedded", "real"]

ROOT = Path(__file__).resolve().parent.parent.parent
REALM = "tests"
MODEL = "fake"
"""The scripted model; every session of a test runtime uses it unless it asks for another."""


@dataclass(frozen=True)
class Runtime:
    """How to start one of the runtimes, with its state in a directory of its own.

    Attributes:
        kind: Which runtime it is, where a test has to know.
        program: Path of the real program; ``embedded`` for the other.
        env: Environment variables that it needs beside those of this process.
        state_root: Where it keeps its state.
        model_server: What gives the real runtime its answers; ``None`` for the embedded one, whose model is within.
    """

    kind: Kind
    program: str
    env: dict[str, str]
    state_root: Path
    model_server: ModelServer | None = None
    realm: str = field(default=REALM)

    def command(self, *extra: str) -> list[str]:
        """The command line that a client would use."""
        start = [self.program] if self.kind == "real" else [sys.executable, "-m", "meerkat.embedded"]
        return [*start, "--realm", self.realm, "--state-root", str(self.state_root), *extra]

    def client(self, **options: Any) -> MeerkatClient:
        """Return a client that will start this runtime; see `connect`.

        Args:
            **options: What `MeerkatClient` takes.
        """
        options["env"] = {**self.env, **options.get("env", {})}
        if self.kind == "embedded":
            return MeerkatClient(runtime="embedded", **options)
        return MeerkatClient(self.program, **options)

    async def connect(self, client: MeerkatClient, **options: Any) -> MeerkatClient:
        """Connect a client to the realm of this runtime.

        Args:
            client: From `client`.
            **options: What `MeerkatClient.connect` takes.
        """
        return await client.connect(realm_id=self.realm, state_root=self.state_root, **options)

    def configure(self, extra: str = "") -> None:
        """Write the realm's ``config.toml``; done before each test, and again by tests that need more in it.

        Args:
            extra: TOML to append.
        """
        realm = self.state_root / self.realm
        realm.mkdir(parents=True, exist_ok=True)
        # The embedded runtime reads the same file, whose address leads nowhere: its model is its own.
        url = self.model_server.url if self.model_server else "http://127.0.0.1:9"
        (realm / "config.toml").write_text(_config(url) + extra)


@contextmanager
def embedded(state_root: Path) -> Generator[Runtime]:
    """Yield the embedded runtime."""
    runtime = Runtime("embedded", "embedded", {}, state_root)
    runtime.configure()
    yield runtime


@contextmanager
def real(program: Path, state_root: Path) -> Generator[Runtime]:
    """Yield the real runtime, answered by a model server that is up for as long."""
    with ModelServer() as server:
        runtime = Runtime("real", str(program), {"RUST_LOG": "warn"}, state_root, server)
        runtime.configure()
        yield runtime


class UnverifiedError(Exception):
    """The cached runtime is not what its receipt says; running it could run anything."""


def find_real() -> Path | str:
    """Find the real runtime: ``MEERKAT_BIN_PATH``, the build cache, then ``PATH``.

    Returns:
        Its path, or the reason why there is none and what to do about it.

    Raises:
        FileNotFoundError: ``MEERKAT_BIN_PATH`` is set and names no program: that is a mistake, not an absence.
        UnverifiedError: The cached program is not what was built.
    """
    named = os.environ.get("MEERKAT_BIN_PATH")
    if named:
        path = Path(named)
        if not path.is_file():
            raise FileNotFoundError(f"MEERKAT_BIN_PATH names {named!r}, which is no file")
        return path
    builder = _builder()
    binary: str = builder.BINARY
    version: str = builder.contract_version()
    cached: Path = builder.cache_root() / version / "bin" / binary
    if cached.is_file():
        receipt = cached.parent.parent / "receipt.json"
        fault = _fault_of(cached, version, _state(cached), _state(receipt))
        if fault:
            raise UnverifiedError(f"{fault}. It is not run; `make runtime` builds it again.")
        return cached
    found = shutil.which(binary)
    if found and Path(found).is_absolute():
        said = subprocess.run([found, "--version"], check=True, capture_output=True, text=True).stdout.strip()
        if said == f"{binary} {version}":
            return Path(found)
        return f"{found} is {said!r}, not {binary} {version}; `make runtime` builds that one"
    return f"the real runtime ({binary} {version}) is not built; `make runtime` builds it"


@cache
def _fault_of(program: Path, version: str, _of_program: object, _of_receipt: object) -> str:
    """What is wrong with a cached program; asked once for each state of the files, since reading takes a while."""
    fault: str = _builder().fault_of(program, version)
    return fault


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes whenever a file is written; nobody can set the time of the change itself."""
    if not path.exists():
        return None
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@cache
def _builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_runtime", ROOT / "scripts" / "build_runtime.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _config(url: str) -> str:
    return f"""\
[agent]
model = "{MODEL}"

[self_hosted.servers.local]
transport = "openai_compatible"
base_url = "{url}"
api_style = "chat_completions"

[self_hosted.models.{MODEL}]
server = "local"
remote_model = "fake-1"
display_name = "Fake"
family = "fake"

"""
