"""Listens on TCP and serves each connection with a well-behaved run of ``tests/support/misbehaving.py``.

Run as a program it writes its port on a line and serves until its input ends.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from meerkat._generated.contract import CONTRACT_VERSION

PROGRAM = Path(__file__).resolve().parent.parent / "support" / "misbehaving.py"


def serve(listening: socket.socket) -> None:
    """Serve until the program ends."""
    while True:
        connected, _ = listening.accept()
        threading.Thread(target=_play, args=(connected,), daemon=True).start()


def _play(connected: socket.socket) -> None:
    command = [sys.executable, "-I", "-S", str(PROGRAM), CONTRACT_VERSION, "never"]
    with connected:
        subprocess.run(command, stdin=connected.fileno(), stdout=connected.fileno(), check=False)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        print(server.getsockname()[1], flush=True)  # noqa: T201  # the parent reads it
        sys.stdin.read()
        os._exit(0)  # the thread that accepts has no other end
