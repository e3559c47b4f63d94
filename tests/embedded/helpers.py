"""What the tests of sessions do over and over."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded.driver import started

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.embedded.driver import Peer
    from tests.support.runtime import Runtime


@asynccontextmanager
async def begin(runtime: Runtime) -> AsyncGenerator[Peer]:
    async with started(runtime.command(), runtime.env) as peer:
        yield peer


def script(*steps: dict[str, Any]) -> str:
    return json.dumps({"script": steps})


SLOW = script({"text": "begun "}, {"sleep": 30}, {"text": "never"})


async def create(peer: Peer, prompt: Any = "hi", **params: Any) -> str:
    session_id: str = (await peer.call("session/create", prompt=prompt, **params))["session_id"]
    if params.get("initial_turn") != "deferred":
        await peer.wait_event(session_id, "run_completed")
    return session_id


async def turn(peer: Peer, session_id: str, prompt: str, **params: Any) -> dict[str, Any]:
    """Run a turn, and wait for the end of its run too, which may be told after its answer."""
    before = len(peer.payloads(session_id))
    result: dict[str, Any] = await peer.call("turn/start", session_id=session_id, prompt=prompt, **params)

    def is_over() -> bool:
        payloads = peer.payloads(session_id)[before:]
        own = [n for n, payload in enumerate(payloads) if payload.get("prompt", "").endswith(prompt)]
        return any(payload["type"] == "run_completed" for payload in payloads[own[-1] :]) if own else False

    await peer.until(is_over)
    return result


def prompts(peer: Peer, session_id: str) -> list[Any]:
    return [payload["prompt"] for payload in peer.payloads(session_id) if payload["type"] == "run_started"]


async def texts(peer: Peer, session_id: str) -> list[Any]:
    """What the history holds after the system message: contents of the user, texts of the assistant."""
    messages = (await peer.call("session/history", session_id=session_id))["messages"]
    assert messages[0]["role"] == "system"
    found: list[Any] = []
    for message in messages[1:]:
        if message["role"] == "user":
            found.append(message["content"])
        else:
            found.append("".join(block["data"]["text"] for block in message["blocks"]))
    return found


async def logged(peer: Peer, session_id: str, count: int) -> dict[str, Any]:
    """The replay log, once it has so many events: the real runtime writes it a little later than it tells of them."""
    for _ in range(500):
        found: dict[str, Any] = await peer.call(
            "events/list_since", scope={"type": "session", "session_id": session_id}
        )
        if found["latest_cursor"]["sequence"] >= count:
            assert len(found["events"]) == count
            return found
    pytest.fail(f"the log never had {count} events")
