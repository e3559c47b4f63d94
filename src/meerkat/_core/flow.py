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
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW: Final = 8192
RESENDS: Final = 64


class Line:
    """A line to the runtime.

    Attributes:
        data: Its bytes, newline included.
        key: Id of the request that it carries, or ``None`` when nothing answers it.
        lost: Called when the line was lost and is given up.
        number: Its place in the order of writing, 0 as long as it has not gone out.
        withdrawn: Nobody is interested any more; it is not sent (again).
    """

    __slots__ = ("data", "key", "lost", "number", "resends", "withdrawn")

    def __init__(self, data: bytes, key: int | None = None, lost: Callable[[], None] | None = None) -> None:
        self.data = data
        self.key = key
        self.lost = lost
        self.number = 0
        self.resends = 0
        self.withdrawn = False

    def give_up(self) -> None:
        """Tell the owner that the line never took effect and never will."""
        if self.lost is not None:
            self.lost()


class _Proof:
    """A long line that was sent and is not known to be read.

    A lost line shows as one stray error, and so does a lost probe. So once a probe is answered, the line was lost if
    there are more strays than probes that were sent before and stayed unanswered.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.strays = 0
        self.probes: list[int] = []

    def lost(self, answered: int) -> bool:
        return self.strays > self.probes.index(answered)


class Gate:
    """Lets whole lines through, never more than the window unread.

    Args:
        window: Bytes that may be unread; ``None`` turns flow control off.
        probe: Makes a small request and returns its id and its line.
    """

    def __init__(self, window: int | None, probe: Callable[[], tuple[int, bytes]]) -> None:
        self._window = window
        self._probe = probe
        self._queue: deque[Line] = deque()
        self._unread: deque[Line] = deque()
        self._unread_size = 0
        self._numbers: dict[int, int] = {}  # request id -> number of its line in the order of writing
        self._next_number = 1
        self._probes: set[int] = set()
        self._proof: _Proof | None = None
        self.resent = 0

    @property
    def waiting(self) -> int:
        """How many lines have not gone out yet."""
        return len(self._queue)

    @property
    def probe_out(self) -> int | None:
        """Id of the newest probe that is not answered."""
        return max(self._probes, default=None)

    def put(self, line: Line, *, first: bool = False) -> None:
        """Queue a line; ``first`` puts it before all that wait."""
        if first:
            self._queue.appendleft(line)
        else:
            self._queue.append(line)

    def withdraw(self, line: Line) -> bool:
        """Take a line back; return whether it had not gone out."""
        line.withdrawn = True
        if line.number or line not in self._queue:
            return False
        self._queue.remove(line)
        return True

    def take(self) -> bytes:
        """Return the bytes that may be written now; they must all be written before the next call."""
        out: list[bytes] = []
        while self._queue:
            line = self._queue[0]
            if line.withdrawn:
                self._queue.popleft()
                line.give_up()
                continue
            if not self._may_pass(line, out):
                break
            self._queue.popleft()
            self._send(line, out)
        return b"".join(out)

    def answered(self, key: int) -> bool:
        """Note the answer to a request; return whether it was a probe, which nobody else waits for."""
        number = self._numbers.get(key)
        if number is not None:
            self._read_up_to(number)
        if key not in self._probes:
            return False
        self._probes.discard(key)
        proof = self._proof
        if proof is not None and key in proof.probes:
            self._proof = None
            self._probes.difference_update(proof.probes)
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
        return next((line.key for line in self._unread if line.key is not None and line.key not in self._probes), None)

    def probe_again(self) -> None:
        """Send another probe: the one that is out may have been lost itself. For the driver's timer."""
        if self._probes:
            line = self._new_probe()
            if self._proof is not None and line.key is not None:
                self._proof.probes.append(line.key)
            # Past everything that waits, or the proof could never come.
            self._queue.appendleft(line)

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._queue.clear()
        self._unread.clear()
        self._numbers.clear()
        self._probes.clear()
        self._unread_size = 0
        self._proof = None

    def _may_pass(self, line: Line, out: list[bytes]) -> bool:
        if self._window is None:
            return True
        if line.key in self._probes:
            return True
        if self._proof is not None:
            return False
        if not self._unread:
            return True
        # Room for a probe is kept free, or a full window could never be proved read.
        room = self._window - self._unread_size - _PROBE_ROOM
        if len(line.data) <= room:
            return True
        if not self._probes:
            self._send(self._new_probe(), out)
        return False

    def _send(self, line: Line, out: list[bytes]) -> None:
        out.append(line.data)
        line.number = self._next_number
        self._next_number += 1
        if self._window is None:
            return
        self._unread.append(line)
        self._unread_size += len(line.data)
        if line.key is not None:
            self._numbers[line.key] = line.number
        if len(line.data) > self._window - _PROBE_ROOM:
            probe = self._new_probe()
            proof = self._proof = _Proof(line)
            if probe.key is not None:
                proof.probes.append(probe.key)
            self._send(probe, out)

    def _new_probe(self) -> Line:
        key, data = self._probe()
        self._probes.add(key)
        return Line(data, key)

    def _send_again(self, line: Line) -> None:
        if line.withdrawn or line.resends == RESENDS:
            line.give_up()
            return
        line.resends += 1
        self.resent += 1
        self._queue.appendleft(line)

    def _read_up_to(self, number: int) -> None:
        while self._unread and self._unread[0].number <= number:
            line = self._unread.popleft()
            self._unread_size -= len(line.data)
            if line.key is not None:
                self._numbers.pop(line.key, None)


_PROBE_ROOM: Final = 256
