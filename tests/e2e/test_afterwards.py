"""After the end of the runtime: whatever is asked, the answer is the cause, and it comes at once."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import RuntimeExitedError, StreamNotConsumedError
from tests.e2e.conftest import LIMIT
from tests.e2e.test_sessions import script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meerkat import MeerkatClient, Session

TURNS = 20
"""How often other tasks get their turn, at most, before an error that is there already is raised."""

LATER: dict[str, Callable[[MeerkatClient, Session], Awaitable[Any]]] = {
    "a call": lambda client, _: client.list_sessions(),
    "a call without parameters": lambda client, _: client.get_runtime_host_health(),
    "a raw call": lambda client, _: client.call("session/list"),
    "a call with a deadline": lambda client, _: client.with_timeout(30).get_config(),
    "a session": lambda client, _: client.create_session("x"),
    "a deferred session": lambda client, _: client.create_deferred_session("x"),
    "a streamed session": lambda client, _: client.create_session_streaming("x").collect(),
    "a turn": lambda _, session: session.turn("x"),
    "a streamed turn": lambda _, session: session.stream("x").collect(),
    "a subscription": lambda _, session: session.subscribe_events(),
    "reading": lambda _, session: session.read(),
    "interrupting": lambda _, session: session.interrupt(),
}


@pytest.mark.requirement("T06", "T14")
async def test_all_that_was_under_way_fails_and_later_calls_raise_the_same_cause_at_once(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    other = await client.create_session("other")
    pid = client.pid
    assert pid is not None
    failed: list[RuntimeExitedError] = []
    begun = 0

    async def wait(what: Callable[[], Awaitable[Any]]) -> None:
        nonlocal begun
        begun += 1
        with pytest.raises(RuntimeExitedError) as caught:
            await what()
        failed.append(caught.value)

    endless = script({"text": "begun"}, {"sleep": 300})
    async with await session.subscribe_events() as subscription:
        stream = session.stream(endless)
        async with stream:
            await anext(stream)
            with anyio.fail_after(LIMIT):
                async with anyio.create_task_group() as group:
                    group.start_soon(wait, stream.collect)
                    group.start_soon(wait, lambda: other.turn(endless))
                    group.start_soon(wait, lambda: client.create_session(endless))
                    group.start_soon(wait, lambda: drain(subscription))
                    await anyio.wait_all_tasks_blocked()
                    os.kill(pid, signal.SIGKILL)
        assert begun == len(failed) == 4
        with pytest.raises(StreamNotConsumedError):
            _ = stream.result

        # From now on, nothing is waited for.
        for name, later in LATER.items():
            error, turns = await raised(partial(later, client, session))
            assert turns <= TURNS, name
            failed.append(error)
    for error in failed:
        assert f"(pid {pid}) was ended by SIGKILL" in error.message
        assert error.return_code == -signal.SIGKILL
        assert error.stderr_tail == client.stderr_tail
        assert error.method is not None
    # One cause, and an error of his own for everybody.
    assert len({id(error.__cause__) for error in failed}) == 1
    assert len({id(error) for error in failed}) == len(failed)
    assert client.return_code == -signal.SIGKILL
    assert client.diagnostics.pending_calls == 0


async def raised(ask: Callable[[], Awaitable[Any]]) -> tuple[RuntimeExitedError, int]:
    """Return the error of a call, and how often another task got its turn before it came."""
    turns = 0
    over = anyio.Event()

    async def count() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        try:
            with anyio.fail_after(LIMIT):
                await ask()
        except RuntimeExitedError as error:
            return error, turns
        finally:
            over.set()
    pytest.fail("nothing was raised")


async def drain(events: Any) -> None:
    async for _ in events:
        pass
