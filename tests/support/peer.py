"""A peer process for tests of the driver: it does what its script says, right or wrong.

Run as a program: ``peer.py STEP...``. Steps are played in order; ``serve`` answers until the input ends.

========== =================================================================================
step       what happens
========== =================================================================================
serve      answer every request with ``{"result": {"method": ..., "params": ...}}`` until EOF
answer:N   answer N requests so
together:N read N requests, then answer all of them with one write
read:N     read N lines and answer none
out:TEXT   write TEXT as a line
raw:HEX    write bytes as they are
err:N      write N bytes to standard error
exit:N     exit with status N
kill       die by SIGKILL
close      close standard output and live on until the input ends, or TERM
deaf       ignore TERM and the end of the input
mute       read everything, answer nothing, end with the input
child      start a child that holds the pipes, and exit
shut       close standard input and live on until TERM
========== =================================================================================
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def answer(line: bytes) -> bytes:
    """Make the answer to a request line as the ``serve`` step does; nothing for a notification."""
    message = json.loads(line)
    if "id" not in message or "method" not in message:
        return b""
    result = {"method": message["method"], "params": message.get("params")}
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode() + b"\n"


def write(data: bytes) -> None:
    """Write all of it at once."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def play(step: str) -> None:
    """Do what one step says."""
    name, _, value = step.partition(":")
    if name not in STEPS:
        raise SystemExit(f"unknown step {step!r}")
    STEPS[name](value)


def _serve(_: str) -> None:
    for line in sys.stdin.buffer:
        write(answer(line))


def _answer(count: str) -> None:
    for _ in range(int(count)):
        write(answer(sys.stdin.buffer.readline()))


def _together(count: str) -> None:
    answers: list[bytes] = []
    while len(answers) < int(count):
        if made := answer(sys.stdin.buffer.readline()):
            answers.append(made)
    write(b"".join(answers))


def _read(count: str) -> None:
    for _ in range(int(count)):
        sys.stdin.buffer.readline()


def _err(size: str) -> None:
    sys.stderr.write("e" * (int(size) - 5) + " end\n")
    sys.stderr.flush()


def _close(_: str) -> None:
    os.close(1)
    sys.stdin.buffer.read()


def _sleep_for_ever() -> None:
    while True:
        signal.pause()


def _deaf(_: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _sleep_for_ever()


def _child(_: str) -> None:
    subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    os._exit(7)


def _shut(_: str) -> None:
    os.close(0)
    _sleep_for_ever()


STEPS: dict[str, Callable[[str], object]] = {
    "serve": _serve,
    "answer": _answer,
    "together": _together,
    "read": _read,
    "out": lambda text: write(text.encode() + b"\n"),
    "raw": lambda digits: write(bytes.fromhex(digits)),
    "err": _err,
    "exit": lambda status: os._exit(int(status)),
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "close": _close,
    "deaf": _deaf,
    "mute": lambda _: sys.stdin.buffer.read(),
    "child": _child,
    "shut": _shut,
}


if __name__ == "__main__":
    for each in sys.argv[1:]:
        play(each)
