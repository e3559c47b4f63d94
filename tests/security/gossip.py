"""A runtime that repeats all that it is told, wherever it can: on standard error, between its lines, in its answers.

Run as a program. It greets properly; any other request is repeated in lines that are no part of the protocol and in
notifications, and answered with an error that has it in its message and its data. ``die`` ends it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

VERSION = sys.argv[1]
QUIET = "in the answer alone"
"""What has these words in it is repeated nowhere else."""


def write(text: str) -> None:
    """Write a line to the client."""
    sys.stdout.write(text + "\n")


def send(**members: Any) -> None:
    """Write a JSON-RPC message."""
    write(json.dumps({"jsonrpc": "2.0", **members}))


def repeat(method: str, params: Any) -> None:
    """Say it in all ways in which it could come into a log."""
    text = json.dumps(params)
    write(f"WARN {method} was called with {text}")
    write(text)
    send(id=10**6, result=params)
    send(id=None, error={"code": -32600, "message": f"bad request: {text}", "data": params})
    send(id=text, result=params)
    send(id=1.5, result=params)
    send(method="session/event", params=params)
    send(method="session/stream_event", params={"stream_id": 5, "event": params})
    send(method="gossip", params=params)
    send(id=10**6, method="gossip/asked", params=params)
    send(id=10**6, method="tool/execute", params=params)


def main() -> None:
    """Answer until the input ends."""
    environment = "\n".join(f"{name}={value}" for name, value in os.environ.items())
    sys.stderr.write(f"{environment}\n")
    for line in environment.splitlines():
        write(f"starting with {line}")
    for line in sys.stdin:
        request = json.loads(line)
        method, params = request.get("method"), request.get("params")
        if method == "die":
            sys.stderr.write(f"{environment}\n")
            sys.exit(3)
        elif method == "initialize":
            info = {"name": "gossip", "version": "1"}
            send(id=request["id"], result={"server_info": info, "contract_version": VERSION, "methods": []})
        elif method == "capabilities/get":
            version = {"major": 0, "minor": 6, "patch": 5}
            send(id=request["id"], result={"contract_version": version, "capabilities": []})
        elif method == "runtime/health":
            send(id=request["id"], result={})
        elif method and "id" in request:
            if QUIET not in json.dumps(params):
                repeat(method, params)
            message = f'invalid type: string "{json.dumps(params)}", expected something else'
            send(id=request["id"], error={"code": -32603, "message": message, "data": {"params": params}})
        sys.stdout.flush()


if __name__ == "__main__":
    main()
