"""A runtime behind a socket: over TCP, or in the same process for tests."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket

import anyio
from anyio.abc import SocketAttribute, SocketStream

from meerkat._core.errors import ConnectionLostError, InvalidArgumentError, RuntimeStartError, TransportError
from meerkat._core.transport import Transport


class SocketTransport(Transport):
    """A connected socket. The runtime behind it is not ours to end.

    Args:
        connected: The socket; the transport owns it from now on.
        name: What is at the other end, for messages.
    """

    def __init__(self, connected: socket.socket, name: str) -> None:
        super().__init__()
        connected.setblocking(False)
        self._socket = connected
        self._name = name
        self.reader = self.writer = connected.fileno()

    def describe(self) -> str:
        """Say where the runtime is."""
        return self._name

    def fault(self, living: str) -> TransportError:  # noqa: ARG002  # nothing is known of the process
        """Make the error of a connection that is gone."""
        return ConnectionLostError(message=f"the connection to {self._name} was closed by the runtime")

    def unwatched(self) -> None:
        """Do nothing: there is no process to watch."""

    def close_input(self) -> None:
        """Say that no more requests come; the runtime itself lives on."""
        self._shutdown(socket.SHUT_WR)

    async def end(self, grace: float) -> None:
        """Do nothing: there is no process to wait for."""

    def release(self) -> None:
        """Close the socket."""
        self._socket.close()

    def kill(self) -> None:
        """Break the connection."""
        self._shutdown(socket.SHUT_RDWR)

    def _shutdown(self, how: int) -> None:
        if self.ours:
            with contextlib.suppress(OSError):
                self._socket.shutdown(how)


async def connect_tcp(host: str, port: int, *, allow_remote: bool) -> SocketTransport:
    """Connect to a runtime that listens on TCP.

    Raises:
        InvalidArgumentError: The address is not on this machine, and ``allow_remote`` is not set: the protocol has
            neither encryption nor authentication.
        RuntimeStartError: Nobody answers there.
    """
    name = f"tcp://{host}:{port}"
    try:
        addresses = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a label that is too long is a UnicodeError
        raise RuntimeStartError(message=f"the address {name} cannot be resolved: {error}") from error
    # Resolved once: what is checked is what is connected to, whatever the name stands for a moment later.
    numeric = list(dict.fromkeys(str(address[4][0]) for address in addresses))
    if not allow_remote and not all(map(_is_loopback, numeric)):
        raise InvalidArgumentError(
            message=f"{name} is not on this machine, and the protocol has neither encryption nor authentication; "
            "give allow_remote=True if the network in between can be trusted"
        )
    stream = await _connect_first(numeric, port, name)
    async with stream:
        # A descriptor of our own: the driver reads and writes the same way whatever carries the bytes.
        raw: socket.socket = stream.extra(SocketAttribute.raw_socket)  # noqa: S610  # this is no Django
        descriptor = os.dup(raw.fileno())
    return SocketTransport(socket.socket(fileno=descriptor), name)


async def _connect_first(addresses: list[str], port: int, name: str) -> SocketStream:
    """Connect to the first address that answers: a name such as ``localhost`` has several."""
    failures: list[OSError] = []
    for address in addresses:
        try:
            return await anyio.connect_tcp(address, port)
        except OSError as error:
            failures.append(error)
    cause = failures[0] if failures else None
    raise RuntimeStartError(message=f"no runtime answers at {name}: {cause}") from cause


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    # An IPv4 address within an IPv6 one leads to the IPv4 one.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def pair() -> tuple[SocketTransport, socket.socket]:
    """Return a transport and the socket at its other end, both in this process."""
    ours, theirs = socket.socketpair()
    return SocketTransport(ours, "a runtime in this process"), theirs
