"""The model behind the embedded runtime: deterministic, and all that the engine knows of a model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import anyio

from meerkat.embedded import script
from meerkat.embedded.content import text_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

RETRYABLE_FROM = 500
TOO_MANY_REQUESTS = 429


class ModelError(Exception):
    """The model did not answer.

    Attributes:
        status: HTTP status.
        body: What came with it.
    """

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"status {status}: {body}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class End:
    """The last thing that a model says: what it calls, why it stops, what it cost."""

    tools: tuple[script.Tool, ...] = ()
    finish: str = "stop"
    input_tokens: int = 0
    output_tokens: int = 0


Said: TypeAlias = script.Text | script.Reason | End


class Model(Protocol):
    """What the engine needs of a model."""

    def play(self, messages: Sequence[dict[str, Any]], *, structured: bool = False) -> AsyncGenerator[Said, None]:
        """Answer a conversation, piece by piece; the last piece is an `End`.

        Args:
            messages: The history, as ``session/history`` gives it.
            structured: Whether the answer must be JSON.

        Raises:
            ModelError: It does not answer.
        """
        ...


class OkModel:
    """Says ``ok`` to everything, like the real runtime's test client."""

    async def play(self, messages: Sequence[dict[str, Any]], *, structured: bool = False) -> AsyncGenerator[Said, None]:  # noqa: ARG002  # see Model
        """Say ``ok``."""
        yield script.Text("ok")
        yield End()


@dataclass
class ScriptedModel:
    """Obeys the script in the prompt, else the script file, else echoes.

    Attributes:
        turns: What the script file says, if there is one.
    """

    turns: script.Turns | None = None
    _failures: Counter[tuple[object, ...]] = field(default_factory=Counter[tuple[object, ...]])

    async def play(self, messages: Sequence[dict[str, Any]], *, structured: bool = False) -> AsyncGenerator[Said, None]:
        """Play the script."""
        reply = self._reply(messages, structured)
        for part in reply.parts():
            if isinstance(part, script.Sleep):
                await anyio.sleep(part.seconds)
            else:
                yield part
        yield End(reply.tools, reply.finish, reply.prompt_tokens, reply.completion_tokens)

    def _reply(self, messages: Sequence[dict[str, Any]], structured: bool) -> script.Reply:
        user_texts = [text_of(message["content"]) for message in messages if message["role"] == "user"]
        tool_result = None
        if messages[-1]["role"] == "tool_results":
            tool_result = text_of(messages[-1]["results"][-1]["content"])
        request = (*user_texts, tool_result)
        try:
            reply = script.answer(
                user_texts,
                tool_result=tool_result,
                structured=structured,
                attempt=self._failures[request],
                turns=self.turns,
            )
        except script.ScriptError as error:
            raise ModelError(400, str(error)) from error
        if reply.status is not None:
            self._failures[request] += 1
            raise ModelError(reply.status, '{"error": {"message": "scripted failure", "type": "server_error"}}')
        return reply
