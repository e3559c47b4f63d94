"""One task that waits for one thing, on trio and on asyncio, at a fraction of what an event costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from meerkat._core.background import in_trio

if TYPE_CHECKING:
    import asyncio

    import trio


class Waiter(ABC):
    """Parks the task that calls `wait` until `wake` is called; for one task, once. Made by `make_waiter`."""

    __slots__ = ()

    @abstractmethod
    def wake(self) -> None:
        """Let the task go on; also before it waits, and more than once."""

    @abstractmethod
    async def wait(self) -> None:
        """Wait; lets other tasks run in any case."""


class _TrioWaiter(Waiter):
    __slots__ = ("_task", "_woken")

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None
        self._woken = False

    def wake(self) -> None:
        import trio  # noqa: PLC0415  # loaded, since this runs under it

        self._woken = True
        task, self._task = self._task, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    async def wait(self) -> None:
        import trio  # noqa: PLC0415  # as above

        if self._woken:
            await trio.lowlevel.checkpoint()
            return
        self._task = trio.lowlevel.current_task()

        def cancelled(_: object) -> trio.lowlevel.Abort:
            self._task = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(cancelled)


class _AsyncioWaiter(Waiter):
    __slots__ = ("_future",)

    def __init__(self, future: asyncio.Future[None]) -> None:
        self._future = future

    def wake(self) -> None:
        if not self._future.done():  # it is when the task was cancelled
            self._future.set_result(None)

    async def wait(self) -> None:
        if self._future.done():
            import anyio.lowlevel  # noqa: PLC0415  # a rare case

            await anyio.lowlevel.checkpoint()
        await self._future


def make_waiter() -> Waiter:
    """Return a waiter for the event loop that runs."""
    if in_trio():
        return _TrioWaiter()
    import asyncio  # noqa: PLC0415  # a program on trio does without it

    return _AsyncioWaiter(asyncio.get_running_loop().create_future())
