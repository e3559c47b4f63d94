"""What the runtime is known to do in its own way, and what a caller sees of it: nothing that is not the caller's."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    EventGap,
    InvalidParamsError,
    RequestCancelledError,
    RunStarted,
    TextDelta,
    TurnFailedError,
    TurnStalledError,
)
from meerkat import _runs as runs
from meerkat import _turns as turns
from tests.e2e.conftest import LIMIT, connect, make_client
from tests.e2e.test_sessions import script

if TYPE_CHECKING:
    from meerkat import MeerkatClient, Session
    from tests.support.runtime import Runtime


def response(session: Session) -> dict[str, Any]:
    """Parameters of a peer's final answer to a session."""
    ids = {"session_id": session.id, "peer_id": str(uuid.uuid4()), "request_id": str(uuid.uuid4())}
    return {**ids, "status": "completed", "result": {"a": 1}}


async def prompts(session: Session, prompt: str) -> list[Any]:
    """Run a turn that must go well; return the prompts of all runs that its stream showed."""
    async with session.stream(prompt) as events:
        seen = [event async for event in events]
    assert events.result.text.endswith(prompt)
    assert "".join(event.delta for event in seen if isinstance(event, TextDelta)) == events.result.text
    return [event.prompt for event in seen if isinstance(event, RunStarted)]


@pytest.mark.requirement("C13", "S14")
async def test_a_turn_behind_a_peers_response_waits_for_its_run(client: MeerkatClient) -> None:
    """The runtime would take it and never start it."""
    session = await client.create_session("hello", comms_name="one")
    with anyio.fail_after(LIMIT):
        for number in range(3):
            sent = response(session)
            await session.send_peer_response_terminal(
                sent["peer_id"], sent["request_id"], "completed", {"number": number}
            )
            assert await prompts(session, f"mine {number}") == [f"mine {number}"]
    assert client.diagnostics.stalled_turns == 0


@pytest.mark.requirement("C13")
async def test_a_turn_that_is_never_started_is_noticed(
    real_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A response that came from elsewhere cannot be waited for. The embedded runtime starts every turn."""
    monkeypatch.setattr(runs, "STALLED", 1.0)
    monkeypatch.setattr(turns, "STALLED", 1.0)
    caplog.set_level(logging.WARNING, "meerkat.turns")
    client = make_client(real_runtime, stalled_turns="raise")
    async with await connect(client, real_runtime):
        with anyio.fail_after(LIMIT):
            for number in range(20):
                session = await client.create_session("hello", comms_name=f"peer{number}")
                await client.call("session/peer_response_terminal", response(session))
                try:
                    await session.turn("mine")
                except TurnStalledError:
                    break
                except TurnFailedError as error:
                    # About one in fifty under load it refuses at once, which is an answer: try with another session.
                    if "Runtime not ready: stopped" not in error.message:
                        raise
            else:
                pytest.fail("the runtime started or refused all turns")
            # The next turn wakes the one that was given up, and does not take its run for its own.
            assert await prompts(session, "next") == ["next"]
    assert "has not started the turn" in caplog.text


@pytest.mark.requirement("S14", "C05")
async def test_a_failed_input_that_runs_again_is_not_the_next_callers(client: MeerkatClient) -> None:
    """Nor does a turn get lost that is sent when it runs for the last time, just behind the turn before."""
    session = await client.create_session("hello")
    failing = script({"status": 400})
    with anyio.fail_after(LIMIT):
        with pytest.raises(TurnFailedError) as caught:
            await session.turn(failing)
        assert caught.value.report is not None
        for number in range(3):
            assert await prompts(session, f"next {number}") == [f"next {number}"]
        started: list[object] = []
        while len(started) < 6:  # the log is written beside the runs
            replay = await client.list_events_since({"scope": {"type": "session", "session_id": session.id}})
            started = [entry.event.prompt for entry in replay.events if isinstance(entry.event, RunStarted)]
    assert started.count(failing) >= 2  # otherwise the test would not show what it is meant to show
    assert client.diagnostics.stalled_turns == 0


@pytest.mark.requirement("S14")
async def test_an_event_that_waited_joins_the_callers_run(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    await session.send_external_event("webhook", {"n": 1})
    with anyio.fail_after(LIMIT):
        (prompt,) = await prompts(session, "mine")
        assert prompt.startswith("[EVENT via webhook]")
        assert prompt.endswith("mine")
        assert await prompts(session, "mine") == ["mine"]


@pytest.mark.requirement("S14", "S09")
async def test_numbers_that_start_again_are_no_gap(client: MeerkatClient) -> None:
    """They do so when the session's agent is built anew: after a failure, an interruption, a cancellation."""
    session = await client.create_session("hello")
    gaps = 0

    async def look(prompt: str) -> None:
        nonlocal gaps
        async with session.stream(prompt) as events:
            async for event in events:
                gaps += isinstance(event, EventGap)

    with anyio.fail_after(LIMIT):
        await look("one two three")
        with pytest.raises(TurnFailedError):
            await look(script({"status": 400}))
        await look("four")
        with anyio.move_on_after(0.3):
            await look(script({"text": "begun"}, {"sleep": 50}))
        await look("five")
        with pytest.raises(RequestCancelledError):  # noqa: PT012  # interrupted in the middle of it
            async with session.stream(script({"text": "begun"}, {"sleep": 50})) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        await session.interrupt()
        await look("six")
    assert gaps == 0
    assert client.diagnostics.gaps == 0


@pytest.mark.requirement("T04")
async def test_an_error_without_an_id_ends_the_call_that_it_belongs_to(client: MeerkatClient) -> None:
    """Some methods forget the id of requests that do not fit, which only raw calls can send."""
    outcomes: list[object] = []

    async def wrong(method: str) -> None:
        with pytest.raises(InvalidParamsError) as caught:
            await client.call(method, {"session_id": 5})
        outcomes.append(caught.value.method)

    async def right() -> None:
        outcomes.append(await client.list_sessions())

    methods = ["session/external_event", "session/peer_response_terminal"]
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            for method in methods:
                group.start_soon(right)
                group.start_soon(wrong, method)
                group.start_soon(right)
    assert all(method in outcomes for method in methods)
    assert outcomes.count([]) == 4
    assert client.diagnostics.strays == 2
    assert client.diagnostics.pending_calls == 0


@pytest.mark.requirement("S01")
async def test_events_are_here_before_the_result(client: MeerkatClient) -> None:
    """At least 99 of 100 events of a paced turn come while it runs."""
    session = await client.create_session("hello")
    with anyio.fail_after(LIMIT):
        async with session.stream(script({"deltas": 600, "every": 0.001})) as events:
            before = after = 0
            async for _ in events:
                assert events._request is not None
                if events._request.call.done:
                    after += 1
                else:
                    before += 1
    assert before >= 0.99 * (before + after), (before, after)


@pytest.mark.requirement("S08")
async def test_other_tasks_are_not_frozen_by_a_burst(embedded_runtime: Runtime) -> None:
    """Measured in processor time, which does not depend on what else the machine does. The runtime does not matter."""
    client = make_client(embedded_runtime)
    async with await connect(client, embedded_runtime):
        session = await client.create_session("hello")
        longest = min([await longest_freeze(session) for _ in range(3)])
    assert longest <= 0.005


async def longest_freeze(session: Session) -> float:
    """Processor seconds that pass at most between two looks of another task while a burst of events comes."""
    longest = 0.0
    done = anyio.Event()

    async def look() -> None:
        nonlocal longest
        last = time.process_time()
        while not done.is_set():
            await anyio.lowlevel.checkpoint()
            now = time.process_time()
            longest = max(longest, now - last)
            last = now

    async with anyio.create_task_group() as group:
        group.start_soon(look)
        async with session.stream(script({"deltas": 5000})) as events:
            while await events.batches():
                pass
        done.set()
    return longest
