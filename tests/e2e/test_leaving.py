"""Leaving at every moment: what was asked for is given up in the runtime too, and the client keeps nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import SessionNotFoundError
from tests.e2e.conftest import LIMIT
from tests.e2e.test_sessions import NOBODY, script

if TYPE_CHECKING:
    from meerkat import MeerkatClient
    from meerkat._router import Router

MOMENTS = [0.0, 0.005, 0.01, 0.02, 0.04, 0.1]
"""Seconds after which a turn is left: before the runtime has begun with it, while it begins, and when it runs."""

ENDLESS = script({"text": "begun "}, {"sleep": 300})


def router(client: MeerkatClient) -> Router:
    """Where the client keeps what is under way."""
    assert client._state.link is not None
    return client._state.link.router


async def settled(client: MeerkatClient) -> None:
    """Wait until every call is answered, also those that nobody waits for."""
    with anyio.fail_after(LIMIT):
        while client.diagnostics.pending_calls:
            await client.call("runtime/health")


@pytest.mark.requirement("C01")
async def test_a_turn_that_is_left_before_its_run_starts(client: MeerkatClient) -> None:
    """The runtime never ends a turn that it is told to cancel too early, nor starts the next one."""
    for seconds in MOMENTS:
        session = await client.create_session("hello")
        with anyio.move_on_after(seconds) as scope:
            await session.turn(ENDLESS)
        assert scope.cancelled_caught
        with anyio.fail_after(LIMIT):
            assert (await session.turn("next")).text == "echo: next"
    await settled(client)
    assert client.diagnostics.stalled_turns == 0


@pytest.mark.requirement("C01")
async def test_a_creation_that_is_left_before_its_run_starts(client: MeerkatClient) -> None:
    """The runtime would tell nobody of its sessions any more, and the session would stay."""
    for seconds in MOMENTS:
        with anyio.move_on_after(seconds) as scope:
            await client.create_session(ENDLESS)
        assert scope.cancelled_caught
        with anyio.fail_after(LIMIT):
            await client.list_sessions()
    await settled(client)
    assert await client.list_sessions() == []


async def test_sessions_that_are_over_are_forgotten(client: MeerkatClient) -> None:
    sessions = router(client)._sessions
    for seconds in MOMENTS:
        with anyio.move_on_after(seconds):
            await client.create_session(ENDLESS)
    archived = await client.create_session("hello")
    await archived.turn("again")
    await archived.archive()
    with pytest.raises(SessionNotFoundError):
        await client.session(NOBODY).turn("hello")
    with pytest.raises(SessionNotFoundError):
        await archived.turn("hello")
    living = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        while list(sessions) != [living.id]:
            await client.call("runtime/health")
    assert (await living.turn("again")).text == "echo: again"


async def test_a_turn_that_is_over_keeps_no_answer(client: MeerkatClient) -> None:
    """A session is remembered for long, and the answer may be large."""
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        await session.stream("more").collect()
        previous = router(client).session(session.id)._previous
        while previous is not None and not previous.over:
            await client.call("runtime/health")
    assert previous is None or previous._call is None


async def test_a_subscription_whose_opening_is_cancelled_when_the_answer_is_here(
    client: MeerkatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller never gets it, so nobody else can close it."""
    session = await client.create_session("hello")
    routes = router(client)
    opened = routes.opened_stream
    stream_ids: list[str | None] = []

    def cancelled(stream_id: str | None, inbox: Any) -> None:
        opened(stream_id, inbox)
        stream_ids.append(stream_id)
        scope.cancel()

    monkeypatch.setattr(routes, "opened_stream", cancelled)
    with anyio.fail_after(LIMIT):
        with anyio.CancelScope() as scope:
            await session.subscribe_events()
        assert scope.cancelled_caught
        (stream_id,) = stream_ids
        assert stream_id is not None
        assert routes._streams == {}
        await settled(client)  # requests overtake each other in the runtime
        closed = await client.call("session/stream_close", {"stream_id": stream_id})
    assert closed["already_closed"]


@pytest.mark.requirement("C01")
async def test_a_subscription_whose_opening_is_cancelled_before_the_answer_is_closed(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await session.subscribe_events()
        assert scope.cancelled_caught
        assert client.diagnostics.pending_calls == 1  # it went out
        # The notice of its end, which may come after the answer to its closing, is nobody's.
        while client.diagnostics.unclaimed_events < 1:
            await client.call("runtime/health")
        await session.turn("more")
        await settled(client)
    assert router(client)._streams == {}
    assert client.diagnostics.unclaimed_events == 1  # nothing else is sent to it
