"""The live side of a session: the queue of its inputs, one run after the other, and how runs end."""

from __future__ import annotations

import traceback
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from meerkat.embedded.content import flatten, join
from meerkat.embedded.engine import Overlay, Run
from meerkat.embedded.failures import AgentFailure
from meerkat.embedded.faults import INTERNAL_ERROR, RpcError, interrupted, session_gone, turn_abandoned
from meerkat.embedded.outcome import Outcome

if TYPE_CHECKING:
    from meerkat.embedded.content import Content
    from meerkat.embedded.journal import Journal
    from meerkat.embedded.runtime import Runtime
    from meerkat.embedded.session import Session

MAX_ATTEMPTS = 3
"""How often an input is run in all, if it keeps failing."""


@dataclass(eq=False)
class Turn:
    """A prompt of the client; it starts a run and somebody waits for the result."""

    content: Content
    overlay: Overlay = field(default_factory=Overlay)
    outcome: Outcome[dict[str, Any]] = field(default_factory=Outcome[dict[str, Any]])


@dataclass(eq=False)
class Event:
    """Something from outside; it waits, and joins the next run."""

    content: Content


@dataclass(eq=False)
class PeerResponse:
    """The response of a peer; it starts a run with an empty prompt, and its text goes into the system message."""

    context: str


Input: TypeAlias = Turn | Event | PeerResponse


@dataclass(eq=False)
class Batch:
    """What one run answers.

    Attributes:
        content: The prompt.
        turn: The turn in it, if there is one.
        context: What goes into the system message, if something does.
        attempts: How often it was run and failed.
    """

    content: Content
    turn: Turn | None = None
    context: str | None = None
    attempts: int = 0

    def fail(self, error: Exception) -> None:
        """Answer the turn with an error."""
        if self.turn is not None:
            self.turn.outcome.fail(error)


class Agent:
    """A session in this process.

    Attributes:
        session: Its lasting part.
        journal: Its events.
        is_live: Whether there is an agent to subscribe to: not before the first run, nor after one that ended badly.
    """

    def __init__(self, session: Session, journal: Journal, runtime: Runtime) -> None:
        self.session = session
        self.journal = journal
        self.is_live = False
        self._runtime = runtime
        self._queue: deque[Input] = deque()
        self._failed: list[Batch] = []
        self._idle: anyio.Event | None = None
        self._scope: anyio.CancelScope | None = None

    def put(self, item: Input) -> None:
        """Queue an input. Events wait; everything else starts the queue."""
        self._queue.append(item)
        if self._idle is None and not isinstance(item, Event):
            self._idle = anyio.Event()
            self._runtime.tasks.start_soon(self._drain)

    async def idle(self) -> None:
        """Wait until nothing runs and nothing is about to."""
        while self._idle is not None:
            await self._idle.wait()

    def cancel(self) -> None:
        """Break off the run and drop the turns behind it; without a run there is nothing to do."""
        if self._idle is None:
            return
        turns = [item for item in self._queue if isinstance(item, Turn)]
        self._queue = deque(item for item in self._queue if isinstance(item, Event))
        self._failed.clear()
        if self._scope is not None:
            self._scope.cancel()
        elif turns:
            turns.pop(0).outcome.fail(interrupted())
        for turn in turns:
            turn.outcome.fail(session_gone(self.session.id))

    async def abandon(self) -> None:
        """Stop whatever there is and wait until it has stopped."""
        self.cancel()
        await self.idle()

    def retire(self) -> None:
        """End for good: nothing runs any more, and nobody is told anything."""
        self.cancel()
        self._queue.clear()
        self.is_live = False
        self.journal.end_streams()

    def has_tool(self, name: str) -> bool:
        """Whether the model can call a tool of this name."""
        return name in self.session.settings.external_tools or name in self._runtime.tools

    async def _drain(self) -> None:
        """Run what is queued. What failed before is run once more before it, and once more after it."""
        try:
            while True:
                earlier, self._failed = self._failed, []
                for batch in earlier:
                    await self._attempt(batch)
                while self._is_woken():
                    await self._attempt(self._take())
                for batch in earlier:
                    if batch in self._failed:
                        self._failed.remove(batch)
                        await self._attempt(batch)
                if not self._is_woken():
                    break
        finally:
            idle, self._idle = self._idle, None
            if idle is not None:
                idle.set()

    def _is_woken(self) -> bool:
        return any(not isinstance(item, Event) for item in self._queue)

    def _take(self) -> Batch:
        """Take what the next run answers: the events up to the first other input, and that input if it is a turn.

        There must be such an input.
        """
        events: list[Content] = []
        while True:
            item = self._queue.popleft()
            match item:
                case Event():
                    events.append(item.content)
                case Turn():
                    return Batch(self._joined(events, item.content), turn=item)
                case PeerResponse() if events:
                    self._queue.appendleft(item)
                    return Batch(self._joined(events, None))
                case PeerResponse():
                    return Batch(self._joined([], ""), context=item.context)

    def _joined(self, events: list[Content], content: Content | None) -> Content:
        """Make the prompt of a run; the first one of a deferred session begins with the prompt of its creation."""
        parts = events if content is None else [*events, content]
        staged, self.session.staged_prompt = self.session.staged_prompt, None
        if staged is not None:
            parts = [staged, *parts]
        return flatten(join(parts, "\n" if events else "\n\n"))

    async def _attempt(self, batch: Batch) -> None:
        """Run a batch, answer its turn, and leave the session as the outcome wants it."""
        with anyio.CancelScope() as scope:
            self._scope = scope
            try:
                result = await self._run(batch)
            except AgentFailure as failure:
                batch.attempts += 1
                if batch.attempts < MAX_ATTEMPTS:
                    self._failed.append(batch)
                self._drop_agent()
                batch.fail(turn_abandoned(f"agent error: {failure.message}"))
            except RpcError as error:
                self._drop_agent()
                batch.fail(error)
            except Exception as error:  # noqa: BLE001  # a defect of this program: told, and answered
                traceback.print_exc()
                self._drop_agent()
                batch.fail(RpcError(INTERNAL_ERROR, f"internal error of the embedded runtime: {error}"))
            else:
                self.journal.save()
                if batch.turn is not None:
                    batch.turn.outcome.resolve(result)
        self._scope = None
        if scope.cancelled_caught:
            self._drop_agent()
            batch.fail(interrupted())

    def _drop_agent(self) -> None:
        self.is_live = False
        self.journal.restart()
        self.journal.save()

    async def _run(self, batch: Batch) -> dict[str, Any]:
        overlay = batch.turn.overlay if batch.turn is not None else Overlay()
        unknown = [name for name in overlay.names if not self.has_tool(name)]
        if unknown:
            listed = ", ".join(f'"{name}"' for name in unknown)
            raise turn_abandoned(f"agent error: Configuration error: Unknown tool(s) in filter: [{listed}]")
        self.is_live = True
        transcript = self.session.transcript.copy()
        if transcript.system is None:
            transcript.set_system(self.session.settings.system_prompt)
        if batch.context is not None:
            transcript.set_system(f"{transcript.system}\n\n---\n\n{batch.context}")
        run = Run(self.session, transcript, _Host(self, self._runtime), overlay)
        result = await run.execute(batch.content, self._runtime.blobs.stored(batch.content))
        self.session.commit(transcript)
        self.session.save(self._runtime.realm)
        if batch.context is not None:
            self._tell_context(batch.context)
        return self._runtime.with_ids(self.session.id) | result

    def _tell_context(self, context: str) -> None:
        """Tell subscriptions that something went into the system message, as a run that did nothing."""
        session_id = {"session_id": self.session.id}
        no_usage = {"input_tokens": 0, "output_tokens": 0, "cache_creation_tokens": None, "cache_read_tokens": None}
        self.journal.record_for_streams({"type": "run_started", **session_id, "prompt": context})
        self.journal.record_for_streams(
            {"type": "run_completed", **session_id, "result": "", "extraction_required": False, "usage": no_usage}
        )


class _Host:
    """What the engine needs of the world; see `meerkat.embedded.engine.Host`."""

    def __init__(self, agent: Agent, runtime: Runtime) -> None:
        self.model = runtime.model
        self.retry_scale = runtime.retry_scale
        self._agent = agent
        self._runtime = runtime

    async def emit(self, payload: dict[str, Any]) -> None:
        self.tell(payload)
        await self._runtime.output.room()

    def tell(self, payload: dict[str, Any]) -> None:
        self._agent.journal.record(payload)

    async def call_tool(self, call_id: str, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        return await self._runtime.callbacks.call(call_id, name, arguments)

    def next_call_id(self) -> str:
        return f"call_{next(self._runtime.call_ids)}"

    def has_tool(self, name: str) -> bool:
        return self._agent.has_tool(name)
