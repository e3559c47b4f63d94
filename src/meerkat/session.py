"""Handles of sessions: an id, a client, and the last result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meerkat._core.errors import StreamNotConsumedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from meerkat._arguments import Prompt, StreamEvent
    from meerkat._generated.methods.run import TurnOptions
    from meerkat._generated.types.comms import CommsSendResult
    from meerkat._generated.types.comms_peers import PeerDirectoryEntry
    from meerkat._generated.types.content import ContentBlock, SkillRef, Usage
    from meerkat._generated.types.history import SessionHistory
    from meerkat._generated.types.run import RunResult
    from meerkat._generated.types.session import DeferredCreateResult, SessionDetails
    from meerkat._generated.types.session_input import (
        ExternalEventOutcome,
        InjectSystemContextResult,
        PeerResponseTerminalStatus,
    )
    from meerkat._generated.types.transcript import SessionForkResult, TranscriptEditRunningBehavior
    from meerkat.client import MeerkatClient
    from meerkat.comms import SendOptions
    from meerkat.streaming import EventStream, EventSubscription, ScopedEvent


class _Handle:
    """What a session and a deferred session have in common. Each method is that of the client for this session."""

    def __init__(self, client: MeerkatClient, session_id: str, session_ref: str | None) -> None:
        self._client = client
        self._id = session_id
        self._ref = session_ref

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id}>"

    @property
    def id(self) -> str:
        """Id of the session (UUID)."""
        return self._id

    @property
    def ref(self) -> str | None:
        """Id together with the realm, ``<realm>:<id>``, as far as the runtime told it."""
        return self._ref

    async def interrupt(self) -> None:
        """Stop the turn that is running, if any; whoever waits for it gets a `RequestCancelledError`.

        RPC: ``turn/interrupt``.
        """
        await self._client.interrupt_turn(self._id)

    async def archive(self) -> None:
        """End the session. It can still be read, but takes no more turns.

        RPC: ``session/archive``.
        """
        await self._client.archive_session(self._id)

    async def inject_context(
        self, text: str, source: str | None = None, idempotency_key: str | None = None
    ) -> InjectSystemContextResult:
        """Add text to the system context of the session; see `MeerkatClient.inject_context`.

        RPC: ``session/inject_context``.
        """
        return await self._client.inject_context(self._id, text, source, idempotency_key)

    async def send_external_event(
        self, event_type: str, payload: Any, blocks: Sequence[ContentBlock | Mapping[str, Any]] | None = None
    ) -> ExternalEventOutcome:
        """Tell the session of an event outside; see `MeerkatClient.send_external_event`.

        RPC: ``session/external_event``.
        """
        return await self._client.send_external_event(self._id, event_type, payload, blocks)

    async def send_peer_response_terminal(
        self,
        peer_id: str,
        request_id: str,
        status: PeerResponseTerminalStatus,
        result: Any,
        *,
        display_name: str | None = None,
    ) -> ExternalEventOutcome:
        """Hand the session a peer's final answer; see `MeerkatClient.send_peer_response_terminal`.

        RPC: ``session/peer_response_terminal``.
        """
        return await self._client.send_peer_response_terminal(
            self._id, peer_id, request_id, status, result, display_name=display_name
        )

    async def read(self) -> SessionDetails:
        """Read the session's metadata; see `MeerkatClient.read_session`.

        RPC: ``session/read``.
        """
        return await self._client.read_session(self._id)

    async def history(self, *, offset: int = 0, limit: int | None = None) -> SessionHistory:
        """Read the messages of the session; see `MeerkatClient.read_session_history`.

        RPC: ``session/history``.
        """
        return await self._client.read_session_history(self._id, offset=offset, limit=limit)

    async def fork_at(
        self, message_index: int, *, running_behavior: TranscriptEditRunningBehavior | None = None
    ) -> SessionForkResult:
        """Copy the session up to a message; see `MeerkatClient.fork_session_at`.

        RPC: ``session/fork_at``.
        """
        return await self._client.fork_session_at(self._id, message_index, running_behavior=running_behavior)

    async def fork_replace(
        self, message_index: int, replacement: Any, *, running_behavior: TranscriptEditRunningBehavior | None = None
    ) -> SessionForkResult:
        """Copy the session up to a message and put another in its place; see `MeerkatClient.fork_session_replace`.

        RPC: ``session/fork_replace``.
        """
        return await self._client.fork_session_replace(
            self._id, message_index, replacement, running_behavior=running_behavior
        )

    async def subscribe_events(self) -> EventSubscription[StreamEvent | ScopedEvent]:
        """Follow all events of the session; see `MeerkatClient.subscribe_session_events`.

        RPC: ``session/stream_open``.
        """
        return await self._client.subscribe_session_events(self._id)

    async def send(self, **message: Unpack[SendOptions]) -> CommsSendResult:
        """Send something in the name of the session; see `MeerkatClient.send`.

        RPC: ``comms/send``.
        """
        return await self._client.send(self._id, **message)

    async def peers(self) -> list[PeerDirectoryEntry]:
        """List the peers that the session can reach; see `MeerkatClient.peers`.

        RPC: ``comms/peers``.
        """
        return (await self._client.peers(self._id)).peers


class Session(_Handle):
    """A session that can be continued.

    Made by ``await client.create_session(...)``, or by ``client.session(session_id)`` for one that exists.

    Example:
        ::

            session = await client.create_session("Name three moons of Jupiter.")
            result = await session.turn("And their sizes?")
            print(result.text, session.usage)
    """

    def __init__(self, client: MeerkatClient, last: RunResult | str) -> None:
        if isinstance(last, str):
            super().__init__(client, last, None)
            self._last: RunResult | None = None
        else:
            super().__init__(client, last.session_id, last.session_ref)
            self._last = last

    async def turn(self, prompt: Prompt, **options: Unpack[TurnOptions]) -> RunResult:
        """Run a turn to its end; see `MeerkatClient.start_turn`.

        RPC: ``turn/start``.
        """
        self._last = await self._client.start_turn(self._id, prompt, **options)
        return self._last

    def stream(self, prompt: Prompt, *, cancel_on_exit: bool = True, **options: Unpack[TurnOptions]) -> EventStream:
        """Stream the events of a turn while it runs; the request goes out when the stream is entered.

        Args:
            prompt: Text, or content blocks.
            cancel_on_exit: Whether leaving the stream early cancels the turn.
            **options: See `TurnOptions`.

        Example:
            ::

                async with session.stream("And their sizes?") as events:
                    async for event in events:
                        ...

        RPC: ``turn/start``.
        """
        return self._client.stream_turn(
            self._id, prompt, cancel_on_exit=cancel_on_exit, on_result=self._set_last, **options
        )

    async def invoke_skill(self, skill_ref: SkillRef | Mapping[str, Any], prompt: Prompt) -> RunResult:
        """Run a turn with a skill.

        RPC: ``turn/start``.
        """
        return await self.turn(prompt, skill_refs=[skill_ref])

    @property
    def last_result(self) -> RunResult:
        """Result of the last turn that this handle has seen the end of.

        Raises:
            StreamNotConsumedError: It has seen none.
        """
        if self._last is None:
            raise StreamNotConsumedError(message="no turn of this session has ended through this handle yet")
        return self._last

    @property
    def text(self) -> str:
        """Text of the last turn."""
        return self.last_result.text

    @property
    def usage(self) -> Usage:
        """Tokens used by the session so far."""
        return self.last_result.usage

    @property
    def turns(self) -> int:
        """Number of model rounds in the last turn."""
        return self.last_result.turns

    @property
    def tool_calls(self) -> int:
        """Number of tool calls in the last turn."""
        return self.last_result.tool_calls

    @property
    def structured_output(self) -> Any:
        """Structured output of the last turn, ``None`` when there is none."""
        return self.last_result.structured_output

    def _set_last(self, result: RunResult) -> None:
        self._last = result


class DeferredSession(_Handle):
    """A session that was created and has not run its first turn.

    Made by ``await client.create_deferred_session(...)``.
    """

    def __init__(self, client: MeerkatClient, created: DeferredCreateResult) -> None:
        super().__init__(client, created.session_id, created.session_ref)

    async def start_turn(self, prompt: Prompt, **options: Unpack[TurnOptions]) -> RunResult:
        """Run a turn to its end, the first one with the prompt of the creation before this one.

        RPC: ``turn/start``.
        """
        return await self._client.start_turn(self._id, prompt, **options)

    def stream(self, prompt: Prompt, *, cancel_on_exit: bool = True, **options: Unpack[TurnOptions]) -> EventStream:
        """Stream the events of a turn; see `Session.stream`.

        RPC: ``turn/start``.
        """
        return self._client.stream_turn(self._id, prompt, cancel_on_exit=cancel_on_exit, **options)

    def as_session(self) -> Session:
        """Return a handle for further turns."""
        return Session(self._client, self._id)
