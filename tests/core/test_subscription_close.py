"""The end of a subscription is told to the runtime, even where nobody waits for the answer any more."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from meerkat import DeadlineExceededError
from meerkat._core.connection import Connection
from meerkat._core.protocol import Protocol
from meerkat._core.sockets import pair
from meerkat._link import Link
from meerkat._router import Router
from meerkat._subscriptions import subscribe_session

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator

    from meerkat import EventSubscription

LIMIT = 60
SESSION = "00000000-0000-0000-0000-000000000001"
STREAM = "00000000-0000-0000-0000-000000000002"


class Peer:
    """The other end of a connection; it answers what it is told to."""

    def __init__(self, other: socket.socket) -> None:
        other.setblocking(False)
        self._other = other
        self._unread = b""

    async def request(self) -> dict[str, Any]:
        """Return the next request."""
        while b"\n" not in self._unread:
            await anyio.wait_readable(self._other)
            self._unread += self._other.recv(1 << 20)
        line, _, self._unread = self._unread.partition(b"\n")
        request: dict[str, Any] = json.loads(line)
        return request

    def answer(self, request: dict[str, Any], **result: Any) -> None:
        """Answer a request."""
        self._other.sendall(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode() + b"\n")


@asynccontextmanager
async def subscribed(timeout: float | None) -> AsyncGenerator[tuple[Link, Peer, EventSubscription[Any]]]:
    transport, other = pair()
    peer = Peer(other)
    router = Router(lambda _, __: None)
    link = Link(Connection(transport, Protocol(probe="probe"), router), router)

    async def open_it() -> None:
        peer.answer(await peer.request(), opened=True, stream_id=STREAM, session_id=SESSION)

    with other, anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            group.start_soon(open_it)
            yield link, peer, await subscribe_session(link, SESSION, buffer_bytes=1000, timeout=timeout)
        other.close()
        await link.connection.close()


def fill(link: Link) -> None:
    """Let more bytes go out than the runtime reads at once, so that what follows has to wait."""
    for size in (7800, 3000):
        link.connection.start("m", json.dumps({"text": "x" * size}).encode())
    assert link.connection.protocol.waiting == 1


async def close_cancelled(events: EventSubscription[Any]) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await events.close()
    assert scope.cancelled_caught


async def close_late(events: EventSubscription[Any]) -> None:
    with pytest.raises(DeadlineExceededError, match="no answer within"):
        await events.close()


@pytest.mark.requirement("S06")
@pytest.mark.parametrize("full", [True, False], ids=["while nothing may go out", "at once"])
@pytest.mark.parametrize(("close", "timeout"), [(close_cancelled, None), (close_late, 0.05)])
async def test_it_goes_out_when_its_caller_has_left(close: Any, timeout: float | None, full: bool) -> None:
    async with subscribed(timeout) as (link, peer, events):
        if full:
            fill(link)
        await close(events)
        request = await peer.request()
        while request["method"] != "session/stream_close":
            peer.answer(request)
            request = await peer.request()
        assert request["params"] == {"stream_id": STREAM}
        peer.answer(request, closed=True, already_closed=False)
        while link.connection.protocol.pending:
            await anyio.lowlevel.checkpoint()
