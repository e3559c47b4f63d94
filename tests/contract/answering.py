"""A runtime that keeps every line it reads and answers as it is told.

Run as a program: ``answering.py DIRECTORY``. The lines go to ``DIRECTORY/lines``, byte for byte. What to answer stands
in ``DIRECTORY/answers.json``, read anew for each request: by method an object with ``outcome``, which holds ``result``
or ``error``, and ``before``, messages that are written first.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

NOT_TOLD = {"error": {"code": -32601, "message": "the test does not say what to answer"}}


def serve(directory: Path) -> None:
    """Answer until the input ends."""
    with (directory / "lines").open("ab") as lines:
        for line in sys.stdin.buffer:
            lines.write(line)
            lines.flush()
            message = json.loads(line)
            if "id" in message:
                told = json.loads((directory / "answers.json").read_bytes()).get(message["method"], {})
                for other in told.get("before", []):
                    write(other)
                write({"id": message["id"], **told.get("outcome", NOT_TOLD)})


def write(message: dict[str, object]) -> None:
    """Write one message."""
    sys.stdout.buffer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
