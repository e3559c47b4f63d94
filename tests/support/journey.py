"""A program: what a client does in its life, on the embedded runtime.

``python -m tests.support.journey trio DIRECTORY``. It needs what the wheel needs and nothing else.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

from meerkat import DeadlineExceededError, MeerkatClient, RunCompleted, TextDelta, TurnFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable

LIMIT = 60
SLEEP = {"sleep": 50}


def script(*steps: dict[str, Any]) -> str:
    """A prompt that tells the model what to do."""
    return json.dumps({"script": steps})


async def refused(call: Awaitable[object], error: type[Exception]) -> None:
    """Wait for a call that has to fail."""
    try:
        await call
    except error:
        return
    raise AssertionError(f"there was no {error.__name__}")


async def turns(client: MeerkatClient) -> None:
    """Turns: with both kinds of tools, seen by a subscription, and failing."""
    session = await client.create_session("hello")
    assert session.text == "echo: hello"
    result = await session.turn(
        script({"tool": "add", "args": {"a": 1, "b": 2}}, {"tool": "shout", "args": {"text": "io"}})
    )
    assert (result.tool_calls, result.text) == (2, "tool said: IO")
    async with await session.subscribe_events() as events:
        await session.turn("news")
        async for event in events:
            if isinstance(event, RunCompleted):
                break
    await refused(session.turn(script({"status": 401})), TurnFailedError)


async def streams(client: MeerkatClient) -> None:
    """Streams: read to their end, several at once."""

    async def ask(question: str) -> None:
        async with client.create_session_streaming(question) as events:
            said = [event.delta async for event in events if isinstance(event, TextDelta)]
        assert "".join(said) == events.result.text == f"echo: {question}"

    async with anyio.create_task_group() as tasks:
        for question in ("one two", "red", "blue"):
            tasks.start_soon(ask, question)


async def leaving(client: MeerkatClient) -> None:
    """Ends before the end: a cancelled turn, a deadline, a stream that is left."""
    session = await client.create_session("hello")
    with anyio.move_on_after(0.2) as scope:
        await session.turn(script(SLEEP))
    assert scope.cancelled_caught
    await refused(client.with_timeout(0.2).session(session.id).turn(script(SLEEP)), DeadlineExceededError)
    async with session.stream(script({"text": "begun"}, SLEEP)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert (await session.turn("still there?")).text == "echo: still there?"


async def main(state_root: str) -> None:
    """Connect, work, close, and connect again."""
    client = MeerkatClient(runtime="embedded")

    @client.tool
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        await anyio.lowlevel.checkpoint()
        return a + b

    @client.tool
    def shout(text: str) -> str:
        """Say it louder; in a thread."""
        return text.upper()

    with anyio.fail_after(LIMIT):
        for work in (turns, streams, leaving):
            await client.connect(realm_id="journey", state_root=state_root)
            try:
                await work(client)
            finally:
                await client.close()


if __name__ == "__main__":
    _, backend, directory = sys.argv
    # As programs do it. `anyio.run` would say by itself which library runs, also where nothing else could tell.
    if backend == "trio":
        import trio

        trio.run(main, directory)
    else:
        import asyncio

        asyncio.run(main(directory))
    sys.stdout.write("arrived\n")
