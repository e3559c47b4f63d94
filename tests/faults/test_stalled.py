"""A turn that the runtime took and does not start: it is noticed, and ends if the caller wants that."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat import DeadlineExceededError, RunStarted, TurnStalledError
from meerkat import _runs as runs
from meerkat import _turns as turns
from tests.faults.clients import AGE, LIMIT, talking
from tests.faults.table import Grace
from tests.support.misbehaving import SESSION
from tests.support.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.requirement("C13")

PATIENCE = 0.3


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch, shorten: Callable[..., None]) -> None:
    shorten(Grace.CANCEL)
    monkeypatch.setattr(runs, "STALLED", PATIENCE)
    monkeypatch.setattr(turns, "STALLED", PATIENCE)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "meerkat.turns" and r.levelno == logging.WARNING]


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "turn"])
async def test_it_is_logged_and_goes_on(streaming: bool, caplog: pytest.LogCaptureFixture) -> None:
    async with talking("queue", "hold") as client:
        session = client.session(SESSION)
        texts: list[str] = []

        async def turn() -> None:
            result = await (session.stream("first").collect() if streaming else session.turn("first"))
            texts.append(result.text)

        with anyio.fail_after(LIMIT):
            async with anyio.create_task_group() as group:
                group.start_soon(turn)
                while not client.diagnostics.stalled_turns:
                    await anyio.lowlevel.checkpoint()
                # What wakes it in the real runtime too. A raw call does not wait for the turn before it.
                await client.call("turn/start", {"session_id": SESSION, "prompt": "second"})
        assert texts == ["one two"]
        (said,) = warnings(caplog)
        assert f"has not started the turn for {PATIENCE} seconds" in said
        assert SESSION in said


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "turn"])
async def test_it_is_raised_where_the_caller_wants_it(streaming: bool) -> None:
    async with talking("queue", "hold", stalled_turns="raise") as client:
        session = client.session(SESSION)
        with anyio.fail_after(LIMIT), pytest.raises(TurnStalledError, match="only with the next turn") as caught:
            await (session.stream("first").collect() if streaming else session.turn("first"))
        assert caught.value.method == "turn/start"
        # The next one wakes it, and is not mistaken for it.
        async with session.stream("second") as events:
            with anyio.fail_after(LIMIT):
                seen = [event async for event in events]
        assert [event.prompt for event in seen if isinstance(event, RunStarted)] == ["second"]
        assert client.diagnostics.pending_calls == 0


async def test_a_turn_that_waits_for_a_run_of_others_is_not_stalled(caplog: pytest.LogCaptureFixture) -> None:
    async with talking("queue", f"foreign:{3 * PATIENCE}", stalled_turns="raise") as client:
        with anyio.fail_after(LIMIT):
            assert (await client.session(SESSION).turn("mine")).text == "one two"
        assert client.diagnostics.stalled_turns == 0
    assert warnings(caplog) == []


async def test_a_turn_that_nobody_waits_for_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "STALLED", AGE)
    async with talking("queue", "hold", stalled_turns="raise") as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.session(SESSION).turn, "x")
            while "meerkat turn watch" not in await background_tasks():
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert "meerkat turn watch" not in await background_tasks()
        assert client.diagnostics.stalled_turns == 0


async def test_closing_ends_the_watch() -> None:
    async with talking("queue", "hold") as client:
        request = client.session(SESSION).stream("x")
        async with request:
            await client.close()


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "turn"])
@pytest.mark.requirement("C02")
async def test_a_deadline_holds_while_a_turn_waits_for_its_place(streaming: bool) -> None:
    async with talking("queue", "hold") as client:
        first = client.session(SESSION).stream("first")
        hasty = client.with_timeout(0.1).session(SESSION)
        async with first:
            with anyio.fail_after(LIMIT), pytest.raises(DeadlineExceededError, match=r"within 0\.1 seconds") as caught:
                await (hasty.stream("second").collect() if streaming else hasty.turn("second"))
            assert caught.value.method == "turn/start"
            assert client.diagnostics.pending_calls == 1  # the second was never sent
