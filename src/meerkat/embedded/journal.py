"""The events of one session: numbering, the replay log, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from meerkat.embedded.binding import check_event
from meerkat.embedded.ids import unix_ms, uuid4, uuid7

if TYPE_CHECKING:
    from collections.abc import Callable

    from meerkat.embedded.realm import Realm

    Notify = Callable[[str, dict[str, Any]], None]
    """Sends a notification: method and params."""


class Journal:
    """Events of a session.

    ``seq`` counts those of one incarnation of the session's agent and starts again when that is rebuilt; the replay
    log goes on for ever.
    """

    def __init__(self, session_id: str, realm: Realm, notify: Notify) -> None:
        self.session_id = session_id
        self._notify = notify
        self._realm = realm
        self._file = f"embedded/events/{session_id}.jsonl"
        self._seq = 0
        self._log = [msgspec.json.decode(line) for line in (realm.read(self._file) or b"").splitlines()]
        self._unsaved: list[bytes] = []
        self._streams: dict[str, int] = {}

    def record(self, payload: dict[str, Any]) -> None:
        """Add an event of a run: everybody is told, and it can be replayed."""
        check_event(payload)
        envelope = self._envelope(payload)
        entry = {"timestamp_ms": envelope["timestamp_ms"], "event": payload}
        self._log.append(entry)
        if self._realm.durable:
            self._unsaved.append(msgspec.json.encode(entry))
        self._notify("session/event", {"session_id": self.session_id, "event": envelope})
        self._tell_streams(envelope)

    def record_for_streams(self, payload: dict[str, Any]) -> None:
        """Add an event that only subscriptions are told of; it takes a number like any other."""
        check_event(payload)
        self._tell_streams(self._envelope(payload))

    def save(self) -> None:
        """Write what the replay log has got since the last time."""
        if self._unsaved:
            self._realm.append(self._file, b"\n".join(self._unsaved) + b"\n")
            self._unsaved = []

    def forget(self) -> None:
        """Drop the replay log."""
        self._log.clear()
        self._unsaved.clear()
        self._realm.remove(self._file)

    def restart(self) -> None:
        """Begin a new incarnation: numbers start again, subscriptions to the old one end."""
        self._seq = 0
        self.end_streams()

    def open_stream(self) -> str:
        """Open a subscription."""
        stream_id = uuid4()
        self._streams[stream_id] = 0
        return stream_id

    def close_stream(self, stream_id: str) -> bool:
        """End a subscription on request; ``False`` when it is not one of this session."""
        if self._streams.pop(stream_id, None) is None:
            return False
        self._tell_end(stream_id, "explicit_close")
        return True

    def end_streams(self) -> None:
        """End all subscriptions, because what they follow is over."""
        streams, self._streams = self._streams, {}
        for stream_id in streams:
            self._tell_end(stream_id, "remote_end")

    @property
    def latest(self) -> int:
        """Number of the last event of the replay log."""
        return len(self._log)

    def since(self, sequence: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return events of the replay log after a number, each with its own."""
        return list(enumerate(self._log[sequence : sequence + limit], start=sequence + 1))

    def _envelope(self, payload: dict[str, Any]) -> dict[str, Any]:
        self._seq += 1
        return {
            "event_id": uuid7(),
            "source": {"type": "session", "session_id": self.session_id},
            "source_id": f"session:{self.session_id}",
            "seq": self._seq,
            "timestamp_ms": unix_ms(),
            "payload": payload,
        }

    def _tell_streams(self, envelope: dict[str, Any]) -> None:
        for stream_id in self._streams:
            self._streams[stream_id] += 1
            self._notify(
                "session/stream_event",
                {
                    "stream_id": stream_id,
                    "sequence": self._streams[stream_id],
                    "session_id": self.session_id,
                    "event": envelope,
                },
            )

    def _tell_end(self, stream_id: str, outcome: str) -> None:
        params = {"stream_id": stream_id, "session_id": self.session_id, "ended": True, "outcome": outcome}
        self._notify("session/stream_end", params)
