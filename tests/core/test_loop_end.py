"""Event loops that end, and tasks that they cancel past every shield, while connections are open or being closed."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import weakref
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat._core.errors import TransportError
from tests.core.test_connection import LIMIT, ask, spawn
from tests.support.leaks import Holdings, leaks_since

if TYPE_CHECKING:
    from meerkat._core.connection import Connection

pytestmark = pytest.mark.requirement("T13")

BACKENDS = pytest.mark.parametrize("backend", ["trio", "asyncio"])


@BACKENDS
def test_the_end_of_the_event_loop_ends_the_runtime(backend: str) -> None:
    """A program that forgets to close leaves nothing behind."""
    before = Holdings.now()
    started: list[Connection] = []

    async def main() -> None:
        connection = spawn("serve")
        started.append(connection)
        await ask(connection)

    anyio.run(main, backend=backend)
    connection = started.pop()
    assert connection.transport.return_code == -signal.SIGKILL
    transport = weakref.ref(connection.transport)
    del connection
    gc.collect()
    assert transport() is None
    assert leaks_since(before) == []


@BACKENDS
def test_who_waits_when_the_event_loop_ends_is_told(backend: str) -> None:
    """Also who goes on after the event loop cancelled everything, and asks again."""
    before = Holdings.now()
    told: list[str] = []

    async def main() -> None:
        connection = spawn("mute")
        connection._unwatched()  # as at the end of the event loop, whose order of things is not ours
        for _ in range(2):
            with anyio.fail_after(LIMIT), pytest.raises(TransportError, match="was not closed") as raised:
                await ask(connection)
            told.append(raised.value.message)
        await connection.close()

    anyio.run(main, backend=backend)
    assert len(told) == 2
    gc.collect()
    assert leaks_since(before) == []


@pytest.mark.requirement("T08")
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)  # only its tasks can be cancelled past a shield
async def test_a_close_that_asyncio_cancels_is_completed() -> None:
    import asyncio  # the tests of trio are run where there is none

    connection = spawn("answer:1", "deaf", grace=0.2)
    with anyio.fail_after(LIMIT):
        await ask(connection)
        closing = asyncio.ensure_future(connection.close())
        await anyio.wait_all_tasks_blocked()
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await connection.close()
    assert connection.transport.return_code == -signal.SIGKILL


@pytest.mark.parametrize("passes", [0, 1, 50], ids=["before it began", "at its beginning", "in the middle of it"])
@pytest.mark.parametrize("waits", [True, False], ids=["somebody waits", "nobody waits"])
def test_a_close_that_goes_on_in_the_background_when_the_event_loop_ends(passes: int, waits: bool) -> None:
    import asyncio  # the tests of trio are run where there is none

    before = Holdings.now()
    done: list[str] = []

    async def main() -> Connection:
        connection = spawn("answer:1", "deaf", grace=LIMIT)
        await ask(connection)

        async def wait() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                await connection.close()
                done.append("closed")

        if waits:
            tasks.append(asyncio.ensure_future(wait()))
        closing = asyncio.ensure_future(connection.close())
        await anyio.wait_all_tasks_blocked()
        closing.cancel()
        await asyncio.wait([closing])
        for _ in range(passes):
            await asyncio.sleep(0)
        return connection

    tasks: list[asyncio.Future[None]] = []
    connection = asyncio.run(asyncio.wait_for(main(), LIMIT))
    assert done == (["closed"] if waits else [])
    assert connection.transport.return_code == -signal.SIGKILL
    del connection
    tasks.clear()  # the traceback of a cancelled one refers to what it used
    gc.collect()
    assert leaks_since(before) == []


@pytest.mark.parametrize("steps", ["serve", "mute"])
def test_a_close_in_a_task_that_outlives_the_program_does_not_wait_for_its_time_limit(steps: str) -> None:
    """asyncio cancels whoever watches the runtime before, at the same time, or after this task begins to close."""
    import asyncio  # the tests of trio are run where there is none

    codes: list[int | None] = []

    async def work() -> None:
        connection = spawn(steps, grace=LIMIT * 10)
        try:
            await anyio.sleep_forever()
        finally:
            await connection.close()
            codes.append(connection.transport.return_code)

    async def main() -> None:
        tasks.append(asyncio.ensure_future(work()))
        await anyio.wait_all_tasks_blocked()

    tasks: list[asyncio.Future[None]] = []
    asyncio.run(asyncio.wait_for(main(), LIMIT))
    assert len(codes) == 1
    # It ended by itself, or with the tasks that watched it.
    assert codes[0] in {0, -signal.SIGKILL}


WITHOUT_PIDFD = """
import asyncio, os
from meerkat import MeerkatClient

def refuse(pid):
    raise PermissionError

os.pidfd_open = refuse
client = MeerkatClient(runtime="embedded")
asyncio.new_event_loop().run_until_complete(client.connect())
print(client.diagnostics.pid)
"""


def test_a_program_ends_where_a_thread_waits_for_a_runtime_that_nobody_closed() -> None:
    command = [sys.executable, "-c", WITHOUT_PIDFD]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT)
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
