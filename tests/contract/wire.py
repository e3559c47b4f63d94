"""A client whose runtime keeps every line and answers as the test says, and how the contract's methods are called."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from meerkat.client import MeerkatClient
from tests.contract.document import Method, document, ref

if TYPE_CHECKING:
    from collections.abc import Mapping

PEER: Final = Path(__file__).with_name("answering.py")
HANDSHAKE: Final = ("initialize", "capabilities/get")
BY_ITSELF: Final = frozenset({"runtime/health"})
"""Requests that the client sends when it wants to know whether the runtime still reads."""

STREAM_ENDS: Final = {"session/stream_close": "session/stream_end", "mob/stream_close": "mob/stream_end"}
"""What the runtime tells of a subscription that it closes."""


def run_of(session_id: str, prompt: Any) -> list[dict[str, Any]]:
    """Return what the runtime tells of a run, so that nobody waits for it after the answer."""
    made = document().samples
    params = made.full(ref("SessionEventParams"))
    arms = document().schemas["AgentEvent"]["discriminator"]["mapping"]
    told: list[dict[str, Any]] = []
    for tag, more in (("run_started", {"prompt": prompt}), ("run_completed", {"extraction_required": False})):
        payload = {**made.minimal({"$ref": arms[tag]}), "session_id": session_id, **more}
        event = {**params["event"], "seq": len(told) + 1, "payload": payload}
        told.append({"method": "session/event", "params": {**params, "session_id": session_id, "event": event}})
    return told


class Wire:
    """A client, and both ends of its wire.

    Attributes:
        client: The client.
        answers: What the runtime answers, by method.
    """

    def __init__(self, directory: Path) -> None:
        self.client = MeerkatClient(sys.executable, args=["-S", "-E", str(PEER), str(directory)])
        self.answers: dict[str, Any] = {}
        self._directory = directory
        self._read = 0
        (directory / "lines").touch()

    async def connect(self) -> None:
        """Start the runtime and greet it."""
        for name in (*HANDSHAKE, *BY_ITSELF):
            self.answer_validly(document().requests[name], {})
        self.ends_stream("some stream_id")
        self.answers["initialize"]["outcome"]["result"]["contract_version"] = document().raw["info"]["version"]
        self._tell()
        await self.client.connect()

    def answer(self, method: str, result: Any, *before: Mapping[str, Any]) -> None:
        """Say what the runtime answers to a method, and what it writes first."""
        self.told(method, {"result": result}, *before)

    def answer_validly(self, method: Method, params: Mapping[str, Any]) -> Any:
        """Let the runtime answer a method with a result that has everything; return the result."""
        made = document().samples
        schema = method.result
        if method.name == "session/create" and params.get("initial_turn") == "deferred":
            schema = ref("DeferredCreateResult")
        assert schema is not None
        result = made.full(schema)
        before: list[dict[str, Any]] = []
        if method.name in {"session/create", "turn/start"}:
            before = run_of(params.get("session_id") or result["session_id"], params["prompt"])
        if method.name == "session/peer_response_terminal":
            # The runtime works such a response in by itself, and turns of the session wait until it has done so.
            self.answers["runtime/health"]["before"] = run_of(params["session_id"], "what a peer said")
        self.answer(method.name, result, *before)
        return result

    def ends_stream(self, stream_id: str) -> None:
        """Let the runtime tell of the end of a subscription when it is asked to close one."""
        made = document().samples
        for name, told in STREAM_ENDS.items():
            params = made.full(ref(str(document().methods[told].params_type)))
            result = made.full(document().requests[name].result or {})
            self.answer(name, result, {"method": told, "params": {**params, "stream_id": stream_id}})

    def told(self, method: str, outcome: Mapping[str, Any], *before: Mapping[str, Any]) -> None:
        """Say how the runtime answers a method, with a result or an error."""
        self.answers[method] = {"outcome": outcome, "before": before}
        self._tell()

    def _tell(self) -> None:
        # In one step: what an earlier test left running may be asking at this moment.
        new = self._directory / "answers.new"
        new.write_text(json.dumps(self.answers), encoding="utf-8")
        new.replace(self._directory / "answers.json")

    def taken(self) -> list[dict[str, Any]]:
        """Return the messages that the client wrote since the last call."""
        with (self._directory / "lines").open("rb") as lines:
            lines.seek(self._read)
            new = lines.read()
        self._read += len(new)
        return [json.loads(line) for line in new.splitlines()]

    def requests(self, method: str) -> list[Any]:
        """Return the parameters of the requests of a method since the last call of this or `taken`.

        Every one of them has exactly the keys that a request has.
        """
        found = [message for message in self.taken() if message["method"] == method]
        for message in found:
            assert message.keys() == {"jsonrpc", "id", "method", "params"}
            assert message["jsonrpc"] == "2.0"
        return [message["params"] for message in found]
