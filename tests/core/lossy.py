"""A model of how the runtime reads: a piece at a time, losing what it has read of a line when it has to write."""

from __future__ import annotations

import json
from collections import Counter, deque
from typing import Any, Final

import msgspec

PROBE: Final = "runtime/health"
EVENT: Final = "session/event"
PARSE_ERROR: Final = -32700
CANCELLED: Final = -32005

Outcome = dict[str, int] | tuple[int, str] | None
"""What an answer is: its result, or its error's code and message."""


class Message(msgspec.Struct, eq=False):
    """A line of the runtime on its way to the client.

    Attributes:
        data: Its bytes, newline included.
        kind: ``answer`` to a call, ``probe``, ``event``, ``ask`` for a request, ``stray`` for an error without an id,
            ``noise``; ``long`` and ``unclear`` for lines over the client's limit, with and without a known call.
        key: Id of the call, of the probe or of the request that it is; number of the event.
        outcome: What an answer or an error says.
    """

    data: bytes
    kind: str
    key: int = 0
    outcome: Outcome = None


def line_of(**content: Any) -> bytes:
    """A message of the runtime as a line."""
    return json.dumps({"jsonrpc": "2.0", **content}).encode() + b"\n"


class LossyRuntime:
    """Reads, runs and answers when told to; what it wrote waits in ``wire`` until it is delivered.

    Attributes:
        taken: What was read whole, in order: calls, notifications and answers by their names.
        ran: How often each call and each notification ran, and each answer was taken.
        cancels: How often each call was cancelled.
        lost: How often each line was lost.
        open: Calls that run and are not answered, oldest first.
        probes: Probes that were read and are not answered, oldest first.
    """

    def __init__(self, read_size: int) -> None:
        self._read_size = read_size
        self._pipe = bytearray()
        self._begun = b""  # of the line that was read in part
        self._cut = False  # its beginning was lost
        self._next = 0
        self._overtaken: set[int] = set()
        self.wire: deque[Message] = deque()
        self.taken: list[str] = []
        self.ran: Counter[str] = Counter()
        self.cancels: Counter[int] = Counter()
        self.lost: Counter[str] = Counter()
        self.open: list[int] = []
        self.probes: list[int] = []

    @property
    def idle(self) -> bool:
        """Whether everything that was written was read."""
        return not self._pipe

    def write(self, data: bytes) -> None:
        """Take what the client wrote, in one piece."""
        self._pipe += data

    def read(self, *, busy: bool = False, half: bool = False) -> None:
        """Read a piece, and run the lines that are whole with it.

        Args:
            busy: Something is to be written just then: the line that is not whole yet is lost. Nothing says so until
                the rest of it is read.
            half: The piece is smaller than could be, as the pipe was full when the client wrote.
        """
        size = self._read_size
        if half and len(self._pipe) > size:
            size //= 2
        piece = bytes(self._pipe[:size])
        del self._pipe[:size]
        *lines, rest = piece.split(b"\n")
        for line in lines:
            self._take(self._begun + line)
            self._begun, self._cut = b"", False
        self._begun += rest
        # Of a line that is cut right before its newline an empty one is left, and nothing would tell of the loss.
        if busy and self._begun and not self._pipe.startswith(b"\n"):
            self._lose()

    def lose_first(self, name: str) -> bool:
        """Lose a line if it is the next to be read; return whether it is."""
        line, newline, rest = bytes(self._pipe).partition(b"\n")
        if self._begun or self._cut or not newline or name_of(json.loads(line)) != name:
            return False
        self._pipe[:] = rest
        self.lost[name] += 1
        self.stray(PARSE_ERROR)
        return True

    def answer(self, key: int, *, error: bool) -> None:
        """Answer a call."""
        self.open.remove(key)
        self.reply(key, error=error)

    def reply(self, key: int, *, error: bool, code: int = -32001) -> None:
        """Write an answer, to whatever."""
        if error:
            text = f"of {key}"
            self._send(line_of(id=key, error={"code": code, "message": text}), "answer", key, (code, text))
        else:
            self._send(line_of(id=key, result={"of": key}), "answer", key, {"of": key})

    def answer_probe(self, *, overtaking: bool = False) -> None:
        """Answer the oldest probe, or let the next one overtake it, which happens to none twice."""
        overtaking = overtaking and len(self.probes) > 1 and self.probes[0] not in self._overtaken
        if overtaking:
            self._overtaken.add(self.probes[0])
        key = self.probes.pop(int(overtaking))
        self._send(line_of(id=key, result={"status": "ok"}), "probe", key)

    def event(self) -> None:
        """Write a notification."""
        self._next += 1
        self._send(line_of(method=EVENT, params={"number": self._next}), "event", self._next)

    def ask(self) -> None:
        """Write a request to the client."""
        self._next += 1
        self._send(line_of(method="tool/execute", params={}, id=self._next), "ask", self._next)

    def noise(self, line: bytes) -> None:
        """Write what is not part of the protocol."""
        self._send(line + b"\n", "noise")

    def stray(self, code: int) -> None:
        """Write an error without an id."""
        self._next += 1
        text = f"error {self._next}"
        self._send(line_of(id=None, error={"code": code, "message": text}), "stray", 0, (code, text))

    def too_long(self, kind: str, size: int) -> None:
        """Write a line over the client's limit: an ``event``, or an answer with its id before or ``behind`` the value.

        An answer is to the oldest call; where there is none, ``behind`` is an answer to nobody, which cannot be seen.
        """
        value = "x" * size
        key = self.open.pop(0) if self.open and kind != "event" else 0
        if kind == "event":
            self._send(line_of(method=EVENT, params=value), "noise")
        elif kind == "behind":
            self._send(line_of(result=value, id=key), "unclear")
        elif key:
            self._send(line_of(id=key, result=value), "long", key)

    def _send(self, data: bytes, kind: str, key: int = 0, outcome: Outcome = None) -> None:
        self.wire.append(Message(data, kind, key, outcome))

    def _take(self, line: bytes) -> None:
        if self._cut:
            # Reported before the next line is read.
            self.stray(PARSE_ERROR)
            return
        message = json.loads(line)
        name = name_of(message)
        if message.get("method") == "cancel":
            key = message["params"]["request_id"]
            self.cancels[key] += 1
            if key in self.open:
                self.open.remove(key)
                self.reply(key, error=True, code=CANCELLED)
        elif message.get("method") == PROBE:
            self.probes.append(message["id"])
        else:
            self.ran[name] += 1
            self.taken.append(name)
            if name.startswith("call"):
                self.open.append(message["id"])

    def _lose(self) -> None:
        if not self._cut:
            whole = self._begun + bytes(self._pipe).partition(b"\n")[0]
            self.lost[name_of(json.loads(whole))] += 1
        self._begun, self._cut = b"", True


def name_of(message: dict[str, Any]) -> str:
    """What a message of the client is: ``call 3``, ``notification 1``, ``answer 2``, ``probe 7``, ``cancel 3``."""
    match message:
        case {"method": "cancel", "params": {"request_id": key}}:
            return f"cancel {key}"
        case {"method": method, "id": key}:
            return f"probe {key}" if method == PROBE else f"call {key}"
        case {"params": {"number": number}}:
            return f"notification {number}"
        case _:
            return f"answer {message['id']}"
