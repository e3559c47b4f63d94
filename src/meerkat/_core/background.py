"""Tasks without a task group, on trio and on asyncio.

A connection lives between ``connect()`` and ``close()``, which need not stand in one block; so its tasks cannot belong
to a task group of the caller. trio has system tasks for this, asyncio plain ones; both must never raise.
"""

from __future__ import annotations

import contextvars
import logging
import sys
from typing import TYPE_CHECKING, Any

from anyio import CancelScope, Event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

logger = logging.getLogger("meerkat.connection")


class Background:
    """A task that runs until it ends, is cancelled, or the event loop ends.

    Args:
        function: What it does.
        name: Its name.
        context: What it runs in; by default a copy of that of whoever starts it, which lives as long as the task.
        failed: Told of the exception that ended it, which is logged in any case; must not raise.
        ended: Called when it has ended, however, and whether it ran at all; must not raise.
    """

    def __init__(
        self,
        function: Callable[[], Awaitable[Any]],
        name: str,
        *,
        context: contextvars.Context | None = None,
        failed: Callable[[Exception], object] | None = None,
        ended: Callable[[], object] | None = None,
    ) -> None:
        self._function = function
        self._name = name
        self._failed = failed
        self._on_end = ended
        self._scope: CancelScope | None = None
        self._cancelled = False
        self._ended = Event()
        self._task = _spawn(self._run, name, contextvars.copy_context() if context is None else context, self._end)

    def cancel(self) -> None:
        """Ask it to end, if it has not; one that has not begun runs nothing at all."""
        if self._ended.is_set():  # asking is not free
            return
        self._cancelled = True
        if self._scope is not None:
            self._scope.cancel()

    async def wait(self) -> None:
        """Wait until it has ended."""
        await self._ended.wait()

    async def _run(self) -> None:
        try:
            if self._cancelled:
                return  # what it would use may be gone by now, a descriptor even be somebody else's
            # Made in the task: who starts it may be a callback of the event loop, where anyio cannot tell what runs.
            with CancelScope() as self._scope:
                await self._function()
        except Exception as error:
            # Raising would take down the whole program on trio, and be reported late or never on asyncio.
            logger.exception("the task %s failed", self._name)
            if self._failed is not None:
                self._failed(error)
        finally:
            self._end()

    def _end(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            if self._on_end is not None:
                self._on_end()


def in_trio() -> bool:
    """Whether the caller runs under trio; asyncio otherwise. Does not import trio."""
    if "trio" not in sys.modules:
        return False
    import trio  # noqa: PLC0415  # only where the program has it already

    return trio.lowlevel.in_trio_run()


def _spawn(
    function: Callable[[], Awaitable[None]], name: str, context: contextvars.Context, ended: Callable[[], object]
) -> object:
    if in_trio():
        import trio  # noqa: PLC0415  # see in_trio

        return trio.lowlevel.spawn_system_task(function, name=name, context=context)
    import asyncio  # noqa: PLC0415  # a program on trio does without it

    async def run() -> None:
        await function()

    # Not by the loop, whose task factory may begin it before this returns, within whatever starts it.
    task = asyncio.Task(run(), loop=asyncio.get_running_loop(), name=name, context=context)
    # A task that is cancelled before it begins, as all are at the end of asyncio.run, runs nothing that could tell.
    task.add_done_callback(lambda _: ended(), context=context)
    return task  # the loop holds tasks weakly, so the caller keeps it
