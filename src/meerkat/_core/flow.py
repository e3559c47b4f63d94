"""Flow control towards the runtime: which request lines may go out, and which were surely read. No I/O.

The runtime loses a request line that it has read in part when something of its own is due to be written just then. It
reads 8 KiB at a time. So no more than that is ever unread: an answer to a line proves that it and all lines before it
were read, and where the window is full, a small request (the probe) is sent for the sake of its answer. A line that
is longer than the window goes alone with a probe right behind it: the runtime reports a lost line before it reads the
next one, so the probe's answer tells whether to send the line again. It never runs twice, since a lost line did not
run.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW: Final = 8192
RESENDS: Final = 1000  # a burst of the runtime, which is when lines are lost, may last for seconds


class Line(msgspec.Struct, eq=False):
    """A line to the runtime. A struct, since making one is most of what it costs.

    Attributes:
        data: Its bytes, newline included; emptied when they are not needed any more.
        key: Id of the request that it carries, 0 when nothing answers it.
        size: How many bytes it has.
        number: Its place in the order of writing, 0 as long as it has not gone out.
        resends: How often it was sent again.
        withdrawn: Nobody is interested any more; it is not sent (again).
    """

    data: bytes
    key: int = 0
    size: int = 0
    number: int = 0
    resends: int = 0
    withdrawn: bool = False

    def __repr__(self) -> str:
        return f"Line({self.key}, {len(self.data)} bytes)"

    def __rich_repr__(self) -> list[tuple[str, int]]:
        return [("key", self.key), ("size", len(self.data))]  # its bytes may hold secrets


class _Proof:
    """A long line that was sent and is not known to be read.

    A lost line shows as one stray error, and so does a lost probe. So once a probe is answered, the line was lost if
    there are more strays than probes that were sent before and stayed unanswered.
    """

    def __init__(self, line: Line, probe: Line) -> None:
        self.line = line
        self.strays = 0
        self.probes = [probe.key]

    def lost(self, answered: int) -> bool:
        return self.strays > self.probes.index(answered)


class Gate:
    """Lets whole lines through, never more than the window unread.

    Args:
        window: Bytes that may be unread; ``None`` turns flow control off.
        probe: Makes a small request and returns its id and its line.
        lost: Told of a line that was lost and is given up: it never took effect and never will.
    """

    def __init__(
        self, window: int | None, probe: Callable[[], tuple[int, bytes]], lost: Callable[[Line], None]
    ) -> None:
        # Room for a probe is kept free, or a full window could never be proved read.
        self._window = inf if window is None else window - _PROBE_ROOM
        self._probe = probe
        self._lost = lost
        self._queue: deque[Line] = deque()
        self._unread: deque[Line] = deque()
        self._unread_size = 0
        self._next_number = 1
        self._probes: dict[int, Line] = {}
        self._proof: _Proof | None = None
        self._full = False  # the first line that waits may not pass, so none may until something changes
        self.resent = 0

    @property
    def waiting(self) -> int:
        """How many lines have not gone out yet."""
        return len(self._queue)

    @property
    def probe_out(self) -> int | None:
        """Id of the newest probe that is not answered."""
        return max(self._probes, default=None)

    @property
    def probing(self) -> bool:
        """Whether a probe is not answered."""
        return bool(self._probes)

    def put(self, line: Line, *, first: bool = False) -> None:
        """Queue a line; ``first`` puts it before all that wait."""
        line.size = len(line.data)
        if first:
            self._queue_first(line)
        else:
            self._queue.append(line)

    def withdraw(self, line: Line) -> bool:
        """Take a line back; return whether it had not gone out."""
        line.withdrawn = True
        self._full = False
        if line.number or line not in self._queue:
            return False
        self._queue.remove(line)
        return True

    def take(self) -> bytes:
        """Return the bytes that may be written now; they must all be written before the next call."""
        if self._full:
            return b""
        out: list[bytes] = []
        while self._queue:
            line = self._queue[0]
            if line.withdrawn:
                self._queue.popleft()
                self._lost(line)
                continue
            fits = self._unread_size + line.size <= self._window and self._proof is None
            if not fits and not self._may_pass_alone(line, out):
                self._full = True
                break
            self._queue.popleft()
            self._send(line, out)
        return b"".join(out)

    def read_up_to(self, line: Line) -> None:
        """Note that a line was read, since its answer came; so were all lines before it."""
        self._full = False
        unread, number = self._unread, line.number
        while unread and unread[0].number <= number:
            self._unread_size -= unread.popleft().size

    def probe_answered(self, key: int) -> bool:
        """Note an answer that no caller waits for; return whether it is the answer to a probe."""
        probe = self._probes.pop(key, None)
        if probe is None:
            return False
        self.read_up_to(probe)
        proof = self._proof
        if proof is not None and key in proof.probes:
            self._proof = None
            for other in proof.probes:
                self._probes.pop(other, None)
            if proof.lost(key):
                self._send_again(proof.line)
        return True

    def stray(self) -> bool:
        """Note an error that answers no id; return whether it is explained by a long line on its way."""
        if self._proof is None:
            return False
        self._proof.strays += 1
        return True

    def oldest_unread(self) -> int | None:
        """Id of the oldest request that is out and not known to be read."""
        return next((line.key for line in self._unread if line.key and line.key not in self._probes), None)

    def probe_again(self) -> None:
        """Send another probe: the one that is out may have been lost itself. For the driver's timer."""
        if self._probes:
            line = self._new_probe()
            if self._proof is not None:
                self._proof.probes.append(line.key)
            # Past everything that waits, or the proof could never come.
            self._queue_first(line)

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._queue.clear()
        self._unread.clear()
        self._probes.clear()
        self._unread_size = 0
        self._proof = None
        self._full = False

    def _may_pass_alone(self, line: Line, out: list[bytes]) -> bool:
        if line.key in self._probes:
            return True
        if self._proof is not None:
            return False
        if not self._unread:
            return True
        if not self._probes:
            self._send(self._new_probe(), out)
        return False

    def _send(self, line: Line, out: list[bytes]) -> None:
        out.append(line.data)
        line.number = self._next_number
        self._next_number += 1
        self._unread.append(line)
        self._unread_size += line.size
        if line.size > self._window:
            probe = self._new_probe()
            self._proof = _Proof(line, probe)
            self._send(probe, out)

    def _new_probe(self) -> Line:
        key, data = self._probe()
        line = self._probes[key] = Line(data, key, len(data))
        return line

    def _send_again(self, line: Line) -> None:
        if line.withdrawn or line.resends == RESENDS:
            self._lost(line)
            return
        line.resends += 1
        self.resent += 1
        self._queue_first(line)

    def _queue_first(self, line: Line) -> None:
        self._queue.appendleft(line)
        self._full = False


_PROBE_ROOM: Final = 256
