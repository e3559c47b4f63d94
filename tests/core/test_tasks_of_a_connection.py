"""The background tasks of a connection: what they keep of whoever needed them first, and what their failure means."""

from __future__ import annotations

import gc
import logging
import weakref
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat._core.connection import Connection
from meerkat._core.errors import TransportError
from meerkat._core.protocol import Protocol
from meerkat._core.sockets import pair
from tests.core.test_connection import LIMIT, Recorder, ask

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator

LARGE = b'{"text":"%b"}' % (b"x" * 4_000_000)
"""More than a socket takes at once."""


@asynccontextmanager
async def connected() -> AsyncGenerator[tuple[Connection, socket.socket]]:
    transport, other = pair()
    other.setblocking(False)
    connection = Connection(transport, Protocol(probe="probe", window=None), Recorder())
    with other, anyio.fail_after(LIMIT):
        yield connection, other
        other.close()
        await connection.close()


async def read_line(other: socket.socket) -> None:
    while True:
        await anyio.wait_readable(other)
        if other.recv(1 << 20).endswith(b"\n"):
            return


class Kept:
    """Something that a caller has in its context."""


@pytest.mark.parametrize(("params", "timeout"), [(b"{}", LIMIT), (LARGE, None)], ids=["timer", "writer"])
async def test_nothing_is_kept_of_the_caller_that_needed_one_first(params: bytes, timeout: float | None) -> None:
    variable: ContextVar[Kept] = ContextVar("variable")
    kept: list[weakref.ref[Kept]] = []

    async def caller(connection: Connection, other: socket.socket) -> None:
        value = Kept()
        variable.set(value)
        kept.append(weakref.ref(value))
        call = connection.start("m", params)
        await read_line(other)
        other.sendall(b'{"jsonrpc":"2.0","id":%d,"result":{}}\n' % call.key)
        await connection.wait(call, timeout=timeout)

    async with connected() as (connection, other):
        async with anyio.create_task_group() as group:
            group.start_soon(caller, connection, other)
        await anyio.wait_all_tasks_blocked()
        gc.collect()
        assert [value() for value in kept] == [None]


async def test_a_timer_that_fails_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Instead of leaving those without an answer to wait for ever."""

    def fail(_: object) -> Any:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(Connection, "_sleepers", fail)
    async with connected() as (connection, _):
        with pytest.raises(TransportError, match="the task meerkat timer failed: ZeroDivisionError: on purpose"):
            await ask(connection, timeout=0.01)
    assert [record.getMessage() for record in errors(caplog)] == ["the task meerkat timer failed"]


async def test_a_writer_that_fails_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: object) -> None:
        raise ZeroDivisionError("on purpose")

    async with connected() as (connection, _):
        with monkeypatch.context() as patch:
            patch.setattr(anyio, "wait_writable", fail)
            call = connection.start("m", LARGE)
            await connection.wait(call)
        assert isinstance(call.error, TransportError)
        assert "the task meerkat writer failed: ZeroDivisionError: on purpose" in call.error.message
    assert [record.getMessage() for record in errors(caplog)] == ["the task meerkat writer failed"]


async def test_a_reader_that_fails_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object, __: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(Recorder, "receive", fail)
    async with connected() as (connection, other):
        call = connection.start("m", b"{}")
        other.sendall(b'{"jsonrpc":"2.0","method":"n","params":{}}\n')
        await connection.wait(call)
        assert isinstance(call.error, TransportError)
        assert "the task meerkat reader failed: ZeroDivisionError: on purpose" in call.error.message
    assert [record.getMessage() for record in errors(caplog)] == ["the task meerkat reader failed"]


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]
