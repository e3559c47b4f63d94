"""A relay between a client and a runtime that keeps every line of both, in the order in which they passed.

Run as a program: ``relay.py LOG COMMAND...``. A line of LOG is ``>`` (to the runtime) or ``<`` (from it), and the line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meerkat import MeerkatClient
    from tests.support.runtime import Runtime


class Relay:
    """Starts a runtime with a relay before it.

    Args:
        directory: Where the log is kept.
        runtime: The runtime.
    """

    def __init__(self, directory: Path, runtime: Runtime) -> None:
        self._log = directory / "relayed"
        start = [runtime.program] if runtime.kind == "real" else [sys.executable, "-m", "meerkat.embedded"]
        command = [sys.executable, __file__, str(self._log), *start]
        self._env = runtime.env
        self._program = directory / "relay"
        self._program.write_text(
            f"#!{sys.executable}\nimport os, sys\nos.execv(sys.executable, {command!r} + sys.argv[1:])\n"
        )
        self._program.chmod(0o700)

    def client(self, **options: Any) -> MeerkatClient:
        """A client of the runtime behind the relay, not connected."""
        from meerkat import MeerkatClient

        return MeerkatClient(self._program, env=self._env, **options)

    def lines(self) -> list[tuple[str, Any]]:
        """Direction and message of every line so far."""
        text = self._log.read_text("utf-8")
        return [(line[0], json.loads(line[1:])) for line in text.splitlines()]


def relay(log: Path, command: list[str]) -> int:
    """Pass lines on until the runtime ends; return its exit status."""
    lock = threading.Lock()
    with (
        log.open("wb", buffering=0) as kept,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as runtime,
    ):
        assert runtime.stdin is not None
        assert runtime.stdout is not None

        def pass_on(source: IO[bytes], target: IO[bytes], direction: bytes) -> None:
            for line in source:
                with lock:
                    kept.write(direction + line)
                target.write(line)
                target.flush()

        def to_the_runtime() -> None:
            try:
                pass_on(sys.stdin.buffer, runtime.stdin, b">")  # type: ignore[arg-type]  # checked above
            finally:
                runtime.stdin.close()  # type: ignore[union-attr]  # checked above

        threading.Thread(target=to_the_runtime, daemon=True).start()
        with open(runtime.stdout.fileno(), "rb", closefd=False) as output:  # buffered, to read lines
            pass_on(output, sys.stdout.buffer, b"<")
        return runtime.wait()


if __name__ == "__main__":
    raise SystemExit(relay(Path(sys.argv[1]), sys.argv[2:]))
