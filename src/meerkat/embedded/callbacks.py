"""Tools of the client: calling them over the connection, and waiting no longer than the runtime does."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import anyio

from meerkat._core.codec import is_object
from meerkat.embedded.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from meerkat.embedded.lines import Answer

TIMEOUT = 30
"""Seconds that a tool of the client has."""


class Callbacks:
    """Requests to the client that are not answered yet."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._ids = itertools.count()
        self._waiting: dict[int | str | None, Outcome[Answer]] = {}

    async def call(self, tool_use_id: str, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        """Call a tool; returns its text, and whether that is an error."""
        request_id = f"srv-{next(self._ids)}"
        outcome = self._waiting[request_id] = Outcome()
        params = {"tool_use_id": tool_use_id, "name": name, "arguments": arguments}
        self._send({"jsonrpc": "2.0", "id": request_id, "method": "tool/execute", "params": params})
        try:
            with anyio.fail_after(TIMEOUT):
                answer = await outcome.get()
        except TimeoutError:
            return _failed(f"Callback tool '{name}' timed out after {TIMEOUT}s")
        finally:
            del self._waiting[request_id]
        return _read(answer)

    def answer(self, answer: Answer) -> None:
        """Take an answer of the client; one that nobody waits for is ignored."""
        outcome = self._waiting.get(answer.id)
        if outcome is not None:
            outcome.resolve(answer)


def _read(answer: Answer) -> tuple[str, bool]:
    if answer.error is not None:
        message = answer.error.get("message") if is_object(answer.error) else None
        return _failed(message if isinstance(message, str) else "the client answered with a malformed error")
    result = answer.result
    if not is_object(result):
        return _failed("the client answered with a result that is no object")
    content, is_error = result.get("content", ""), result.get("is_error", False)
    if not isinstance(content, str) or not isinstance(is_error, bool):
        return _failed("the client answered with `content` that is no string or `is_error` that is no boolean")
    return content, is_error


def _failed(message: str) -> tuple[str, bool]:
    fault = {"error": "execution_failed", "message": f"Tool execution failed: {message}"}
    return json.dumps(fault, ensure_ascii=False, separators=(",", ":")), True
