"""One task that waits for one thing, on trio and on asyncio, at a fraction of what an event costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache, partial
from typing import TYPE_CHECKING

from meerkat._core.background import in_trio

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable


class Waiter(ABC):
    """Parks the task that calls `wait` until `wake` is called; for one task, once. Made by `make_waiter`."""

    __slots__ = ()

    @abstractmethod
    def wake(self) -> None:
        """Let the task go on; also before it waits, and more than once."""

    @abstractmethod
    def wait(self) -> Awaitable[None]:
        """Wait, once what is returned is awaited, which is to be done at once; lets other tasks run in any case."""


@cache
def _trio_waiter() -> type[Waiter]:
    # Made at its first use, so that asyncio does without trio, and so that names need not be looked up at each wait.
    from trio.lowlevel import (  # noqa: PLC0415  # see above
        Abort,
        Task,
        checkpoint,
        current_task,
        reschedule,
        wait_task_rescheduled,
    )

    class TrioWaiter(Waiter):
        __slots__ = ("_task", "_woken")

        def __init__(self) -> None:
            self._task: Task | None = None
            self._woken = False

        def wake(self) -> None:
            self._woken = True
            task = self._task
            if task is not None:
                self._task = None
                reschedule(task)

        def wait(self) -> Awaitable[None]:
            if self._woken:
                return checkpoint()  # noqa: ASYNC105  # by the caller
            self._task = current_task()
            return wait_task_rescheduled(self._cancelled)  # noqa: ASYNC105  # as above

        def _cancelled(self, _: object) -> Abort:
            self._task = None
            return Abort.SUCCEEDED

    return TrioWaiter


class _AsyncioWaiter(Waiter):
    __slots__ = ("_future",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._future: asyncio.Future[None] = loop.create_future()

    def wake(self) -> None:
        if not self._future.done():  # it is when the task was cancelled
            self._future.set_result(None)

    def wait(self) -> Awaitable[None]:
        if self._future.done():
            import anyio.lowlevel  # noqa: PLC0415  # a rare case

            return anyio.lowlevel.checkpoint()
        return self._future


def make_waiter() -> Waiter:
    """Return a waiter for the event loop that runs."""
    return waiter_factory()()


def waiter_factory() -> Callable[[], Waiter]:
    """Return what makes waiters for the event loop that runs."""
    if in_trio():
        return _trio_waiter()
    import asyncio  # noqa: PLC0415  # a program on trio does without it

    return partial(_AsyncioWaiter, asyncio.get_running_loop())


async def serve_readable(descriptor: int, read: Callable[[], bool]) -> None:
    """Call ``read`` each time a descriptor can be read, until it returns false; other tasks run in between.

    Args:
        descriptor: A descriptor that nobody else waits for.
        read: Reads what is there, once; what it raises is raised here.
    """
    if in_trio():
        await _serve_on_trio(descriptor, read)
    else:
        await _serve_on_asyncio(descriptor, read)


async def _serve_on_trio(descriptor: int, read: Callable[[], bool]) -> None:
    import trio  # noqa: PLC0415  # loaded, since this runs under it

    while True:
        await trio.lowlevel.wait_readable(descriptor)
        if not read():
            return


async def _serve_on_asyncio(descriptor: int, read: Callable[[], bool]) -> None:
    # The descriptor stays registered and is read by the selector's callback: to register it for each read and to wake a
    # task would cost more than the read.
    import asyncio  # noqa: PLC0415  # a program on trio does without it

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if ended.done():
            return
        try:
            if not read():
                ended.set_result(None)
        except BaseException as error:  # noqa: BLE001  # it is raised in the task that waits
            ended.set_exception(error)

    loop.add_reader(descriptor, readable)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)


def make_clock() -> Callable[[], float]:
    """Return the clock of the event loop that runs."""
    if in_trio():
        import trio  # noqa: PLC0415  # as above

        return trio.lowlevel.current_clock().current_time
    import asyncio  # noqa: PLC0415  # as above

    return asyncio.get_running_loop().time
