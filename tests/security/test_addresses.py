"""Without leave, a client connects to this machine alone: what was checked is what is connected to."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import InvalidArgumentError, MeerkatClient, RuntimeStartError
from meerkat._core.sockets import connect_tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 30  # seconds


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something that listens on IPv4 of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


class Resolver:
    """Stands in for name resolution: another answer each time it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []
        monkeypatch.setattr("anyio.getaddrinfo", self.resolve)

    async def resolve(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        """Answer as `anyio.getaddrinfo` does."""
        self.asked.append(host)
        answer = self.answers.pop(0)
        families = [socket.AF_INET6 if ":" in each else socket.AF_INET for each in answer]
        return [(f, socket.SOCK_STREAM, 6, "", (each, port)) for f, each in zip(families, answer, strict=True)]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that were connected to; no connection is made."""
    addresses: list[str] = []

    async def connect(address: str, port: int) -> None:
        addresses.append(address)
        raise ConnectionRefusedError(f"nobody at port {port}")

    monkeypatch.setattr("anyio.connect_tcp", connect)
    return addresses


REMOTE = [
    "192.0.2.1",
    "10.0.0.1",
    "0.0.0.0",
    "169.254.169.254",
    "128.0.0.1",
    "::",
    "2001:db8::1",
    "fe80::1",
    "::ffff:192.0.2.1",
    "::ffff:0.0.0.0",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
]
LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("address", REMOTE)
async def test_another_machine_is_refused_before_anything_is_sent(address: str, connected: list[str]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"neither encryption nor authentication.*allow_remote=True"):
        await connect_tcp(address, 4900, allow_remote=False)
    assert connected == []
    client = MeerkatClient()
    with pytest.raises(InvalidArgumentError, match="allow_remote"):
        await client.connect_tcp(address, 4900)
    with pytest.raises(RuntimeStartError, match="no runtime answers"):
        await client.connect_tcp(address, 4900, allow_remote=True)
    assert len(connected) == 1


@pytest.mark.parametrize("address", LOOPBACK)
async def test_this_machine_needs_no_leave(address: str, connected: list[str]) -> None:
    with pytest.raises(RuntimeStartError, match="no runtime answers"):
        await connect_tcp(address, 4900, allow_remote=False)
    assert connected == [address]


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1"])
async def test_other_spellings_are_what_they_are_resolved_to(spelling: str, connected: list[str]) -> None:
    with pytest.raises(RuntimeStartError):
        await connect_tcp(spelling, 4900, allow_remote=False)
    assert connected == ["127.0.0.1"]


@pytest.mark.parametrize(
    "answer",
    [["192.0.2.1"], ["127.0.0.1", "192.0.2.1"], ["::1", "2001:db8::1"], ["192.0.2.1", "127.0.0.1"]],
    ids=" ".join,
)
async def test_a_name_that_also_leads_elsewhere(
    answer: list[str], connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, answer)
    with pytest.raises(InvalidArgumentError, match=r"tcp://localhost\.example\.org:4900 is not on this machine"):
        await connect_tcp("localhost.example.org", 4900, allow_remote=False)
    assert connected == []


async def test_a_name_is_resolved_once(connected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server may answer something else the second time."""
    resolver = Resolver(monkeypatch, ["127.0.0.1", "::1", "127.0.0.1"], ["192.0.2.1"])
    with pytest.raises(RuntimeStartError):
        await connect_tcp("rebinding.example.org", 4900, allow_remote=False)
    assert resolver.asked == ["rebinding.example.org"]
    assert connected == ["127.0.0.1", "::1"]


async def test_the_address_itself_is_not_resolved_again(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    original = socket.getaddrinfo

    def note(host: Any, *args: Any, **options: Any) -> Any:
        asked.append(host)
        return original(host, *args, **options)

    Resolver(monkeypatch, ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", note)
    transport = await connect_tcp("this.example.org", listener.getsockname()[1], allow_remote=False)
    transport.release()
    assert set(asked) <= {"127.0.0.1"}


async def test_the_next_address_of_a_name_is_tried(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    with anyio.fail_after(LIMIT):
        transport = await connect_tcp("localhost", listener.getsockname()[1], allow_remote=False)
    assert transport.describe().startswith("tcp://localhost:")
    transport.release()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64, "", "a..b", "127.0.0.1 "])
async def test_what_cannot_be_resolved(host: str, monkeypatch: pytest.MonkeyPatch, connected: list[str]) -> None:
    if host == "no-such-host.invalid":

        async def fail(*_: Any, **__: Any) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr("anyio.getaddrinfo", fail)
    with anyio.fail_after(LIMIT), pytest.raises(RuntimeStartError, match=r"cannot be resolved|no runtime answers"):
        await connect_tcp(host, 4900, allow_remote=False)
    assert set(connected) <= set(LOOPBACK)


async def test_connecting_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: Any) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr("anyio.connect_tcp", connect)
    client = MeerkatClient(sys.executable, connect_timeout=0.1)
    with (
        anyio.fail_after(LIMIT),
        pytest.raises(RuntimeStartError, match=r"tcp://127\.0\.0\.1:4900 within 0\.1 seconds"),
    ):
        await client.connect_tcp("127.0.0.1", 4900)
