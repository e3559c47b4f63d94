"""The model of the real runtime in a process of its own, so that its threads and its memory are not measured.

Run as a program it writes its address on a line and serves until its input ends.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.model_server import ModelServer
from tests.support.runtime import ROOT

if TYPE_CHECKING:
    from collections.abc import Generator

    from meerkat.embedded import script


class ForgetfulServer(ModelServer):
    """Keeps nothing of what it is asked."""

    def answer(self, body: dict[str, Any], authorization: str | None) -> script.Reply:
        reply = super().answer(body, authorization)
        with self._lock:
            self.requests.clear()
            self.authorizations.clear()
        return reply


@contextmanager
def serving(module: str = __name__) -> Generator[str]:
    """Run such a program; yield the address that it tells."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.stdin.close()


if __name__ == "__main__":
    with ForgetfulServer() as server:
        print(server.url, flush=True)  # noqa: T201  # the parent reads it
        sys.stdin.read()
