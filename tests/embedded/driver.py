"""Speaks raw lines with a runtime process, and keeps everything that it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

LIMIT = 60
"""Seconds after which a test gives up waiting. Nothing here takes nearly as long."""

COMMAND = [sys.executable, "-m", "meerkat.embedded"]


class Peer:
    """A running process.

    Attributes:
        lines: What it wrote so far, decoded.
        process: The process.
        status: Its exit status, once `finish` has seen its end.
    """

    def __init__(self, process: anyio.abc.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.status: int | None = None
        self._came = anyio.Event()
        self._next_id = 0
        self._ended = False

    async def send_line(self, line: bytes) -> None:
        """Write a line as it is."""
        assert self.process.stdin is not None
        await self.process.stdin.send(line + b"\n")

    async def send(self, message: Any) -> None:
        """Write a message."""
        await self.send_line(json.dumps(message).encode())

    async def ask(self, method: str, **params: Any) -> int:
        """Send a request; returns its id."""
        self._next_id += 1
        await self.send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        return self._next_id

    async def call(self, method: str, **params: Any) -> Any:
        """Send a request and return its result."""
        answer = await self.answer(await self.ask(method, **params))
        assert "result" in answer, answer
        return answer["result"]

    async def fault(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return the error that it is answered with."""
        answer = await self.answer(await self.ask(method, **params))
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error

    async def notify(self, method: str, **params: Any) -> None:
        """Send a notification."""
        await self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def answer(self, request_id: object) -> dict[str, Any]:
        """Wait for the answer to a request."""
        return await self.wait_for(lambda line: "method" not in line and line["id"] == request_id)

    async def wait_for(self, wanted: Callable[[dict[str, Any]], bool], count: int = 1) -> dict[str, Any]:
        """Wait until so many lines are as wanted; returns the last of them."""
        found: list[dict[str, Any]] = []

        def is_found() -> bool:
            found[:] = [line for line in self.lines if wanted(line)]
            return len(found) >= count

        await self.until(is_found)
        return found[count - 1]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something holds of what it wrote."""
        with anyio.fail_after(LIMIT):
            while not is_so():
                if self._ended:
                    raise EOFError(f"the process ended, having written {self.lines[-3:]}")
                await self._came.wait()

    async def wait_event(self, session_id: str, event_type: str, count: int = 1) -> dict[str, Any]:
        """Wait for an event of a session; returns its payload."""

        def is_wanted(line: dict[str, Any]) -> bool:
            return (
                line.get("method") == "session/event"
                and line["params"]["session_id"] == session_id
                and line["params"]["event"]["payload"]["type"] == event_type
            )

        payload: dict[str, Any] = (await self.wait_for(is_wanted, count))["params"]["event"]["payload"]
        return payload

    def events(self, session_id: str) -> list[dict[str, Any]]:
        """The events of a session so far, as they were told to everybody."""
        return [
            line["params"]["event"]
            for line in self.lines
            if line.get("method") == "session/event" and line["params"]["session_id"] == session_id
        ]

    def payloads(self, session_id: str) -> list[dict[str, Any]]:
        """The payloads of a session's events so far."""
        return [event["payload"] for event in self.events(session_id)]

    def stream_events(self, stream_id: str) -> list[dict[str, Any]]:
        """What a subscription was told so far."""
        return [
            line["params"]
            for line in self.lines
            if line.get("method") == "session/stream_event" and line["params"]["stream_id"] == stream_id
        ]

    async def finish(self) -> int:
        """Close its input, read on to the end, and return its exit status."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()
        with anyio.fail_after(LIMIT):
            while not self._ended:
                await self._came.wait()
            self.status = await self.process.wait()
        return self.status

    async def read(self) -> None:
        """Collect what it writes; a line that is not JSON is an error."""
        assert self.process.stdout is not None
        rest = b""
        async for chunk in self.process.stdout:
            *whole, rest = (rest + chunk).split(b"\n")
            self.lines += [json.loads(line) for line in whole]
            self._tell()
        assert not rest, f"half a line at the end: {rest!r}"
        self._ended = True
        self._tell()

    def _tell(self) -> None:
        came, self._came = self._came, anyio.Event()
        came.set()


@asynccontextmanager
async def started(
    command: list[str], env: dict[str, str] | None = None, *, reading: bool = True
) -> AsyncGenerator[Peer]:
    """Start a runtime, and see it off at the end whatever happens.

    Args:
        command: Its command line.
        env: Environment variables beside those of this process.
        reading: Whether to read what it writes from the start; else the test starts `Peer.read` itself.
    """
    process = await anyio.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, env=environment(env)
    )
    peer = Peer(process)
    try:
        async with anyio.create_task_group() as tasks:
            if reading:
                tasks.start_soon(peer.read)
            try:
                yield peer
                if peer.status is None and reading:
                    await peer.finish()
            finally:
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
                await process.wait()
            await process.aclose()


def environment(extra: dict[str, str] | None) -> dict[str, str]:
    """Environment of a runtime process: nothing of this one's settings for runtimes."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MEERKAT_", "RKAT_"))}
    return {**kept, "PYTHONWARNINGS": "error", **(extra or {})}


def write_config(state_root: Path, realm: str, text: str) -> None:
    """Write a realm's ``config.toml``."""
    directory = state_root / realm
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.toml").write_text(text, encoding="utf-8")
