"""Finds background tasks that a client left behind."""

from __future__ import annotations

import sys

import anyio.lowlevel

PREFIX = "meerkat"
"""How the names of all background tasks of the package begin."""


async def background_tasks() -> list[str]:
    """Return the names of the package's background tasks that run now."""
    # A task that has done its work is still listed until the loop has been around.
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
    return sorted(name for name in all_tasks() if name.startswith(PREFIX))


def all_tasks() -> list[str]:
    """Return the names of all tasks of the event loop, whoever made them."""
    if "trio" in sys.modules:
        import trio

        if trio.lowlevel.in_trio_run():
            root = trio.lowlevel.current_root_task()
            return [] if root is None else _below(root)
    import asyncio

    return [task.get_name() for task in asyncio.all_tasks()]


def _below(task: object) -> list[str]:
    import trio

    assert isinstance(task, trio.lowlevel.Task)
    names = [task.name]
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            names += _below(child)
    return names
