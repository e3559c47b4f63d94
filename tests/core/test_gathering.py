"""Calls that are made together go out together, while a call that is made alone goes out at once."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from meerkat._core.background import Background
from meerkat._core.connection import Connection
from meerkat._core.protocol import Protocol
from meerkat._core.sockets import pair
from tests.core.test_connection import LIMIT, Recorder, ask

if TYPE_CHECKING:
    import socket

CALLERS = 40
ROUNDS = 30


async def answer(peer: socket.socket, parts: int) -> None:
    """Answer what was read together in so many parts, until the other end is closed."""
    peer.setblocking(False)
    with peer:
        while True:
            await anyio.wait_readable(peer)
            lines = peer.recv(65536).splitlines()
            if not lines:
                return
            answers = [b'{"jsonrpc":"2.0","id":%d,"result":0}\n' % json.loads(line)["id"] for line in lines]
            for part in range(parts):
                peer.sendall(b"".join(answers[part::parts]))
                await anyio.lowlevel.checkpoint()


@pytest.mark.requirement("T11")
@pytest.mark.parametrize("parts", [1, 2, 3])
async def test_those_who_are_answered_together_ask_together(monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    writes = 0

    def write(descriptor: int, data: bytes) -> int:
        nonlocal writes
        writes += 1
        return original(descriptor, data)

    async def caller() -> None:
        for _ in range(ROUNDS):
            assert await ask(connection) == 0

    original = os.write
    monkeypatch.setattr(os, "write", write)
    transport, peer = pair()
    with anyio.fail_after(LIMIT):
        server = Background(lambda: answer(peer, parts), "server")
        connection = Connection(transport, Protocol(probe="probe"), Recorder())
        async with anyio.create_task_group() as tasks:
            for _ in range(CALLERS):
                tasks.start_soon(caller)
        await connection.close()
        await server.wait()
    # The first ones are made one by one; what is read with one answer alone in it is followed by a write of its own.
    assert writes <= CALLERS + ROUNDS * parts * 2
    assert writes >= ROUNDS


async def test_a_call_that_is_made_alone_goes_out_at_once() -> None:
    transport, peer = pair()
    with peer:
        connection = Connection(transport, Protocol(probe="probe"), Recorder())
        call = connection.start("m", b"{}")
        assert peer.recv(65536) == b'{"jsonrpc":"2.0","id":1,"method":"m","params":{}}\n'
        with anyio.fail_after(LIMIT):
            peer.sendall(b'{"jsonrpc":"2.0","id":1,"result":0}\n')
            await connection.wait(call)
            await connection.close()


@pytest.mark.requirement("C01")
async def test_a_call_of_a_caller_who_is_being_cancelled_goes_out_when_it_is_flushed() -> None:
    """As the request that closes a subscription does, while others that were answered then make their calls."""
    sent = 0

    async def leaves() -> None:
        nonlocal sent
        with anyio.CancelScope() as scope:
            await ask(connection)
            scope.cancel()
            last = connection.start("last", b"{}")
            connection.flush()
            try:
                await connection.wait(last)
            finally:
                sent += last.number > 0

    for _ in range(10):
        transport, peer = pair()
        with peer, anyio.fail_after(LIMIT):
            connection = Connection(transport, Protocol(probe="probe"), Recorder())
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(leaves)
                tasks.start_soon(ask, connection)
                await anyio.wait_all_tasks_blocked()
                peer.sendall(b'{"jsonrpc":"2.0","id":1,"result":0}\n{"jsonrpc":"2.0","id":2,"result":0}\n')
            await connection.close()
    assert sent == 10
