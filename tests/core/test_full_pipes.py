"""Both pipes are full at once: whoever waits for the other to read first waits for ever."""

from __future__ import annotations

import array
import fcntl
import json
import os
import select
import signal
import sys
import termios
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat._core.connection import Connection
from meerkat._core.process import RuntimeProcess
from meerkat._core.protocol import Protocol

if TYPE_CHECKING:
    from meerkat._core.errors import MeerkatError
    from meerkat._core.protocol import Request

LIMIT = 60.0
LINES = 100_000

PROGRAM = """
import signal, sys

def answer(line):
    key = line.partition(b'"id":')[2].partition(b",")[0]
    sys.stdout.buffer.write(b'{"jsonrpc":"2.0","id":%s,"result":{"text":"%s"}}\\n' % (key, b"y" * 2000))
    sys.stdout.buffer.flush()

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})  # it may come before it is waited for
answer(sys.stdin.buffer.readline())
signal.sigwait({signal.SIGUSR1})
# Before it reads anything more, it writes more than any pipe holds.
sys.stdout.buffer.write(b'{"jsonrpc":"2.0","method":"n","params":{}}\\n' * int(sys.argv[1]))
for line in sys.stdin.buffer:
    answer(line)
"""


class Counting:
    """Counts what the runtime sends on its own."""

    count = 0

    def receive(self, request: Request) -> None:
        self.count += 1

    def wake(self) -> None:
        """Nobody waits."""

    def end(self, fault: MeerkatError) -> None:
        """Nobody wants to know."""


def unread(descriptor: int) -> int:
    """How many bytes wait in a pipe."""
    found = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, found)
    return found[0]


def is_full(descriptor: int) -> bool:
    """Whether a pipe takes nothing more."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return not poll.poll(0)


def wait_until_stuck(descriptor: int) -> None:
    """Wait until a pipe that nobody reads takes nothing more. Nothing else runs here meanwhile."""
    deadline = time.monotonic() + LIMIT
    before = -1
    while (held := unread(descriptor)) < 60_000 or held != before:
        assert time.monotonic() < deadline
        before = held
        time.sleep(0.01)


@pytest.mark.requirement("T11")
@pytest.mark.parametrize("window", [None, 8192], ids=["unlimited", "window"])
async def test_a_thousand_calls_while_both_pipes_are_full(window: int | None) -> None:
    process = RuntimeProcess([sys.executable, "-I", "-S", "-c", PROGRAM, str(LINES)], env=os.environ, cwd=None)
    receiver = Counting()
    connection = Connection(process, Protocol(probe="probe", window=window), receiver)
    answered: list[int] = []

    async def ask(number: int) -> None:
        call = connection.start("m", json.dumps({"n": number, "text": "x" * 1000}).encode())
        await connection.wait(call)
        assert call.error is None
        answered.append(number)

    try:
        with anyio.fail_after(LIMIT):
            await ask(-1)
            async with anyio.create_task_group() as group:
                for number in range(1000):
                    group.start_soon(ask, number)
                await anyio.wait_all_tasks_blocked()
                os.kill(process.pid, signal.SIGUSR1)
                wait_until_stuck(process.reader)
                if window is None:
                    assert is_full(process.writer)
    finally:
        with anyio.fail_after(LIMIT):
            await connection.close()
    assert sorted(answered) == list(range(-1, 1000))
    assert receiver.count == LINES
