"""A runtime that was started elsewhere and listens on TCP."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat import AlreadyConnectedError, ConnectionLostError, MeerkatClient
from tests.e2e.conftest import LIMIT
from tests.e2e.test_sessions import script

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.support.runtime import Runtime


@contextmanager
def listening(runtime: Runtime) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """Run a runtime that listens on a free port; yield the process and the port."""
    with socket.socket() as free:
        # The runtime does not tell the port that it got, so it is given one.
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = subprocess.Popen(
        runtime.command("--tcp", f"127.0.0.1:{port}"),
        env={**os.environ, **runtime.env, "RUST_LOG": "info"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    drain = threading.Thread(target=process.stderr.read)
    try:
        # The first line, which says that it listens, comes before it does.
        while b"listener bound" not in (line := process.stderr.readline()):
            assert line, "the runtime ended before it listened"
        drain.start()
        yield process, port
    finally:
        process.kill()
        process.wait()
        if drain.ident is not None:
            drain.join()
        process.stderr.close()


async def test_a_session_over_tcp(real_runtime: Runtime) -> None:
    with listening(real_runtime) as (_, port), anyio.fail_after(LIMIT):
        client = MeerkatClient()
        async with await client.connect_tcp("127.0.0.1", port):
            assert client.pid is None
            session = await client.create_session("hello")
            assert session.text == "echo: hello"
            text, result = await session.stream("one two").collect_text()
            assert text == result.text == "echo: one two"
            with pytest.raises(AlreadyConnectedError):
                await client.connect_tcp("127.0.0.1", port)
        # The runtime lives on, and so does the session.
        async with await client.connect_tcp("127.0.0.1", port):
            assert (await client.session(session.id).turn("again")).text == "echo: again"


@pytest.mark.requirement("T06")
async def test_the_runtime_goes_away(real_runtime: Runtime) -> None:
    with listening(real_runtime) as (process, port), anyio.fail_after(LIMIT):
        async with await MeerkatClient().connect_tcp("localhost", port) as client:
            session = await client.create_session("hello")
            with pytest.raises(ConnectionLostError):  # noqa: PT012  # the stream must be open when it happens
                async with session.stream(script({"text": "begun"}, {"sleep": 50})) as events:
                    await anext(events)
                    process.kill()
                    async for _ in events:
                        pass
            with pytest.raises(ConnectionLostError):
                await client.list_sessions()
