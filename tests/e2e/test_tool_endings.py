"""However a callback tool ends, or does not end: the runtime gets an answer, and nobody else waits for it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
import pytest

from meerkat import NotConnectedError
from tests.e2e.conftest import LIMIT
from tests.e2e.test_sessions import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from meerkat import MeerkatClient

PATIENCE = 20  # seconds: less than the 30 for which the runtimes wait for a tool


class SpeechlessError(Exception):
    """One that fails when it is asked for its text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def speechless() -> None:
    raise SpeechlessError


def leaves() -> None:
    raise SystemExit(3)


async def leaves_too() -> None:
    raise SystemExit(3)


async def runs_out() -> None:
    raise StopAsyncIteration


async def several() -> None:
    raise ExceptionGroup("several", [ValueError("one"), KeyError("two")])


async def gives_up() -> None:
    """Wait for something of its own that is cancelled."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await anyio.sleep_forever()
    raise TimeoutError("gave up")


def bottomless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


ENDINGS: dict[str, tuple[Callable[[], Any], str]] = {
    "speechless": (speechless, "SpeechlessError"),
    "leaves": (leaves, "SystemExit"),
    "leaves_too": (leaves_too, "SystemExit"),
    "runs_out": (runs_out, "StopAsyncIteration"),
    "several": (several, "several (2 sub-exceptions)"),
    "gives_up": (gives_up, "TimeoutError: gave up"),
    "bottomless": (bottomless, "bottomless failed"),
    "nothing_known": (object, "not JSON"),
    "no_number": (lambda: [float("nan")], "[null]"),
    "half": (lambda: "half \ud800", "half ?"),
    "large": (lambda: "x" * 1_000_000, "x" * 1000),
}
"""Tools, and what the model is told of each."""


@pytest.mark.requirement("P03")
async def test_every_ending_is_an_answer(client: MeerkatClient) -> None:
    """All in one turn: were one not answered, the turn would take longer than it may."""
    for name, (function, _) in ENDINGS.items():
        client.tool(name, description="ends in its own way", input_schema={"type": "object"})(function)
    steps: list[dict[str, Any]] = [{"tool": name, "args": {}} for name in ENDINGS]
    with anyio.fail_after(PATIENCE):
        session = await client.create_session(script(*steps, {"text": "done"}))
    assert session.tool_calls == len(ENDINGS)
    history = json.dumps(msgspec.to_builtins((await session.history()).messages))
    for name, (_, said) in ENDINGS.items():
        assert json.dumps(said)[1:-1] in history, name


@pytest.mark.requirement("P03")
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_tool_whose_own_task_was_cancelled(client: MeerkatClient) -> None:
    """On asyncio this is no `Exception`, and looks like the cancellation of the tool itself."""
    import asyncio  # the tests of trio are run where there is none

    @client.tool
    async def waits() -> None:
        task = asyncio.get_running_loop().create_future()
        task.cancel()
        await task

    with anyio.fail_after(PATIENCE):
        session = await client.create_session(script({"tool": "waits"}, {"text": "done"}))
    assert session.text == "done"
    assert "The tool waits was cancelled" in str((await session.history()).messages)


@pytest.mark.requirement("P02")
async def test_a_function_that_blocks_delays_nobody(client: MeerkatClient) -> None:
    """It blocks until another tool, a turn and calls have gone through."""
    entered, free = threading.Event(), threading.Event()

    @client.tool
    def blocks() -> str:
        entered.set()
        assert free.wait(LIMIT)
        return "free at last"

    @client.tool
    async def quick() -> str:
        return "quick"

    async def run_blocked() -> None:
        session = await client.create_session(script({"tool": "blocks"}, {"text": "blocked"}))
        assert "free at last" in str((await session.history()).messages)

    try:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(run_blocked)
                while not entered.is_set():
                    await anyio.lowlevel.checkpoint()
                beside = await client.create_session(script({"tool": "quick"}, {"text": "beside"}))
                assert (await beside.stream("streamed").collect()).text == "echo: streamed"
                await client.get_runtime_host_health()
                assert not free.is_set()
                free.set()
    finally:
        free.set()


@pytest.mark.requirement("P05", "T08")
async def test_closing_does_not_wait_for_a_function_that_blocks(client: MeerkatClient) -> None:
    entered, free, left = threading.Event(), threading.Event(), threading.Event()

    @client.tool
    def blocks() -> None:
        entered.set()
        free.wait(LIMIT)
        left.set()

    async def run() -> None:
        with pytest.raises(NotConnectedError, match="closed"):
            await client.create_session(script({"tool": "blocks"}))

    try:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(run)
                while not entered.is_set():
                    await anyio.lowlevel.checkpoint()
                await client.close()
            assert not left.is_set()
    finally:
        free.set()
    assert left.wait(LIMIT)
