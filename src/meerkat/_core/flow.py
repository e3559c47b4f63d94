"""Flow control towards the runtime: which request lines may go out, and which were surely read. No I/O.

The runtime loses a request line that it has read in part when something of its own is due to be written just then. It
reads 8 KiB at a time. So no more than that is ever unread: an answer to a line proves that it and all lines before it
were read, and where the window is full, a small request (the probe) is sent for the sake of its answer. A line that
is longer than the window goes alone with a probe right behind it: the runtime reports a lost line before it reads the
next one, so the probe's answer tells whether to send the line again. It never runs twice, since a lost line did not
run.
"""

from __future__ import annotations

import json
import re
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
    """A long line that was sent and is not known to be read, with the probes behind it.

    A lost line shows as one stray error before the next one is read, and so does a lost probe. So no stray before the
    answer to any probe means that the line was read. And with the answer to the newest probe all strays are there: of
    the line, and of older probes that stay unanswered. When these may account for all strays, one more probe gives the
    older ones time to be answered after all.

    Attributes:
        line: The long line.
        probes: Ids of its probes, in the order in which they were sent.
        strays: Strays that were seen since it was sent.
        lost: Whether it was lost, as soon as that is known.
    """

    def __init__(self, line: Line, probe: Line) -> None:
        self.line = line
        self.probes = [probe.key]
        self.strays = 0
        self.lost: bool | None = None
        self._unanswered = {probe.key}
        self._doubted: tuple[int, set[int]] | None = None  # strays, and the probes that they may be of

    def repeat(self, probe: Line) -> None:
        """Note another probe."""
        self.probes.append(probe.key)
        self._unanswered.add(probe.key)

    def answered(self, key: int) -> bool:
        """Note the answer to a probe; return whether it was the newest one."""
        self._unanswered.discard(key)
        newest = key == self.probes[-1]
        if self.lost is None:
            if not self.strays:
                self.lost = False
            elif self._doubted is not None:
                self._weigh(*self._doubted, key, enough=newest)
            elif newest:
                self._doubted = self.strays, self._unanswered.copy()
                self._weigh(*self._doubted, key, enough=False)
        return newest

    def _weigh(self, strays: int, older: set[int], answered: int, *, enough: bool) -> None:
        older.discard(answered)
        if strays > len(older):
            self.lost = True
        elif enough:
            self.lost = False


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
        self._probes: dict[int, Line] = {}  # that are not known to be read
        self._late: deque[int] = deque(maxlen=_LATE)  # probes that were read or lost, and are not answered
        self._proof: _Proof | None = None
        self._full = False  # the first line that waits may not pass, so none may until something changes
        self.resent = 0

    @property
    def waiting(self) -> int:
        """How many lines have not gone out yet."""
        return len(self._queue)

    @property
    def probe_out(self) -> int | None:
        """Id of the newest probe, as long as it is not answered."""
        return max(self._probes, default=None)

    @property
    def probing(self) -> bool:
        """Whether a probe is not answered."""
        return bool(self._probes)

    def put(self, line: Line, *, first: bool = False) -> None:
        """Queue a line; ``first`` puts it before all that wait, except probes."""
        data = line.data
        if not data.isascii() or len(data) % _PAGE == 1:
            line.data = data = _safe(data)
        line.size = len(data)
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
        unread, number, probes = self._unread, line.number, self._probes
        while unread and unread[0].number <= number:
            read = unread.popleft()
            self._unread_size -= read.size
            if probes and probes.pop(read.key, None) is not None:
                self._late.append(read.key)

    def probe_answered(self, key: int) -> bool:
        """Note an answer that no caller waits for; return whether it is the answer to a probe."""
        probe = self._probes.get(key)
        if probe is not None:
            self.read_up_to(probe)
        if key not in self._late:
            return False
        self._late.remove(key)
        proof = self._proof
        if proof is not None and key in proof.probes and proof.answered(key):
            if proof.lost is None:
                self._repeat_probe()
            else:
                self._proof = None
                if proof.lost:
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
        newest = self.probe_out
        if newest is None or not self._probes[newest].number:
            return
        # Too many could fill what is kept free of the window, and be lost for it.
        if self._proof is not None or len(self._probes) <= _REPEATS:
            self._repeat_probe()

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._queue.clear()
        self._unread.clear()
        self._probes.clear()
        self._late.clear()
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
        if self._window == inf:
            return
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

    def _repeat_probe(self) -> None:
        probe = self._new_probe()
        if self._proof is not None:
            self._proof.repeat(probe)
        self._queue_first(probe)  # past everything that waits, or the proof could never come

    def _send_again(self, line: Line) -> None:
        if line.withdrawn or line.resends == RESENDS:
            self._lost(line)
            return
        line.resends += 1
        self.resent += 1
        self._queue_first(line)

    def _queue_first(self, line: Line) -> None:
        # Behind the probes that wait: the others may have to wait for what these prove.
        others = (place for place, waiting in enumerate(self._queue) if waiting.key not in self._probes)
        self._queue.insert(next(others, len(self._queue)), line)
        self._full = False


def _safe(data: bytes) -> bytes:
    """Write a line so that the runtime notices its loss, and survives it.

    It ends when what is left of a line begins within a character, so there must be none of several bytes. And it says
    nothing when only the newline is left, which can be when the last of the pipe's pages holds but that.
    """
    if not data.isascii():
        data = _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], data.decode()).encode()
    return b"{ " + data[1:] if len(data) % _PAGE == 1 else data


_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_PAGE: Final = 4096  # bytes that a pipe keeps together
_PROBE_ROOM: Final = 256
_REPEATS: Final = 2  # of a probe, while no long line is out
_LATE: Final = 1000
