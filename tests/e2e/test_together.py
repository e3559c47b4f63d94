"""Several streams, subscriptions and sessions at the same time, and leaving some of them; on both runtimes."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import DeadlineExceededError, MeerkatClient, RunCompleted, RunStarted, TextDelta
from tests.e2e.conftest import LIMIT, connect, make_client
from tests.e2e.test_sessions import script
from tests.support.tasks import background_tasks

if TYPE_CHECKING:
    from meerkat import EventStream, Session
    from tests.support.runtime import Runtime


@pytest.mark.requirement("S02")
async def test_several_sessions_begin_at_once(client: MeerkatClient) -> None:
    """Each first turn has begun, and is known by its session, before any of them ends."""
    names = ["one", "two", "three"]
    ids: dict[str, str] = {}
    all_begun = anyio.Event()

    async def begin(name: str) -> None:
        async with client.create_session_streaming(script({"text": f"{name} "}, {"sleep": 300})) as events:
            assert events.session_id == ""
            async for event in events:
                assert events.session_id
                if isinstance(event, TextDelta):
                    assert event.delta.strip() == name
                    break
            ids[name] = events.session_id
            if len(ids) == len(names):
                all_begun.set()
            await all_begun.wait()

    with anyio.fail_after(LIMIT / 2):
        async with anyio.create_task_group() as group:
            for name in names:
                group.start_soon(begin, name)
    assert len(set(ids.values())) == len(names)


@pytest.mark.requirement("S04")
async def test_two_streams_of_one_session_do_not_share(client: MeerkatClient) -> None:
    """Two tasks stream turns of one session, while two subscriptions look on: each gets all that is its own."""
    session = await client.create_session("hello")
    names = [f"{letter}{number}" for number in range(3) for letter in "ab"]
    own: dict[str, list[object]] = {}

    async def stream(letter: str) -> None:
        for name in (name for name in names if name.startswith(letter)):
            async with session.stream(name) as events:
                own[name] = [event async for event in events]

    async def follow() -> list[object]:
        async with await session.subscribe_events() as events:
            ready.append(True)
            seen: list[object] = []
            async for event in events:
                seen.append(event)
                if sum(isinstance(each, RunCompleted) for each in seen) == len(names):
                    break
            return seen

    async def keep() -> None:
        followed.append(await follow())

    ready: list[bool] = []
    followed: list[list[object]] = []
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            group.start_soon(keep)
            group.start_soon(keep)
            while len(ready) < 2:
                await anyio.lowlevel.checkpoint()
            group.start_soon(stream, "a")
            group.start_soon(stream, "b")
    for name, seen in own.items():
        assert [event.prompt for event in seen if isinstance(event, RunStarted)] == [name]
        assert "".join(event.delta for event in seen if isinstance(event, TextDelta)) == f"echo: {name}"
        assert isinstance(seen[-1], RunCompleted)
    order = sorted(own, key=lambda name: followed[0].index(own[name][0]))
    for seen in followed:
        assert seen == [event for name in order for event in own[name]]


ENDLESS = script({"text": "begun "}, {"sleep": 300})


async def break_off(stream: EventStream) -> None:
    async with stream as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break


async def fail(stream: EventStream) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # raised by the body itself
        async with stream as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    raise ZeroDivisionError


async def be_cancelled(stream: EventStream) -> None:
    with anyio.CancelScope() as scope:
        async with stream as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    scope.cancel()
    assert scope.cancelled_caught


async def collect_in_time(stream: EventStream) -> None:
    with anyio.move_on_after(0.5) as scope:
        await stream.collect()
    assert scope.cancelled_caught


@pytest.mark.requirement("S06")
@pytest.mark.parametrize("leave", [break_off, fail, be_cancelled, collect_in_time])
@pytest.mark.parametrize("first", [False, True], ids=["turn", "creation"])
async def test_a_stream_that_is_left_leaves_nothing(
    runtime: Runtime, leave: Any, first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The turn is cancelled: the next one need not wait for it. The client keeps nothing, and nobody complains."""
    caplog.set_level(logging.WARNING)
    client = make_client(runtime)
    with anyio.fail_after(LIMIT):
        async with await connect(client, runtime):
            session = await client.create_session("hello")
            await client.list_sessions()  # the timer of deadlines runs from the first one on
            before = await background_tasks()
            stream = client.create_session_streaming(ENDLESS) if first else session.stream(ENDLESS)
            await leave(stream)
            assert (await session.turn("next")).text == "echo: next"
            while client.diagnostics.pending_calls:
                await client.call("runtime/health")
            assert len(await client.list_sessions()) == 1
            assert client._state.link is not None
            router = client._state.link.router
            assert not router._creating
            assert not router._touched
            while not router.session(session.id).idle:  # the last event of a turn may come after its answer
                await client.call("runtime/health")
            assert await background_tasks() == before
    assert caplog.records == []


@pytest.mark.requirement("S06")
@pytest.mark.parametrize("leave", [break_off, fail, be_cancelled])
async def test_a_turn_goes_on_when_its_stream_is_left_and_that_was_asked_for(client: MeerkatClient, leave: Any) -> None:
    session = await client.create_session("hello")
    steps = script({"text": "begun "}, {"sleep": 0.3}, {"text": "and finished"})
    with anyio.fail_after(LIMIT):
        await leave(session.stream(steps, cancel_on_exit=False))
        assert (await session.turn("next")).text == "echo: next"
        assert "begun and finished" in str((await session.history()).messages)


@pytest.mark.requirement("C02")
async def test_turns_have_no_deadline_unless_asked(runtime: Runtime) -> None:
    """The client's deadline is for calls that run no agent."""
    slow = script({"sleep": 0.4}, {"text": "at last"})
    client = make_client(runtime, timeout=0.2)

    async def stream(session: Session) -> str:
        return (await session.stream(slow).collect()).text

    with anyio.fail_after(LIMIT):
        async with await connect(client, runtime):
            session = await client.create_session(slow)
            assert session.text == "at last"
            assert (await session.turn(slow)).text == "at last"
            assert await stream(session) == "at last"
            raw = await client.call("turn/start", {"session_id": session.id, "prompt": slow})
            assert raw["text"] == "at last"
            with pytest.raises(DeadlineExceededError):
                await client.call("turn/start", {"session_id": session.id, "prompt": slow}, timeout=0.1)
    assert inspect.signature(MeerkatClient).parameters["timeout"].default == 60.0
