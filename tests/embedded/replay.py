"""Plays a recording's requests to the embedded runtime, and compares what comes back with what was recorded.

Values that differ from run to run are matched by shape: an identifier of the recording stands for one identifier of
this run throughout; times, ports and durations may be any.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from meerkat._core.codec import is_array, is_object
from meerkat.embedded.dispatch import handlers
from tests.embedded.driver import COMMAND, started, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.embedded.driver import Peer
    from tests.support.recordings import Scenario

REALM = "r1"

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|call_[0-9_]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)")
_COLUMN = re.compile(r" at line 1 column \d+$")
_NOTHING = object()
_ANY_NUMBER = re.compile(r"\.(created_at|updated_at|timestamp_ms|duration_ms|delay_ms|\w+_delay_ms)$")


@dataclass
class Difference:
    """A place where the embedded runtime may differ from the real one, and why.

    Attributes:
        where: Pattern of the places, which look like ``answer 1.result.model`` and ``event 2[4].payload.usage``:
            requests are named by their id, sessions by the order in which their events came.
        why: The reason.
        used: Whether the comparison met it.
    """

    where: str
    why: str
    used: bool = False

    def covers(self, place: str) -> bool:
        """Whether it speaks of a place."""
        if re.match(self.where, place):
            self.used = True
            return True
        return False


@dataclass
class Replay:
    """A run of a recording against the embedded runtime.

    Attributes:
        scenario: The recording.
        differences: Where the embedded runtime may differ.
        skipped: Ids of requests that are not sent.
        names: Identifiers of this run by those of the recording.
        places: Directories of this run by their names in the recording.
        findings: What differs and may not.
    """

    scenario: Scenario
    differences: list[Difference]
    skipped: frozenset[int]
    names: dict[str, str] = field(default_factory=dict[str, str])
    places: dict[str, str] = field(default_factory=dict[str, str])
    findings: list[str] = field(default_factory=list[str])
    _answered: Counter[object] = field(default_factory=Counter[object])

    async def run(self, state_root: Path) -> None:
        """Play all of it and compare."""
        if self.scenario.config is not None:
            write_config(state_root, REALM, self.scenario.config.replace("$PORT", "9"))
        self.places = {"$STATE": str(state_root), "$HOME": str(state_root / "home")}
        arguments = [argument.replace("$STATE", str(state_root)) for argument in self.scenario.args]
        env = {**self.scenario.env, "MEERKAT_EMBEDDED_RETRY_SCALE": "0", "HOME": self.places["$HOME"]}
        async with started([*COMMAND, *arguments], env) as peer:
            await self._play(peer)
            await self._await_unfinished(peer)
            status = await peer.finish()
            if status != self.scenario.exit:
                self.findings.append(f"exit status {status}, recorded {self.scenario.exit}")
            self._compare_events(peer)
            self._compare_parse_errors(peer)
        self.findings += [f"difference never met: {item.where}" for item in self.differences if not item.used]

    async def _play(self, peer: Peer) -> None:
        """Send each line when all that was answered before it in the recording has been answered here too."""
        callbacks = 0
        methods: dict[int | str, str] = {}
        for line in self.scenario.lines:
            message = line.message
            if line.direction == ">":
                if not is_object(message):
                    await peer.send_line(str(message).encode().replace("\ufffd".encode(), b"\xff"))
                elif message.get("id") not in self.skipped:
                    if isinstance(message.get("id"), int | str):
                        methods[message["id"]] = str(message.get("method"))
                    await peer.send_line(self._translated(message))
            elif is_object(message) and message.get("method") == "tool/execute":
                callbacks += 1
                sent = await peer.wait_for(lambda line: line.get("method") == "tool/execute", callbacks)
                self._compare(f"callback {message['id']}", message, sent)
            elif is_object(message) and "method" not in message and message["id"] in methods:
                await self._compare_answer(peer, message, methods[message["id"]])

    async def _await_unfinished(self, peer: Peer) -> None:
        """Where a request was never answered, wait for what was told meanwhile, before the input is closed."""
        answered = all(item.answer for item in self.scenario.exchanges(">") if item.request.message["id"] is not None)
        if answered or self.skipped:
            return
        events = sum(1 for line in self.scenario.notifications("<") if line.message["method"] == "session/event")
        if events:
            await peer.wait_for(lambda line: line.get("method") == "session/event", events)

    async def _compare_answer(self, peer: Peer, recorded: dict[str, Any], method: str) -> None:
        request_id = recorded["id"]
        # An id may be used again once it was answered.
        self._answered[request_id] += 1
        answer = await peer.wait_for(
            lambda line: "method" not in line and line["id"] == request_id, self._answered[request_id]
        )
        if method in handlers():
            self._compare(f"answer {request_id}", recorded, answer)
        elif answer.get("error") != {"code": -32601, "message": f"Method not found: {method}"}:
            self.findings.append(f"answer {request_id}: {answer}, but {method} is not served")

    def _translated(self, message: dict[str, Any]) -> bytes:
        """A message of the client, with the identifiers of this run."""
        text = json.dumps(message)
        for recorded, here in {**self.names, **self.places}.items():
            text = text.replace(recorded, here)
        return text.encode()

    def _compare_events(self, peer: Peer) -> None:
        recorded = [line.message for line in self.scenario.lines if line.direction == "<"]
        for method in ("session/event", "session/stream_event", "session/stream_end"):
            expected, found = _by_stream(recorded, method), _by_stream(peer.lines, method)
            for number, (session, events) in enumerate(expected.items(), start=1):
                place = f"{method.removeprefix('session/')} {number}"
                here = found.get(self.names.get(session, session))
                if here is None:
                    here = self._unnamed(found)
                self._compare(place, events, here)

    def _unnamed(self, found: dict[str, list[Any]]) -> list[Any]:
        """Events of the first session that no answer has named: it was cancelled, or failed, while being created."""
        named = set(self.names.values())
        for session, events in found.items():
            if session not in named:
                named.add(session)
                self.names[f"(unnamed {session})"] = session
                return events
        return []

    def _compare_parse_errors(self, peer: Peer) -> None:
        def codes(lines: list[Any]) -> list[int]:
            answers = [line for line in lines if is_object(line) and line.get("id", 0) is None]
            return [line["error"]["code"] for line in answers if line.get("error", {}).get("code") == -32700]

        recorded = codes([line.message for line in self.scenario.lines if line.direction == "<"])
        self._compare("parse errors", recorded, codes(peer.lines))

    def _compare(self, place: str, recorded: Any, here: Any) -> None:
        self.findings += self._faults(place, recorded, here)

    def _faults(self, place: str, recorded: Any, here: Any) -> Iterator[str]:
        if any(item.covers(place) for item in self.differences):
            return
        if is_object(recorded) and is_object(here):
            for key in sorted(recorded.keys() | here.keys()):
                where = f"{place}.{key}"
                if key in recorded and key in here:
                    yield from self._faults(where, recorded[key], here[key])
                elif not any(item.covers(where) for item in self.differences):
                    value = recorded.get(key, here.get(key))
                    yield f"{where}: {'missing' if key in recorded else 'too much'}: {value!r}"
        elif is_array(recorded) and is_array(here):
            for index, (item, other) in enumerate(zip_longest(recorded, here, fillvalue=_NOTHING)):
                yield from self._faults(f"{place}[{index}]", item, other)
        elif isinstance(recorded, str) and isinstance(here, str):
            if not self._matches(recorded, here):
                yield f"{place}: {here!r}, recorded {recorded!r}"
        elif recorded is _NOTHING or here is _NOTHING:
            yield f"{place}: {'too much' if recorded is _NOTHING else 'missing'}: {recorded!r} {here!r}"
        elif type(recorded) is not type(here) or (recorded != here and not _ANY_NUMBER.search(place)):
            yield f"{place}: {here!r}, recorded {recorded!r}"

    def _matches(self, recorded: str, here: str) -> bool:
        """Whether two strings are the same but for identifiers and times, which are learnt on the way."""
        if recorded.startswith("<") and recorded.endswith(">"):
            return True
        if recorded.startswith("Parse error: "):
            return here.startswith("Parse error: ")
        for name, value in self.places.items():
            recorded = recorded.replace(name, value)
        recorded, here = (_TIME.sub("(time)", _COLUMN.sub("", text)) for text in (recorded, here))
        if _ID.sub("(id)", recorded) != _ID.sub("(id)", here):
            return False
        pairs = zip(_ID.finditer(recorded), _ID.finditer(here), strict=True)
        return all(self.names.setdefault(ours[0], theirs[0]) == theirs[0] for ours, theirs in pairs)


def _by_stream(messages: list[Any], method: str) -> dict[str, list[Any]]:
    """Params of notifications, by what they belong to: a subscription, else a session."""
    found: dict[str, list[Any]] = {}
    for message in messages:
        if is_object(message) and message.get("method") == method:
            params = message["params"]
            found.setdefault(params.get("stream_id", params["session_id"]), []).append(params)
    return found
