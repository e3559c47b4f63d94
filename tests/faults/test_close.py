"""Closing: bounded and complete, whatever the runtime does and whatever is under way; and ending without it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat import CONTRACT_VERSION, MeerkatError, NotConnectedError, RuntimeExitedError
from tests.faults.clients import LIMIT, PROGRAM, bounded, misbehaving, talking
from tests.faults.table import Grace
from tests.support.leaks import Holdings, leaks_since
from tests.support.misbehaving import SESSION
from tests.support.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from meerkat import MeerkatClient

pytestmark = pytest.mark.requirement("T08")

STUBBORN = (Grace.CANCEL, Grace.SHUTDOWN, Grace.SIGNAL)


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that only waits to be reaped does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in {"", "Z"}


@pytest.mark.parametrize("moment", ["call", "stream", "turn"])
async def test_a_runtime_that_hangs_in_the_middle_of_something(
    moment: str, caplog: pytest.LogCaptureFixture, shorten: Callable[..., None]
) -> None:
    shorten(*STUBBORN)
    failed: list[str] = []

    async def wait(client: MeerkatClient) -> None:
        with pytest.raises(NotConnectedError, match="the client was closed"):
            await (client.list_sessions() if moment == "call" else client.session(SESSION).turn("x"))
        failed.append(moment)

    async def follow(client: MeerkatClient) -> None:
        with pytest.raises(NotConnectedError, match="the client was closed"):
            await client.session(SESSION).stream("y").collect()
        failed.append("stream")

    async with talking(moment, "deaf") as client:
        async with anyio.create_task_group() as group:
            group.start_soon(wait, client)
            group.start_soon(follow, client)
            await anyio.wait_all_tasks_blocked()
            await client.close()
        assert sorted(failed) == sorted([moment, "stream"])
    assert client.return_code == -signal.SIGKILL
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [("SIGTERM" in m, "SIGKILL" in m) for m in messages] == [(True, False), (False, True)]


@pytest.mark.parametrize("moment", ["stream", "turn"])
async def test_a_runtime_that_dies_with_a_turn_under_way_while_it_is_closed(moment: str) -> None:
    """The turn is cancelled first; from the dead there is no answer to wait for."""
    async with talking(moment, "mute") as client:
        async with anyio.create_task_group() as group:

            async def turn() -> None:
                with pytest.raises((NotConnectedError, RuntimeExitedError)):
                    await client.session(SESSION).turn("x")

            group.start_soon(turn)
            await anyio.wait_all_tasks_blocked()
            assert client.pid is not None
            os.kill(client.pid, signal.SIGKILL)
            await client.close()
        assert client.return_code == -signal.SIGKILL


@pytest.mark.parametrize("moment", ["start", "handshake"])
@pytest.mark.requirement("T07")
async def test_a_cancelled_connect_is_complete(moment: str, shorten: Callable[..., None]) -> None:
    shorten(*STUBBORN)
    before = Holdings.now()
    client = misbehaving(moment, "deaf")
    with bounded():
        with anyio.move_on_after(0.1) as scope:
            await client.connect()
        assert scope.cancelled_caught
    assert await background_tasks() == []
    assert leaks_since(before) == []
    assert client.pid is None


async def test_closing_again_and_from_several_tasks(shorten: Callable[..., None]) -> None:
    shorten(*STUBBORN)
    codes: list[int | None] = []

    async def close() -> None:
        await client.close()
        codes.append(client.return_code)

    async with talking("close", "deaf") as client:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(close)
        assert codes == [-signal.SIGKILL] * 3  # whoever returns, the runtime is gone
        await client.close()
        with pytest.raises(NotConnectedError, match="the client was closed"):
            await client.list_sessions()


async def test_the_error_of_the_block_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        async with talking("close", "exit:9"):
            raise ZeroDivisionError


async def test_closing_while_cancelled(shorten: Callable[..., None]) -> None:
    shorten(*STUBBORN)
    with anyio.CancelScope() as scope:
        async with talking("close", "deaf"):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert await background_tasks() == []


FAILURES: list[tuple[str, str, float]] = [
    ("start", "exit:1", LIMIT),
    ("handshake", "result:null", LIMIT),
    ("handshake", "mute", 0.01),
    ("handshake", "neither", LIMIT),
]


@pytest.mark.requirement("T07")
async def test_two_hundred_failed_connects_leave_nothing() -> None:
    """Some end, some say nonsense, some are given up."""
    before = Holdings.now()
    limiter = anyio.CapacityLimiter(8)

    async def fail(moment: str, fault: str, seconds: float) -> None:
        async with limiter:
            with pytest.raises(MeerkatError, match=r"handshake|initialize"):
                await misbehaving(moment, fault, connect_timeout=seconds).connect()

    async with anyio.create_task_group() as group:
        for _ in range(50):
            for failure in FAILURES:
                group.start_soon(fail, *failure)
    assert leaks_since(before) == []
    assert await background_tasks() == []


WITHOUT_CLOSE = """
import asyncio, os, signal, sys
import anyio
from meerkat import MeerkatClient

# What a shell starts in the background ignores it, and so do the children.
signal.signal(signal.SIGINT, signal.default_int_handler)
pid = 0

async def main():
    global pid
    client = MeerkatClient(sys.executable, args=sys.argv[3:])
    await client.connect()
    pid = client.pid
    print(pid, flush=True)
    how = sys.argv[1]
    if how == "raise":
        raise ZeroDivisionError
    if how == "exit":
        sys.exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    if how == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        await anyio.sleep(30)
    if how == "abrupt":
        os._exit(4)

try:
    if sys.argv[2] == "a loop that is left as it is":
        asyncio.new_event_loop().run_until_complete(main())
    else:
        anyio.run(main, backend=sys.argv[2])
finally:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        print("ended with the loop")
"""


def run_without_close(how: str, backend: str, directory: Path, *fault: str) -> subprocess.CompletedProcess[str]:
    """Run a program that does not close its client, until the runtime has ended, too."""
    script = directory / "program.py"
    script.write_text(WITHOUT_CLOSE)
    runtime = ["-I", "-S", str(PROGRAM), CONTRACT_VERSION, *fault]
    done = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", script, how, backend, *runtime],
        capture_output=True, text=True, check=False, timeout=LIMIT,
    )  # fmt: skip
    assert done.stdout, done.stderr
    pid = int(done.stdout.split()[0])
    deadline = time.monotonic() + LIMIT
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    if is_alive(pid):
        os.kill(pid, signal.SIGKILL)
        pytest.fail("the runtime lived on")
    return done


@pytest.mark.parametrize("how", ["return", "raise", "exit", "interrupt"])
@pytest.mark.parametrize("backend", ["trio", "asyncio"])
@pytest.mark.requirement("T13")
def test_the_end_of_the_event_loop_is_the_end_of_the_runtime(how: str, backend: str, tmp_path: Path) -> None:
    """Also of one that neither the end of its input nor a signal moves to end."""
    done = run_without_close(how, backend, tmp_path, "close", "deaf")
    assert "ended with the loop" in done.stdout
    expected = {"return": 0, "raise": 1, "exit": 3}
    if how in expected:
        assert done.returncode == expected[how], done.stderr
    if how in {"return", "exit"}:
        assert done.stderr == ""


@pytest.mark.requirement("T13")
def test_the_end_of_a_program_that_leaves_its_loop_as_it_is_is_the_end_of_the_runtime(tmp_path: Path) -> None:
    done = run_without_close("return", "a loop that is left as it is", tmp_path, "close", "deaf")
    assert "ended with the loop" not in done.stdout
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("how", "status"), [("term", -signal.SIGTERM), ("kill", -signal.SIGKILL), ("abrupt", 4)])
@pytest.mark.parametrize("backend", ["trio", "asyncio"])
@pytest.mark.requirement("T13")
def test_a_program_that_is_killed_ends_the_runtime_by_the_end_of_its_input(
    how: str, status: int, backend: str, tmp_path: Path
) -> None:
    assert run_without_close(how, backend, tmp_path, "never").returncode == status
