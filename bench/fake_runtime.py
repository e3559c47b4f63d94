"""A runtime that costs next to nothing: it writes prepared events as fast as a pipe takes them.

usage: fake_runtime.py EVENTS

A ``session/create`` is answered by a run of that many events in the envelope of the real runtime, all of them before
the answer. The text of the answer is the moment at which writing it began, by the monotonic clock.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

PROMPT = "go"
"""The prompt whose run is prepared."""
SESSION = "018f0000-0000-7000-8000-000000000001"
CAPABILITIES: dict[str, Any] = {"contract_version": {"major": 0, "minor": 6, "patch": 5}, "capabilities": []}
HELLO: dict[str, Any] = {
    "server_info": {"name": "fake", "version": "0.6.5"},
    "contract_version": "0.6.5",
    "methods": [],
}


def event(seq: int, payload: dict[str, Any]) -> bytes:
    """One line, of the size that the real runtime writes (about 400 bytes)."""
    envelope = {
        "event_id": f"018f0000-0000-7000-8000-{seq:012d}",
        "source_id": f"session:{SESSION}",
        "source": {"type": "session", "session_id": SESSION},
        "seq": seq,
        "timestamp_ms": 1795447085157 + seq,
        "payload": payload,
    }
    return line({"method": "session/event", "params": {"session_id": SESSION, "event": envelope}})


def line(message: dict[str, Any]) -> bytes:
    """A message as the real runtime writes it: compact, one a line."""
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n"


def run(events: int, prompt: str) -> bytes:
    """All events of a run."""
    usage = {"input_tokens": 3, "output_tokens": events}
    completed = {"session_id": SESSION, "result": "", "usage": usage, "extraction_required": False}
    lines = [event(1, {"type": "run_started", "session_id": SESSION, "prompt": prompt})]
    lines += [event(seq, {"type": "text_delta", "delta": f"w{seq} "}) for seq in range(2, events)]
    lines += [event(events, {"type": "run_completed", **completed})]
    return b"".join(lines)


def write(data: bytes) -> None:
    """Write all of it; a pipe takes a part at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def main() -> None:
    """Serve until the input ends."""
    events = int(sys.argv[1])
    prepared = run(events, PROMPT)
    for text in sys.stdin:
        request = json.loads(text)
        result: dict[str, Any] = {}
        if request["method"] == "initialize":
            result = HELLO
        elif request["method"] == "capabilities/get":
            result = CAPABILITIES
        elif request["method"] == "session/create":
            write(prepared)
            usage = {"input_tokens": 3, "output_tokens": events, "total_tokens": events + 3}
            result = {"session_id": SESSION, "text": str(time.monotonic()), "turns": 1, "tool_calls": 0, "usage": usage}
        if "id" in request:
            write(line({"id": request["id"], "result": result}))


if __name__ == "__main__":
    main()
