"""What the measured runtime says: events in the envelope of the real one, and answers of the real shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FIRST_PROMPT = "hello"
"""The prompt of the session's first run, which is short."""
PROMPT = "go"
"""The prompt of the run that is measured."""
SESSION = "018f0000-0000-7000-8000-000000000001"
STAMP = "0" * 20
"""The server writes the monotonic clock here, in nanoseconds."""
PIECE = 'He said "go on", and so it went\ton:\nline after line of plain text, as models write it. '
"""Text with as many escapes as is common."""


def write_data(
    path: Path, *, methods: Sequence[str], events: int = 0, stamped: bool = False, text_size: int = 0
) -> None:
    """Write the file that the server reads.

    Args:
        path: Where to write it.
        methods: Names of the methods that the runtime says it has.
        events: How many events the run of ``session/create`` has.
        stamped: Whether each event carries the moment at which it is written.
        text_size: Size in bytes of the text that ``session/read`` answers.
    """
    with path.open("wb") as file:
        for name, result in _results(methods, text_size).items():
            _record(file.write, name, [_compact(result)])
        _record(file.write, "before:session/create", _run(FIRST_PROMPT, 1, 2, stamped=False))
        if events:
            _record(file.write, "before:turn/start", _run(PROMPT, 3, events, stamped=stamped))


def _record(write: Any, name: str, parts: Iterable[bytes]) -> None:
    data = b"".join(parts)
    write(f"{name} {len(data)}\n".encode())
    write(data)
    write(b"\n")


def _results(methods: Sequence[str], text_size: int) -> dict[str, dict[str, Any]]:
    version = {"major": 0, "minor": 6, "patch": 5}
    skills: dict[str, Any] = {
        "source_health": {
            "state": "healthy",
            "invalid_ratio": 0.0,
            "invalid_count": 0,
            "total_count": 0,
            "failure_streak": 0,
            "handshake_failed": False,
        },
        "quarantined": [],
    }
    names = ("sessions", "streaming", "structured_output", "hooks", "comms", "session_store", "skills", "mcp_live")
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    counts: dict[str, Any] = {"turns": 1, "tool_calls": 0, "usage": usage, "skill_diagnostics": skills}
    session = {"session_id": SESSION, "session_ref": f"bench:{SESSION}"}
    return {
        "initialize": {
            "server_info": {"name": "meerkat-rpc", "version": "0.6.5"},
            "contract_version": "0.6.5",
            "methods": list(methods),
        },
        "capabilities/get": {
            "contract_version": version,
            "capabilities": [{"id": name, "description": f"About {name}.", "status": "Available"} for name in names],
        },
        "runtime/health": {"contract_version": version, "status": "ok"},
        "session/create": {**session, "text": "ready", **counts},
        "turn/start": {**session, "text": STAMP, **counts},
        "session/read": {
            **session,
            "created_at": 1795447085,
            "updated_at": 1795447105,
            "message_count": 13,
            "is_active": False,
            "model": "claude-opus-4-7",
            "provider": "anthropic",
            "last_assistant_text": _text(text_size),
            "labels": {},
        },
    }


def _text(size: int) -> str:
    """Text that is so many bytes long on the wire."""
    encoded = len(json.dumps(PIECE)) - 2
    return PIECE * (size // encoded) + "." * (size % encoded)


def _run(prompt: str, first: int, events: int, *, stamped: bool) -> Iterable[bytes]:
    last = first + events - 1
    yield _event(first, {"prompt": prompt, "session_id": SESSION, "type": "run_started"})
    for seq in range(first + 1, last):
        yield _event(seq, {"delta": STAMP if stamped else f"token {seq} ", "type": "text_delta"})
    usage = {"input_tokens": 3, "output_tokens": events}
    completed = {"extraction_required": False, "result": "", "session_id": SESSION, "type": "run_completed"}
    yield _event(last, {**completed, "usage": usage})


def _event(seq: int, payload: dict[str, Any]) -> bytes:
    """One line as the real runtime writes it: keys in order of the alphabet, about 400 bytes."""
    envelope = {
        "event_id": f"018f0000-0000-7000-8000-{seq:012d}",
        "payload": payload,
        "seq": seq,
        "source": {"session_id": SESSION, "type": "session"},
        "source_id": f"session:{SESSION}",
        "timestamp_ms": 1795447085157 + seq,
    }
    params = {"event": envelope, "session_id": SESSION}
    return _compact({"jsonrpc": "2.0", "method": "session/event", "params": params}) + b"\n"


def _compact(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
