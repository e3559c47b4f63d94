"""One run of a session's agent: rounds with the model, tools between them, and every event in order."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from meerkat.embedded import script
from meerkat.embedded.extraction import extract
from meerkat.embedded.failures import AgentFailure, llm_failure, retry_exhausted, retrying, tool_failure
from meerkat.embedded.model import RETRYABLE_FROM, TOO_MANY_REQUESTS, End, ModelError

if TYPE_CHECKING:
    from meerkat.embedded.content import Content
    from meerkat.embedded.model import Model
    from meerkat.embedded.session import Session, Transcript

MAX_RETRIES = 3
"""Retries of a request to the model; the real runtime does not let the configuration change it."""

_STOP_REASONS = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "content_filter",
}


class Host(Protocol):
    """What a run needs of the world around it."""

    model: Model
    retry_scale: float

    async def emit(self, payload: dict[str, Any]) -> None:
        """Tell of an event; waits while nobody reads, and may be cancelled."""
        ...

    def tell(self, payload: dict[str, Any]) -> None:
        """Tell of an event at once: one that ends a run, which can not be cancelled any more."""
        ...

    async def call_tool(self, call_id: str, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        """Call a tool; returns its text, and whether that is an error."""
        ...

    def next_call_id(self) -> str:
        """Return an identifier for a tool call."""
        ...

    def has_tool(self, name: str) -> bool:
        """Whether there is a tool of this name."""
        ...


@dataclass(frozen=True)
class Overlay:
    """Which tools a run may use: ``None`` allows all."""

    allowed: frozenset[str] | None = None
    blocked: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """All tools that are named."""
        return sorted((self.allowed or frozenset()) | self.blocked)

    def permits(self, name: str) -> bool:
        """Whether a tool may be used."""
        return name not in self.blocked and (self.allowed is None or name in self.allowed)


@dataclass
class Run:
    """A run in the making; `execute` is all of it.

    Attributes:
        session: Whose run it is.
        transcript: Its own copy of the history, which the session takes over when it ends well.
        host: The world around it.
        overlay: Which tools it may use.
        rounds: Answers of the model that count.
        tool_calls: Tools called in this run.
        last_text: Text of the last answer.
    """

    session: Session
    transcript: Transcript
    host: Host
    overlay: Overlay = field(default_factory=Overlay)
    rounds: int = 0
    tool_calls: int = 0
    last_text: str = ""

    async def execute(self, prompt: Content, stored: Content) -> dict[str, Any]:
        """Run to the end.

        Args:
            prompt: The prompt as events give it.
            stored: The prompt as the history keeps it.

        Returns:
            The result, without what only the session knows.

        Raises:
            AgentFailure: It failed; ``run_failed`` has been told.
        """
        try:
            return await self._execute(prompt, stored)
        except AgentFailure as failure:
            self.host.tell({"type": "run_failed", "session_id": self.session.id, **failure.to_event()})
            raise

    async def _execute(self, prompt: Content, stored: Content) -> dict[str, Any]:
        self.transcript.add_user(stored)
        await self.host.emit({"type": "run_started", "session_id": self.session.id, "prompt": prompt})
        while True:
            await self.host.emit({"type": "turn_started", "turn_number": self.rounds})
            answer = await self.ask()
            if self._is_spent("max_tokens", self.transcript.total_tokens):
                return await self._end_exhausted("tokens", "max_tokens", self.transcript.total_tokens)
            await self._conclude(answer)
            if not answer.end.tools:
                break
            await self._call_tools(answer.calls)
            if self._is_spent("max_tool_calls", self.transcript.tool_calls):
                return await self._end_exhausted("tool_calls", "max_tool_calls", self.transcript.tool_calls)
        await self.host.emit(
            {
                "type": "turn_completed",
                "stop_reason": _STOP_REASONS[answer.end.finish],
                "usage": usage(answer.end.input_tokens, answer.end.output_tokens),
            }
        )
        self._tell_completed(self.last_text)
        outcome = await extract(self) if self.session.settings.output_schema is not None else {}
        return {**self._result(self.last_text), **outcome}

    async def ask(self, *, structured: bool = False) -> Answer:
        """Ask the model once, and again while its failures can be retried."""
        attempt = 0
        while True:
            try:
                return await self._listen(structured)
            except ModelError as error:
                if error.status != TOO_MANY_REQUESTS and error.status < RETRYABLE_FROM:
                    raise llm_failure() from error
                if attempt == MAX_RETRIES:
                    raise retry_exhausted() from error
                attempt += 1
                event = retrying(attempt, MAX_RETRIES, error, self.session.settings.provider)
                await self.host.emit(event)
                await anyio.sleep(event["delay_ms"] / 1000 * self.host.retry_scale)

    async def _listen(self, structured: bool) -> Answer:
        answer = Answer()
        async with aclosing(self.host.model.play(self.transcript.messages, structured=structured)) as said:
            async for part in said:
                if isinstance(part, End):
                    answer.end = part
                elif isinstance(part, script.Reason):
                    answer.reasoning.append(part.text)
                    await self.host.emit({"type": "reasoning_delta", "delta": part.text})
                else:
                    answer.text.append(part.text)
                    await self.host.emit({"type": "text_delta", "delta": part.text})
        self.transcript.input_tokens += answer.end.input_tokens
        self.transcript.output_tokens += answer.end.output_tokens
        answer.calls = [(self.host.next_call_id(), tool) for tool in answer.end.tools]
        return answer

    async def _conclude(self, answer: Answer) -> None:
        """Tell that an answer is complete, and keep it."""
        reasoning, self.last_text = "".join(answer.reasoning), "".join(answer.text)
        if reasoning:
            await self.host.emit({"type": "reasoning_complete", "content": reasoning})
        if self.last_text:
            await self.host.emit({"type": "text_complete", "content": self.last_text})
        self.keep(answer)

    def keep(self, answer: Answer) -> None:
        """Add an answer to the history."""
        self.rounds += 1
        self.transcript.add(
            {
                "role": "block_assistant",
                "blocks": answer.blocks(),
                "stop_reason": _STOP_REASONS[answer.end.finish],
            }
        )

    async def _call_tools(self, calls: list[tuple[str, script.Tool]]) -> None:
        for _, tool in calls:
            if not isinstance(tool.args, dict):
                kind = "array" if isinstance(tool.args, list) else type(tool.args).__name__
                raise tool_failure(
                    f"Invalid arguments for tool '{tool.name}': tool call arguments projection failed: "
                    f"tool call arguments must be a JSON object, got {kind}"
                )
        for call_id, tool in calls:
            await self.host.emit({"type": "tool_call_requested", "id": call_id, "name": tool.name, "args": tool.args})
        for _, tool in calls:
            if not self.host.has_tool(tool.name):
                raise tool_failure(f"Tool not found: {tool.name}")
            if not self.overlay.permits(tool.name):
                raise tool_failure(f"Tool '{tool.name}' is not allowed by policy")
        for call_id, tool in calls:
            await self.host.emit({"type": "tool_execution_started", "id": call_id, "name": tool.name})
        results = [ToolResult(call_id, tool.name) for call_id, tool in calls]
        async with anyio.create_task_group() as tasks:
            for result, (_, tool) in zip(results, calls, strict=True):
                tasks.start_soon(result.fetch, self.host, tool.args)
        for result in results:
            for event in result.events():
                await self.host.emit(event)
        self.tool_calls += len(calls)
        self.transcript.tool_calls += len(calls)
        self.transcript.add({"role": "tool_results", "results": [result.to_message() for result in results]})

    def _is_spent(self, limit: str, used: int) -> bool:
        allowed = self.session.settings.budget_limits.get(limit)
        return allowed is not None and used >= allowed

    async def _end_exhausted(self, budget_type: str, limit: str, used: int) -> dict[str, Any]:
        """End for lack of budget, which counts as success."""
        allowed = self.session.settings.budget_limits[limit]
        await self.host.emit(
            {"type": "budget_warning", "budget_type": budget_type, "used": used, "limit": allowed, "percent": 1.0}
        )
        text = self.transcript.last_assistant_text or ""
        cause = {"terminal_cause_kind": "budget_exhausted"}
        self._tell_completed(text, cause)
        return {**self._result(text), **cause}

    def _tell_completed(self, text: str, cause: dict[str, Any] | None = None) -> None:
        self.host.tell(
            {
                "type": "run_completed",
                "session_id": self.session.id,
                "result": text,
                "extraction_required": cause is None and self.session.settings.output_schema is not None,
                "usage": usage(self.transcript.input_tokens, self.transcript.output_tokens),
                **(cause or {}),
            }
        )

    def _result(self, text: str) -> dict[str, Any]:
        return {
            "text": text,
            "turns": self.rounds,
            "tool_calls": self.tool_calls,
            "usage": {
                "input_tokens": self.transcript.input_tokens,
                "output_tokens": self.transcript.output_tokens,
                "total_tokens": self.transcript.total_tokens,
            },
        }


@dataclass
class Answer:
    """What the model said in one round; each call of a tool has its identifier."""

    text: list[str] = field(default_factory=list[str])
    reasoning: list[str] = field(default_factory=list[str])
    end: End = field(default_factory=End)
    calls: list[tuple[str, script.Tool]] = field(default_factory=list[tuple[str, script.Tool]])

    def blocks(self) -> list[dict[str, Any]]:
        """The answer as the history keeps it."""
        blocks: list[dict[str, Any]] = []
        for block_type, texts in (("reasoning", self.reasoning), ("text", self.text)):
            if texts:
                blocks.append({"block_type": block_type, "data": {"text": "".join(texts)}})
        return blocks + [
            {"block_type": "tool_use", "data": {"id": call_id, "name": tool.name, "args": tool.args}}
            for call_id, tool in self.calls
        ]


@dataclass
class ToolResult:
    """A call of a tool and what came of it."""

    call_id: str
    name: str
    text: str = ""
    is_error: bool = False
    duration_ms: int = 0

    async def fetch(self, host: Host, arguments: dict[str, Any]) -> None:
        """Make the call."""
        start = anyio.current_time()
        self.text, self.is_error = await host.call_tool(self.call_id, self.name, arguments)
        self.duration_ms = int((anyio.current_time() - start) * 1000)

    def events(self) -> list[dict[str, Any]]:
        """Return the events that tell of the result."""
        shared: dict[str, Any] = {"id": self.call_id, "name": self.name, "is_error": self.is_error}
        if self.text:
            shared["content"] = [{"type": "text", "text": self.text}]
        completed = {
            "type": "tool_execution_completed", **shared, "result": self.text, "duration_ms": self.duration_ms
        }  # fmt: skip
        return [completed, {"type": "tool_result_received", **shared}]

    def to_message(self) -> dict[str, Any]:
        """The result as the history keeps it."""
        return {"tool_use_id": self.call_id, "content": self.text, "is_error": self.is_error}


def usage(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """Token counts as events give them."""
    return {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_creation_tokens": None,
        "cache_read_tokens": None,
    }
