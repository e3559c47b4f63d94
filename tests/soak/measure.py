"""What a process holds at one moment, when nobody is at work: memory, descriptors, children, tasks, threads, tables."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from meerkat._core import process
from tests.support.leaks import Holdings
from tests.support.tasks import all_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sized

POOLS: Final = ("AnyIO worker thread", "asyncio_", "Trio thread")
"""How the names of threads begin that both libraries keep for a while after they have done their work."""


@dataclass(frozen=True)
class Sample:
    """What was held at one moment.

    Attributes:
        at: Seconds since the beginning.
        pieces: Pieces of work that had ended by then.
        rss: Resident memory in bytes.
        blocks: Small objects that the interpreter has allocated: noise-free where resident memory is not.
        counts: What has to be the same at every such moment, by its name.
        excess: What clients keep in their tables beyond what a client keeps that has nothing to do, by table.
        pool_threads: Threads that the async library keeps for the next function that blocks.
    """

    at: float
    pieces: int
    rss: int
    blocks: int
    counts: Mapping[str, int]
    excess: Mapping[str, int] = field(default_factory=dict[str, int])
    pool_threads: int = 0


def take(at: float, pieces: int, excess: Mapping[str, int]) -> Sample:
    """Take stock; runs the garbage collector first."""
    gc.collect()
    pooled = sum(thread.name.startswith(POOLS) for thread in threading.enumerate())
    return Sample(at, pieces, _resident(), sys.getallocatedblocks(), counts(), excess, pooled)


def counts() -> dict[str, int]:
    """Count what has to be the same at every rest."""
    held = Holdings.now()
    return {
        "descriptors": len(held.descriptors),
        "children": len(held.children),
        "tasks": len(all_tasks()),
        "threads": sum(not thread.name.startswith(POOLS) for thread in threading.enumerate()),
        "runtimes": len(process._LIVE),
    }


def tables(roots: Iterable[object]) -> Counter[str]:
    """Count the entries of every collection in the package's own objects that can be reached from some of them.

    No table is named here, so one that is added later is counted as well.
    """
    found: Counter[str] = Counter()
    seen: set[int] = set()
    todo = list(roots)
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        for name, value in _attributes(thing):
            if isinstance(value, _COLLECTIONS):
                found[f"{type(thing).__name__}.{name}"] += len(cast("Sized", value))
            todo += _ours_within(cast("object", value))
    return +found


_COLLECTIONS: Final = (dict, list, set, deque)


def _attributes(thing: object) -> Iterator[tuple[str, Any]]:
    yield from getattr(thing, "__dict__", {}).items()
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield name, getattr(thing, name)


def _ours_within(value: object) -> list[object]:
    parts: Iterable[object] = ()
    if isinstance(value, dict):
        parts = cast("dict[object, object]", value).values()
    elif isinstance(value, list | tuple | set | frozenset | deque):
        parts = cast("Iterable[object]", value)
    else:
        module = type(value).__module__
        return [value] if module.startswith("meerkat.") and not module.startswith("meerkat._generated.") else []
    return [ours for part in parts for ours in _ours_within(part)]


def _resident() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], check=True, capture_output=True, text=True)
    return int(told.stdout) * 1024
