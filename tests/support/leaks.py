"""Finds processes, file descriptors and threads that a test left behind."""

from __future__ import annotations

import gc
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

GRACE = 2.0
"""Seconds that the system may take to let go of what a test has closed already."""


@dataclass(frozen=True)
class Holdings:
    """What this process has open: descriptors with what they refer to, and children with their command lines."""

    descriptors: dict[int, str]
    children: dict[int, str]

    @classmethod
    def now(cls) -> Holdings:
        """Take stock."""
        return cls(_descriptors(), _children())

    def left_since(self, before: Holdings) -> list[str]:
        """Say what is held now and was not held before; a descriptor that was closed and opened anew is new."""
        new_fds = {fd: what for fd, what in self.descriptors.items() if before.descriptors.get(fd) != what}
        new_pids = {pid: what for pid, what in self.children.items() if pid not in before.children}
        return [f"file descriptor {fd}: {what}" for fd, what in sorted(new_fds.items())] + [
            f"child process {pid}: {what}" for pid, what in sorted(new_pids.items())
        ]


def leaks_since(before: Holdings, grace: float = GRACE) -> list[str]:
    """Say what is left of what was opened since ``before``; wait up to ``grace`` seconds for it to go."""
    leaks = Holdings.now().left_since(before)
    if leaks:
        gc.collect()
    deadline = time.monotonic() + grace
    while leaks and time.monotonic() < deadline:
        time.sleep(0.01)
        leaks = Holdings.now().left_since(before)
    return leaks


def threads_since(before: set[threading.Thread]) -> list[str]:
    """Return the names of threads that were started since ``threading.enumerate()`` gave ``before`` and still run.

    Those that trio keeps for later do not count: the test runner itself drives trio with them.
    """
    new = {thread.name for thread in threading.enumerate() if thread not in before}
    return sorted(name for name in new if not name.startswith("Trio thread"))


def living_in_group(group: int, grace: float = GRACE) -> list[int]:
    """Return the processes of a group that live on, whose ever children they are; wait for them to go.

    One that has ended and waits to be reaped, by a parent that is not this process, does not count.
    """
    deadline = time.monotonic() + grace
    while living := _living(group):
        if time.monotonic() >= deadline:
            break
        time.sleep(0.01)
    return living


def _living(group: int) -> list[int]:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []
    except PermissionError:
        pass  # macOS, when all of them wait to be reaped
    table = subprocess.run(["ps", "-A", "-o", "pgid=,pid=,stat="], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in table.splitlines()]
    return [int(pid) for pgid, pid, state in rows if int(pgid) == group and not state.startswith("Z")]


def _descriptors() -> dict[int, str]:
    # The listing itself needs a descriptor, which is closed by the time that its link is read.
    links = Path("/proc/self/fd")
    if not links.exists():
        return {int(path.name): "open" for path in Path("/dev/fd").iterdir()}
    found: dict[int, str] = {}
    for path in list(links.iterdir()):
        try:
            found[int(path.name)] = str(path.readlink())
        except FileNotFoundError:
            continue
    return found


def _children() -> dict[int, str]:
    if Path("/proc/self/task").exists():
        listed = [_text(path) for path in Path("/proc/self/task").glob("*/children")]
        pids = [int(pid) for text in listed for pid in text.split()]
        return {pid: _command(pid) for pid in pids}
    table = subprocess.run(["ps", "-A", "-o", "ppid=,pid=,comm="], check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in table.splitlines()]
    return {int(pid): comm for ppid, pid, comm in rows if int(ppid) == os.getpid() and comm != "ps"}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""  # a thread that ended meanwhile


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "gone"
    return b" ".join(words).decode(errors="replace").strip() or "exited, not waited for"
