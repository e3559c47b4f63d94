"""What really passes between a client and each runtime, taken down in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import EventGap, RunCompleted, TextDelta, parse_event
from tests.e2e.conftest import LIMIT, connect
from tests.e2e.test_sessions import script
from tests.support.relay import Relay

if TYPE_CHECKING:
    from pathlib import Path

    from meerkat import Session
    from tests.support.runtime import Runtime


BURSTS = 5


@pytest.mark.requirement("S13", "S01")
async def test_every_event_of_a_burst_that_was_written_is_delivered_in_order(runtime: Runtime, tmp_path: Path) -> None:
    relay = Relay(tmp_path, runtime)
    client = relay.client()
    late = 0
    with anyio.fail_after(LIMIT):
        async with await connect(client, runtime):
            session = await client.create_session("hello")
            # The real runtime writes events behind the answer as well, unless it is slowed down by the machine.
            for _ in range(BURSTS if runtime.kind == "real" else 1):
                late += await burst(session, relay)
                if late > 100:
                    break
    if runtime.kind == "real" and late <= 100:
        pytest.skip(
            f"the runtime wrote nearly all events before the answer, in {BURSTS} bursts: no late ones were seen"
        )


async def burst(session: Session, relay: Relay) -> int:
    """Run a turn with many events, compare what was delivered with what was written; return how many came late."""
    asked = len(relay.lines())
    async with session.stream(script({"deltas": 2000})) as events:
        delivered = [event async for event in events]
    lines = relay.lines()[asked:]
    (answered,) = (
        index for index, (direction, message) in enumerate(lines) if direction == "<" and "prompt" not in message
        and message.get("result", {}).get("text", "").startswith("w0")
    )  # fmt: skip
    written = [
        (index, parse_event(message["params"]))
        for index, (_, message) in enumerate(lines)
        if message.get("method") == "session/event"
    ]
    assert isinstance(delivered[-1], RunCompleted)
    assert [event for event in delivered if not isinstance(event, EventGap)] == [event for _, event in written]
    assert sum(isinstance(event, TextDelta) for event in delivered) > 500
    return sum(index > answered for index, _ in written)


@pytest.mark.requirement("C11")
async def test_turns_of_one_session_do_not_overlap_and_those_of_two_do(runtime: Runtime, tmp_path: Path) -> None:
    relay = Relay(tmp_path, runtime)
    client = relay.client()

    async def turn(session: Session, name: str, seconds: float) -> None:
        await session.turn(script({"sleep": seconds}, {"text": name}))

    async def stream(session: Session, name: str) -> None:
        await session.stream(script({"text": name})).collect()

    with anyio.fail_after(LIMIT):
        async with await connect(client, runtime):
            one, two = await client.create_session("one"), await client.create_session("two")
            async with anyio.create_task_group() as group:
                group.start_soon(turn, one, "first", 0.7)
                await anyio.wait_all_tasks_blocked()
                group.start_soon(turn, one, "second", 0.0)
                group.start_soon(stream, one, "third")
                group.start_soon(turn, two, "beside", 0.0)
    lines = relay.lines()
    asked: dict[str, int] = {}
    answered: dict[str, int] = {}
    names: dict[Any, str] = {}
    for index, (direction, message) in enumerate(lines):
        if direction == ">" and message.get("method") == "turn/start":
            name = next(n for n in ("first", "second", "third", "beside") if n in message["params"]["prompt"])
            names[message["id"]] = name
            asked[name] = index
        elif direction == "<" and message.get("id") in names and "method" not in message:
            answered[names[message["id"]]] = index
    mine = sorted(("first", "second", "third"), key=asked.__getitem__)
    assert mine[0] == "first"
    assert answered[mine[0]] < asked[mine[1]]
    assert answered[mine[1]] < asked[mine[2]]
    assert asked["beside"] < answered["first"]


@pytest.mark.requirement("T08", "C01")
async def test_closing_has_the_runtime_give_up_what_is_under_way(runtime: Runtime, tmp_path: Path) -> None:
    """It would wait for it otherwise, and end seconds later."""
    relay = Relay(tmp_path, runtime)
    client = relay.client()
    with anyio.fail_after(LIMIT):
        async with await connect(client, runtime):
            session = await client.create_session("hello")
            stream = session.stream(script({"text": "begun"}, {"sleep": 300}))
            async with stream:
                while not isinstance(await anext(stream), TextDelta):
                    pass
                await client.close()
    lines = relay.lines()
    (key,) = (message["id"] for _, message in lines if message.get("method") == "turn/start")
    assert (">", "cancel", key) in [
        (direction, message.get("method"), message.get("params", {}).get("request_id")) for direction, message in lines
    ]
    (answer,) = (message for direction, message in lines if direction == "<" and message.get("id") == key)
    assert answer["error"]["code"] == -32005
    assert client.return_code == 0
