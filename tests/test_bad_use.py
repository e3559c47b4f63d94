"""What a client is given or used for that it cannot do: refused at once, by a typed error that says what."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import InvalidArgumentError, MeerkatClient, NotConnectedError

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 60  # seconds: far more than anything takes
NAN = float("nan")


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: MeerkatClient(timeout=-1), "timeout is -1; give a number of seconds"),
        (lambda: MeerkatClient(timeout=NAN), "timeout is nan"),
        (lambda: MeerkatClient(connect_timeout=_any("5")), "connect_timeout is '5'"),
        (lambda: MeerkatClient(connect_timeout=_any(None)), "connect_timeout is None"),
        (lambda: MeerkatClient(shutdown_grace=NAN), "shutdown_grace is nan"),
        (lambda: MeerkatClient().with_timeout(-0.5), "with_timeout is -0.5"),
        (lambda: MeerkatClient().with_timeout(_any("5")), "with_timeout is '5'"),
        (lambda: MeerkatClient(env=_any("A=secret")), "env is a str; give a mapping$"),
        (lambda: MeerkatClient(env=_any([("A", "secret")])), "env is a list; give a mapping$"),
        (lambda: MeerkatClient(args="--flag"), "args is a text"),
        (lambda: MeerkatClient().tool(_any(5)), "a tool is a function, or has a text as its name, not 5"),
    ],
)
def test_what_a_client_is_given(use: Callable[[], object], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        use()


@pytest.mark.parametrize("port", [0, -1, 65536, "80"])
async def test_what_is_no_port(port: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"port is {port!r}; give a TCP port"):
        await MeerkatClient().connect_tcp("127.0.0.1", port)


async def test_what_is_no_call() -> None:
    async with MeerkatClient(runtime="embedded") as client:
        with pytest.raises(InvalidArgumentError, match="session/list: params is a list; give a mapping"):
            await client.call("session/list", _any([1]))
        with pytest.raises(InvalidArgumentError, match="timeout is nan"):
            await client.call("session/list", timeout=NAN)
        assert await client.list_sessions() == []


@pytest.mark.parametrize("other", ["trio", "asyncio"])
async def test_another_event_loop(other: str) -> None:
    async with MeerkatClient(runtime="embedded") as client:

        def use() -> None:
            for member in (client.list_sessions, client.close):
                with pytest.raises(NotConnectedError, match="connected in another event loop"):
                    anyio.run(member, backend=other)

        with anyio.fail_after(LIMIT):
            await anyio.to_thread.run_sync(use)
        assert await client.list_sessions() == []


@pytest.mark.parametrize("topic", ["errors", "events", "types"])
def test_topics_need_no_import_of_their_own(topic: str) -> None:
    program = f"import meerkat; assert {topic!r} in dir(meerkat); print(meerkat.{topic}.__name__)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == f"meerkat.{topic}\n"


def _any(value: object) -> Any:
    """Return what no type checker would let pass."""
    return value
