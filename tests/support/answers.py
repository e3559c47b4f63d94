"""A runtime that gives prepared answers and keeps what it was asked: for what no runtime here can be made to do.

Run as a program: ``answers.py TABLE LOG``. The JSON file TABLE has, for each method, the messages that are written for
a request; ``"$id"`` in one of them stands for the id of the request. A method that is not in it gets an empty result.
The requests go to LOG, a line each; the method ``exit`` ends the program with status 3.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meerkat import MeerkatClient

HELLO: dict[str, Any] = {"server_info": {"name": "answers", "version": "0"}, "contract_version": "0.6.5", "methods": []}
CAPABILITIES: dict[str, Any] = {"contract_version": {"major": 0, "minor": 6, "patch": 5}, "capabilities": []}


def result(value: Any) -> dict[str, Any]:
    """The answer to a request."""
    return {"jsonrpc": "2.0", "id": "$id", "result": value}


def notification(method: str, params: Any) -> dict[str, Any]:
    """A notification."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


class Answers:
    """Starts such a runtime.

    Args:
        directory: Where table and log are kept.
        table: The messages for each method.
    """

    def __init__(self, directory: Path, table: dict[str, list[dict[str, Any]]]) -> None:
        table_file = directory / "answers.json"
        self._log = directory / "requests.jsonl"
        first = {"initialize": [result(HELLO)], "capabilities/get": [result(CAPABILITIES)]}
        table_file.write_text(json.dumps({**first, **table}))
        self.program = directory / "answers"
        """A program that can be started in place of the runtime, with whatever options."""

        start = f"#!{sys.executable}\nimport os, sys\nos.execv(sys.executable, {[sys.executable, __file__]!r} + "
        self.program.write_text(f"{start}{[str(table_file), str(self._log)]!r})\n")
        self.program.chmod(0o700)

    def client(self) -> MeerkatClient:
        """A client of it, not connected."""
        from meerkat import MeerkatClient

        return MeerkatClient(self.program)

    def requests(self) -> list[tuple[str, Any]]:
        """Method and parameters of what was asked after the handshake."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [(line["method"], line["params"]) for line in lines[2:]]


def serve(table: dict[str, list[Any]], log: Path) -> None:
    """Answer until the input ends."""
    with log.open("w", buffering=1) as asked:
        for line in sys.stdin:
            message = json.loads(line)
            if "id" not in message:
                continue
            asked.write(line)
            if message["method"] == "exit":
                raise SystemExit(3)
            for answer in table.get(message["method"], [result({})]):
                filled = {**answer, "id": message["id"]} if answer.get("id") == "$id" else answer
                sys.stdout.write(json.dumps(filled) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    serve(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
