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
