"""One task that waits for one thing, on trio and on asyncio, at a fraction of what an event costs."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from functools import cache
from typing import TYPE_CHECKING, Any
from typing import Protocol as Interface

from meerkat._core.background import in_trio
from meerkat._core.call import Call

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
    if in_trio():
        return _trio_waiter()()
    import asyncio  # noqa: PLC0415  # a program on trio does without it

    return _AsyncioWaiter(asyncio.get_running_loop())


def call_waiting() -> tuple[type[Call], Callable[[Any], Awaitable[None]]]:
    """Return a class of calls that can be waited for on the event loop that runs, and the function that waits.

    The function is given one of these calls. What it returns is to be awaited at once, by one task at a time: it ends
    when the call is settled, also before, or woken while the task waits, and lets other tasks run in any case.
    """
    return _trio_call_waiting() if in_trio() else _asyncio_call_waiting()


@cache
def _trio_call_waiting() -> tuple[type[Call], Callable[[Any], Awaitable[None]]]:
    from trio.lowlevel import (  # noqa: PLC0415  # as above
        Abort,
        Task,
        checkpoint,
        current_task,
        reschedule,
        wait_task_rescheduled,
    )

    class TrioCall(Call, eq=False):
        task: Task | None = None

        def wake(self) -> None:
            task = self.task
            if task is not None:
                self.task = None
                reschedule(task)

        def cancelled(self, _: object) -> Abort:
            self.task = None
            return Abort.SUCCEEDED

    def wait(call: TrioCall) -> Awaitable[None]:
        if call.done:
            return checkpoint()  # noqa: ASYNC105  # by the caller
        call.task = current_task()
        return wait_task_rescheduled(call.cancelled)  # noqa: ASYNC105  # as above

    return TrioCall, wait


class _AsyncioCall(Call, eq=False):
    future: asyncio.Future[None] | None = None

    def wake(self) -> None:
        future = self.future
        if future is not None and not future.done():  # it is when the task was cancelled
            future.set_result(None)


def _asyncio_call_waiting() -> tuple[type[Call], Callable[[Any], Awaitable[None]]]:
    import asyncio  # noqa: PLC0415  # as above

    loop = asyncio.get_running_loop()
    make_future = loop.create_future  # to ask for the loop at each wait would cost as much as all the rest

    def wait(call: _AsyncioCall) -> Awaitable[None]:
        future = call.future = make_future()
        if call.done:
            loop.call_soon(call.wake)
        return future

    return _AsyncioCall, wait


class Served(Interface):
    """Whoever reads a descriptor.

    Attributes:
        gathering: Whether `gathered` shall be called when those who were woken by the last read have run.
    """

    gathering: bool

    def read(self) -> bool:
        """Read what is there, once; return whether more may come."""
        raise NotImplementedError

    def gathered(self) -> None:
        """Take note that those who were woken have run."""


async def serve_readable(descriptor: int, served: Served) -> None:
    """Read each time that a descriptor can be read, until nothing more comes; other tasks run in between.

    Args:
        descriptor: A descriptor that nobody else waits for.
        served: Reads it; what it raises is raised here.
    """
    if in_trio():
        await _serve_on_trio(descriptor, served)
    else:
        await _serve_on_asyncio(descriptor, served)


async def _serve_on_trio(descriptor: int, served: Served) -> None:
    from trio.lowlevel import checkpoint, wait_readable  # noqa: PLC0415  # loaded, since this runs under it

    while True:
        await wait_readable(descriptor)
        if not served.read():
            return
        if served.gathering:
            # Those who were woken run in the next pass, but perhaps after this task.
            await checkpoint()
            await checkpoint()
            served.gathered()


async def _serve_on_asyncio(descriptor: int, served: Served) -> None:
    # The descriptor stays registered and is read by the selector's callback: to register it for each read and to wake a
    # task would cost more than the read.
    import asyncio  # noqa: PLC0415  # a program on trio does without it

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def serve() -> None:
        if not ended.done():
            try:
                if not served.read():
                    ended.set_result(None)
                elif served.gathering:
                    loop.call_soon(gathered)  # behind those who were woken
            except BaseException as error:  # noqa: BLE001  # it is raised in the task that waits
                ended.set_exception(error)

    def gathered() -> None:
        if not ended.done():
            try:
                served.gathered()
            except BaseException as error:  # noqa: BLE001  # as above
                ended.set_exception(error)

    loop.add_reader(descriptor, serve)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)


def make_whereabouts() -> Callable[[], object]:
    """Return a function that tells which event loop it is called in; to be compared only."""
    if in_trio():
        return threading.get_ident  # no thread runs trio twice at once
    import asyncio  # noqa: PLC0415  # a program on trio does without it

    return asyncio._get_running_loop  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the public one raises


def make_clock() -> Callable[[], float]:
    """Return the clock of the event loop that runs."""
    if in_trio():
        import trio  # noqa: PLC0415  # as above

        return trio.lowlevel.current_clock().current_time
    import asyncio  # noqa: PLC0415  # a program on trio does without it

    loop = asyncio.get_running_loop()
    # What asyncio's own loops read, without the way there. Another one may have another clock, for tests above all.
    return time.monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time
