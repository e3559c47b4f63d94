"""Who is measured: this SDK on both event loops, the peer in an environment of its own, and the barest reader."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.server.prepare import write_data

if TYPE_CHECKING:
    from collections.abc import Generator

    from bench.rows import Run

PEER: Final = "meerkat-sdk==0.6.5"
BENCH: Final = Path(__file__).resolve().parent
ROOT: Final = BENCH.parent
TIMEOUT: Final = 120.0


class BenchmarkError(Exception):
    """Nothing could be measured; the message says why."""


def cache() -> Path:
    """Directory for what is made once."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "meerkat" / "bench"


def peer_python() -> Path:
    """Python of the environment that holds the peer; installs it there if need be."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = cache() / f"{PEER.replace('==', '-')}-python{version}"
    python = home / "bin" / "python"
    done = home / ".installed"
    if not done.exists():
        print(f"installing {PEER} into an environment of its own ...", file=sys.stderr)
        venv.create(home, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", PEER]
        if subprocess.run(pip, check=False).returncode != 0:
            message = f"{PEER} could not be installed from PyPI; run without it: --no-peer"
            raise BenchmarkError(message)
        done.touch()
    return python


def server(directory: Path) -> Path:
    """The server's program: compiled where there is a compiler, in Python otherwise."""
    source = BENCH / "server" / "runtime.c"
    compiler = os.environ.get("CC") or shutil.which("cc")
    program = directory / "runtime"
    if compiler is not None:
        build = subprocess.run([compiler, "-O2", "-o", program, source], check=False, capture_output=True, text=True)
        if build.returncode == 0:
            return program
        print(f"the server in C cannot be compiled, taking the one in Python:\n{build.stderr}", file=sys.stderr)
    program.write_text(f"#!{sys.executable}\n" + source.with_suffix(".py").read_text())
    program.chmod(0o755)
    return program


class Bench:
    """Runs the measured programs.

    Args:
        directory: For prepared data, to be removed afterwards.
        peer: Whether the peer is measured too.
        quick: Whether to do as little as will do to see that everything runs.
    """

    def __init__(self, directory: Path, *, peer: bool = True, quick: bool = False) -> None:
        self._directory = directory
        self._quick = quick
        self._peer = peer_python() if peer else None
        self._server = server(directory)
        self._prepared: dict[str, Path] = {}

    def subjects(self, run: Run) -> list[str]:
        """Those that a run is made for."""
        return [name for name in run.subjects if name != "peer" or self._peer is not None]

    def measure(self, run: Run, subject: str) -> dict[str, float]:
        """Run one program in a fresh process and return its figures."""
        if self._quick:
            run = run.quick()
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("MEERKAT_", "PYTHON"))}
        environment |= {"BENCH_DATA": str(self._data(run)), "BENCH_RATE": str(run.rate)}
        command = self.command(run, subject)
        with _pinned() if run.pinned else nullcontext():
            done = subprocess.run(
                command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=TIMEOUT
            )
        if done.returncode != 0:
            message = f"{run.part} of {subject} failed:\n{done.stdout}{done.stderr}"
            raise BenchmarkError(message)
        figures: dict[str, float] = json.loads(done.stdout)
        return figures

    def command(self, run: Run, subject: str) -> list[str]:
        """The command line of a program."""
        python = str(self._peer) if subject == "peer" else sys.executable
        if run.part == "import":
            return [python, "-s", str(BENCH / "importing.py"), "floor" if subject == "floor" else run.sizes["step"]]
        sizes = dict(run.sizes)
        if subject == "peer":
            sizes.pop("options", None)  # its client has none
        tail = [str(self._server), json.dumps(sizes)]
        if subject == "floor":
            return [python, "-s", "-m", "bench.floor", run.part, *tail]
        return [python, "-s", "-m", "bench.probe", run.part, "asyncio" if subject == "peer" else subject, *tail]

    def _data(self, run: Run) -> Path:
        key = json.dumps(run.data)
        if key not in self._prepared:
            from meerkat._generated.contract import METHODS  # noqa: PLC0415  # the peer's environment has none

            path = self._directory / f"data{len(self._prepared)}"
            write_data(path, methods=list(METHODS), **run.data)
            self._prepared[key] = path
        return self._prepared[key]


@contextmanager
def _pinned() -> Generator[None]:
    """Keep what is started meanwhile on one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
