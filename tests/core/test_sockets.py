"""Connections over sockets: the same driver, no process."""

from __future__ import annotations

import json
import socket
import tracemalloc
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat._core.background import Background
from meerkat._core.connection import Connection
from meerkat._core.errors import (
    ConnectionLostError,
    DeadlineExceededError,
    InvalidArgumentError,
    NotConnectedError,
    RuntimeStartError,
)
from meerkat._core.protocol import Protocol
from meerkat._core.sockets import connect_tcp, pair
from meerkat._generated.methods.session import SESSION_LIST
from meerkat._link import Link
from meerkat._router import Router
from tests.core.test_connection import LIMIT, Recorder, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from meerkat._generated.types.tools import ToolExecuteParams


async def serve(peer: socket.socket, answers: int) -> None:
    """Answer requests that come over a socket, then close it."""
    peer.setblocking(False)
    received = bytearray()
    try:
        while answers:
            await anyio.wait_readable(peer)
            chunk = peer.recv(65536)
            if not chunk:
                return
            received += chunk
            while answers and b"\n" in received:
                end = received.index(b"\n")
                key = json.loads(received[:end])["id"]
                del received[: end + 1]
                peer.sendall(json.dumps({"jsonrpc": "2.0", "id": key, "result": key}).encode() + b"\n")
                answers -= 1
    finally:
        peer.close()


@pytest.fixture
def connected() -> Callable[[int], tuple[Connection, Background]]:
    """Make a connection to a runtime in this process that gives so many answers."""

    def make(answers: int) -> tuple[Connection, Background]:
        transport, peer = pair()
        server = Background(lambda: serve(peer, answers), "server")
        return Connection(transport, Protocol(probe="probe"), Recorder()), server

    return make


async def test_calls_within_one_process(connected: Callable[[int], tuple[Connection, Background]]) -> None:
    connection, server = connected(1000)
    with anyio.fail_after(LIMIT):
        assert [await ask(connection) for _ in range(3)] == [1, 2, 3]
        await connection.close()
        await server.wait()
    with pytest.raises(NotConnectedError):
        connection.start("m", b"{}")


async def test_a_connection_that_is_closed_fails_everybody(
    connected: Callable[[int], tuple[Connection, Background]],
) -> None:
    connection, server = connected(1)
    with anyio.fail_after(LIMIT):
        await ask(connection)
        with pytest.raises(ConnectionLostError, match="closed by the runtime"):
            await ask(connection)
        with pytest.raises(ConnectionLostError):
            connection.start("later", b"{}")
        await connection.close()
        await server.wait()


async def test_only_this_machine_unless_told() -> None:
    with pytest.raises(InvalidArgumentError, match="allow_remote"):
        await connect_tcp("192.0.2.1", 4900, allow_remote=False)


async def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with anyio.fail_after(LIMIT), pytest.raises(RuntimeStartError, match=str(port)):
        await connect_tcp("127.0.0.1", port, allow_remote=False)


def refuse_tools(request_id: int | str, params: ToolExecuteParams) -> None:
    raise AssertionError(f"nobody asks for {params.name} in {request_id}")


async def test_the_deadline_of_a_call_that_could_not_go_out() -> None:
    transport, peer = pair()
    link = Link(Connection(transport, Protocol(probe="probe"), Recorder()), Router(refuse_tools))
    connection = link.connection
    with peer, anyio.fail_after(LIMIT):
        connection.start("fills the window", b'{"text":"%b"}' % (b"x" * 7800))
        for again in range(2):
            with pytest.raises(DeadlineExceededError):
                await ask(connection, params={"text": "y" * 3000, "again": again}, timeout=0.01)
            with pytest.raises(DeadlineExceededError):
                await link.request(SESSION_LIST, {"labels": {"x": "y" * 3000}}, 0.01)
        assert connection.protocol.pending == 1
        await connection.close()


def test_a_runtime_that_reads_all_the_time_has_nothing_kept_for_it() -> None:
    protocol = Protocol(probe="probe", window=None)
    tracemalloc.start()
    try:
        for number in range(50):
            protocol.answer(number, b'"%b"' % (b"x" * 100_000))
            assert len(protocol.data_to_send()) > 100_000
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
