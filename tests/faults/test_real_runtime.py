"""What can go wrong with the real runtime, too: it is ended, stopped, or loses its input, in every phase."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    DeadlineExceededError,
    MeerkatError,
    NotConnectedError,
    RuntimeExitedError,
    RuntimeStartError,
    TextDelta,
)
from tests.faults.clients import AGE, OPTIONS, SHORT, Stock, bounded, stock
from tests.faults.table import Grace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meerkat import MeerkatClient, Session
    from tests.support.runtime import Runtime

pytestmark = pytest.mark.requirement("T06", "T07", "T08")

SLOW = '{"script": [{"text": "begun"}, {"sleep": 50}]}'


def end_input(client_writer: int) -> None:
    """Let the runtime see the end of its input, as if the pipe had broken; the client's descriptor stays one."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, client_writer)
    finally:
        os.close(nowhere)


#          what the error says      exit status        graces that pass until it is noticed and the client is closed
FAULTS: dict[str, tuple[str, int | None, tuple[Grace, ...]]] = {
    "SIGKILL": ("ended by SIGKILL", -signal.SIGKILL, ()),
    "SIGTERM": ("ended by SIGTERM", -signal.SIGTERM, ()),
    "SIGHUP": ("ended by SIGHUP", -signal.SIGHUP, ()),
    "SIGSTOP": ("within", None, (Grace.CANCEL, Grace.SHUTDOWN, Grace.SIGNAL)),
    "input": ("exited with status 0", 0, ()),
}
SIGNALS = [fault for fault in FAULTS if fault != "input"]


def commit(fault: str, before: Stock) -> None:
    """Do it to the runtime that was started."""
    (runtime,) = before.started
    if fault == "input":
        end_input(runtime.writer)
    else:
        os.kill(runtime.pid, signal.Signals[fault])


def check(error: MeerkatError, fault: str) -> None:
    words, status, _ = FAULTS[fault]
    assert words in str(error)
    if status is None:
        assert type(error) is DeadlineExceededError
    else:
        assert type(error) is RuntimeExitedError
        assert error.return_code == status


@pytest.fixture
def client(real_runtime: Runtime) -> MeerkatClient:
    """A client of the real runtime, not connected, whose graces are those of the test."""
    return real_runtime.client(**OPTIONS)


@pytest.mark.parametrize("fault", SIGNALS)
async def test_while_connecting(
    fault: str, real_runtime: Runtime, client: MeerkatClient, shorten: Callable[..., None]
) -> None:
    stops = fault == "SIGSTOP"  # and so there is no answer in time
    if stops:
        shorten(Grace.SHUTDOWN, Grace.SIGNAL)
        client = real_runtime.client(**{**OPTIONS, "connect_timeout": SHORT})
    with stock() as before:
        async with anyio.create_task_group() as group:

            async def strike() -> None:
                while not before.started:
                    await anyio.lowlevel.checkpoint()
                commit(fault, before)

            group.start_soon(strike)
            with bounded(), pytest.raises(RuntimeStartError) as caught:
                await real_runtime.connect(client)
            assert ("within" if stops else FAULTS[fault][0]) in str(caught.value)
            assert caught.value.return_code == (None if stops else FAULTS[fault][1])
        assert client.pid is None
        await before.check(alone=False)


@pytest.mark.parametrize("fault", SIGNALS)
async def test_in_a_turn_in_a_stream_and_in_a_call(
    fault: str, real_runtime: Runtime, shorten: Callable[..., None]
) -> None:
    """All at once, with a subscription: each learns it at once, but from a runtime that is stopped nobody does."""
    _, status, graces = FAULTS[fault]
    shorten(*graces)
    client = real_runtime.client(**{**OPTIONS, "timeout": AGE})
    hasty = client if status is not None else client.with_timeout(SHORT)
    saw: dict[str, Any] = {}
    begun = anyio.Event()

    async def attempt(name: str, call: Callable[[], Awaitable[Any]]) -> None:
        try:
            saw[name] = await call()
        except MeerkatError as error:
            saw[name] = error

    async def stream(session: Session) -> None:
        async with session.stream(SLOW) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    begun.set()

    with stock() as before:
        with bounded():
            await real_runtime.connect(client)
            first, second = [await client.create_session("hello") for _ in range(2)]
            events = await first.subscribe_events()
            async with anyio.create_task_group() as group:
                group.start_soon(attempt, "stream", lambda: stream(first))
                group.start_soon(attempt, "turn", lambda: second.turn(SLOW))
                await begun.wait()
                commit(fault, before)
                await attempt("call", hasty.list_sessions)
                check(saw["call"], fault)
                if status is None:
                    assert list(saw) == ["call"]
                    group.cancel_scope.cancel()
            if status is not None:
                check(saw["stream"], fault)
                check(saw["turn"], fault)
                with pytest.raises(RuntimeExitedError):  # noqa: PT012  # what came before is shown before
                    while True:
                        await anext(events)
                assert client.diagnostics.pending_calls == 0
            await client.close()
        assert client.return_code == (-signal.SIGKILL if status is None else status)
        await before.check(alone=False)


async def test_the_end_of_its_input(real_runtime: Runtime) -> None:
    """It ends properly, though nobody told it to; who follows a subscription learns it without asking anything."""
    client = real_runtime.client(**{**OPTIONS, "timeout": AGE})
    with stock() as before:
        with bounded():
            await real_runtime.connect(client)
            session = await client.create_session("hello")
            events = await session.subscribe_events()
            commit("input", before)
            with pytest.raises(RuntimeExitedError) as caught:  # noqa: PT012  # what came before is shown before
                while True:
                    await anext(events)
            check(caught.value, "input")
            with pytest.raises(RuntimeExitedError) as caught:
                await session.turn("x")
            check(caught.value, "input")
            await client.close()
        assert client.return_code == 0
        await before.check(alone=False)


@pytest.mark.parametrize("fault", SIGNALS)
async def test_while_it_is_closed(fault: str, real_runtime: Runtime, shorten: Callable[..., None]) -> None:
    """A turn is under way, and ends with the client."""
    _, status, graces = FAULTS[fault]
    shorten(*graces)
    client = real_runtime.client(**{**OPTIONS, "timeout": AGE})
    with stock() as before:
        with bounded():
            await real_runtime.connect(client)
            session = await client.create_session("hello")
            async with anyio.create_task_group() as group:

                async def turn() -> None:
                    with pytest.raises((NotConnectedError, RuntimeExitedError)):
                        await session.turn(SLOW)

                group.start_soon(turn)
                await anyio.wait_all_tasks_blocked()
                commit(fault, before)
                await client.close()
        assert client.return_code == (-signal.SIGKILL if status is None else status)
        assert client.diagnostics.pending_calls == 0
        await before.check(alone=False)
