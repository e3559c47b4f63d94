"""The client: owns the runtime and the connection to it, and is where every method of the contract is called.

What only a turn or a stream needs is imported with the first one: making a client must not cost more than its class.
"""

# ruff: noqa: PLC0415  # see above

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from meerkat import _checks
from meerkat._auth import AuthMethods
from meerkat._connecting import Connecting
from meerkat._core.errors import InvalidArgumentError, InvalidResponseError
from meerkat._retired import RetiredMethods
from meerkat.comms import CommsMethods
from meerkat.live import LiveMethods
from meerkat.mob import MobMethods
from meerkat.session import DeferredSession, Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Unpack

    from meerkat._arguments import Prompt, StreamEvent
    from meerkat._generated.methods.run import TurnOptions
    from meerkat._generated.methods.session import CreateSessionOptions
    from meerkat._generated.types.content import SessionId
    from meerkat._generated.types.run import RunResult
    from meerkat._generated.types.session_input import ExternalEventOutcome, PeerResponseTerminalStatus
    from meerkat._turns import TurnRequest
    from meerkat.streaming import EventStream, EventSubscription, ScopedEvent

I = TypeVar("I")  # noqa: E741  # item


class MeerkatClient(Connecting, AuthMethods, CommsMethods, LiveMethods, MobMethods, RetiredMethods):
    """A runtime process and the conversation with it. Works on trio and on asyncio.

    Args:
        rkat_path: Program to start. A bare ``rkat-rpc`` is looked up: first the environment variable
            ``MEERKAT_BIN_PATH``, an absolute path, then the absolute entries of ``PATH``.
        runtime: ``"embedded"`` for the runtime that comes with this package and needs neither a key nor another
            program, ``"rkat-rpc"`` for the real one. Without it the environment variable ``MEERKAT_RUNTIME`` decides,
            and without that it is the real one.
        args: More arguments for the command line of the runtime.
        env: Environment variables for the runtime, on top of those of this process.
        cwd: Working directory of the runtime.
        timeout: Deadline in seconds for calls that run no agent; ``None`` for none. Turns have no deadline unless
            `with_timeout` gives one.
        connect_timeout: Seconds that the runtime may take to start and to answer the handshake.
        shutdown_grace: Seconds that the runtime may take to end when the client is closed; then it is ended.
        stream_buffer_bytes: Bytes of events that may wait for the consumer of one stream; past that the stream ends
            with a `StreamOverflowError`.
        max_line_bytes: Longest line that is accepted from the runtime.
        flow_window: Bytes of requests that the runtime may have unread. It loses requests when there are more, so
            ``None`` (no limit) is for other runtimes only.
        stalled_turns: What to do about a turn that the runtime took and does not start for seconds, though nothing else
            runs in its session: ``"warn"`` writes a warning to the log ``meerkat.turns``, ``"raise"`` also ends the
            waiting with a `TurnStalledError`.

    Example:
        ::

            async with MeerkatClient(runtime="embedded") as client:
                session = await client.create_session("Name three moons of Jupiter.")
                print(session.text)
    """

    def with_timeout(self, seconds: float | None) -> MeerkatClient:
        """Return this client with another deadline for every call, turns and streams included, and the same connection.

        Args:
            seconds: The deadline; ``None`` for none.

        Raises:
            InvalidArgumentError: It is no number of seconds.

        Example:
            ``await client.with_timeout(5).list_sessions()``
        """
        return _View(self, seconds)

    # Sessions

    async def create_session(self, prompt: Prompt, **options: Unpack[CreateSessionOptions]) -> Session:
        """Create a session and run its first turn to the end.

        Args:
            prompt: Text, or content blocks.
            **options: See `CreateSessionOptions`.

        Returns:
            The session; ``session.last_result`` and ``session.text`` are those of the first turn.

        Raises:
            TurnFailedError: The turn failed; the session is gone then.
            MeerkatError: Any other error of the runtime, by its class.

        RPC: ``session/create``.
        """
        request = await self._first_turn(prompt, options)
        return Session(self, await request.run(self._turn_timeout))

    def create_session_streaming(
        self, prompt: Prompt, *, cancel_on_exit: bool = True, **options: Unpack[CreateSessionOptions]
    ) -> EventStream:
        """Create a session and stream the events of its first turn while it runs.

        The request goes out when the stream is entered; ``stream.session_id`` is known from the first event on. Make a
        handle for further turns with `session`.

        Args:
            prompt: Text, or content blocks.
            cancel_on_exit: Whether leaving the stream early cancels the turn, which also removes the session.
            **options: See `CreateSessionOptions`.

        RPC: ``session/create``.
        """
        from meerkat.streaming import EventStream

        return EventStream(
            lambda: self._first_turn(prompt, options),
            buffer_bytes=self._buffer_bytes,
            cancel_on_exit=cancel_on_exit,
            timeout=self._turn_timeout,
        )

    async def create_deferred_session(self, prompt: Prompt, **options: Unpack[CreateSessionOptions]) -> DeferredSession:
        """Create a session whose first turn runs later, with ``session.start_turn(...)``.

        The first turn's prompt is this prompt, a blank line, and the prompt of that turn.

        Args:
            prompt: Text, or content blocks.
            **options: See `CreateSessionOptions`.

        RPC: ``session/create``.
        """
        from meerkat._generated.methods.session import SESSION_CREATE
        from meerkat._generated.types.session import DeferredCreateResult

        link = self._connected(SESSION_CREATE.name)
        await self._register_tools(link)
        params = {**_without_initial_turn(options), "prompt": prompt, "initial_turn": "deferred"}
        created = await link.request(SESSION_CREATE, params, self._timeout)
        if not isinstance(created, DeferredCreateResult):
            message = "the runtime ran a turn although the session was to be deferred"
            raise InvalidResponseError(message=message, method=SESSION_CREATE.name)
        return DeferredSession(self, created)

    def session(self, session_id: str) -> Session:
        """Return a handle of a session that exists already; nothing is asked or checked."""
        return Session(self, session_id)

    async def archive_session(self, session_id: SessionId) -> None:
        """Put a session away for good.

        The session and its history can still be read, but it runs no more turns and cannot be archived again. Mobs
        that belong to it are destroyed.

        Args:
            session_id: Session to archive.

        Raises:
            SessionNotFoundError: There is no such session.
            SessionBusyError: The session is busy.
            MobDestroyIncompleteError: A mob that belongs to it was not destroyed completely.

        RPC: ``session/archive``.
        """
        link = self._connected("session/archive")
        await super().archive_session(session_id)
        link.router.end_session(session_id)

    async def subscribe_session_events(self, session_id: str) -> EventSubscription[StreamEvent | ScopedEvent]:
        """Follow all events of a session, whoever causes them.

        Args:
            session_id: Session to follow.

        Returns:
            An open subscription; close it, or use it as ``async with`` block.

        Raises:
            SessionNotFoundError: There is no such session.

        RPC: ``session/stream_open``, ``session/stream_close``.
        """
        from meerkat._subscriptions import subscribe_session

        return await self._subscribe("session/stream_open", subscribe_session, session_id)

    async def _subscribe(
        self, method: str, subscribe: Callable[..., Awaitable[EventSubscription[I]]], *ids: str
    ) -> EventSubscription[I]:
        link = self._connected(method)
        return await subscribe(link, *ids, buffer_bytes=self._buffer_bytes, timeout=self._timeout)

    async def send_peer_response_terminal(
        self,
        session_id: str,
        peer_id: str,
        request_id: str,
        status: PeerResponseTerminalStatus,
        result: Any,
        *,
        display_name: str | None = None,
    ) -> ExternalEventOutcome:
        """Hand a session the final answer of a peer; turns of the session wait until it has been worked in.

        Args:
            session_id: Session that asked the peer.
            peer_id: The peer (UUID).
            request_id: Request that is answered (UUID).
            status: How the request ended.
            result: The answer, any JSON.
            display_name: Name of the peer for people.

        Returns:
            Whether the runtime took it.

        RPC: ``session/peer_response_terminal``.
        """
        outcome = await super().send_peer_response_terminal(
            session_id, peer_id, request_id, status, result, display_name=display_name
        )
        # The runtime runs the session for it, and would never start a turn that is sent meanwhile.
        self._connected("session/peer_response_terminal").router.session(session_id).expect_run()
        return outcome

    async def _first_turn(self, prompt: Prompt, options: Mapping[str, Any]) -> TurnRequest:
        from meerkat._generated.methods.session import SESSION_CREATE
        from meerkat._turns import TurnRequest

        link = self._connected(SESSION_CREATE.name)
        params = SESSION_CREATE.encode_params({**_without_initial_turn(options), "prompt": prompt})
        await self._register_tools(link)
        return TurnRequest(link, SESSION_CREATE, params, prompt)

    async def _next_turn(self, session_id: str, prompt: Prompt, options: Mapping[str, Any]) -> TurnRequest:
        from meerkat._generated.methods.run import TURN_START
        from meerkat._turns import TurnRequest

        link = self._connected(TURN_START.name)
        params = TURN_START.encode_params({**options, "session_id": session_id, "prompt": prompt})
        await self._register_tools(link)
        return TurnRequest(link, TURN_START, params, prompt, session_id, give_up_stalled=self._stalled_turns == "raise")

    async def start_turn(self, session_id: str, prompt: Prompt, **options: Unpack[TurnOptions]) -> RunResult:
        """Run a turn of a session to its end.

        Turns of one session go out one after the other; those of different sessions run at the same time.

        Args:
            session_id: Session to continue.
            prompt: Text, or content blocks.
            **options: See `TurnOptions`.

        Raises:
            TurnFailedError: The turn failed; ``error.report`` says why. The session can go on.
            SessionNotFoundError: There is no such session.

        RPC: ``turn/start``.
        """
        request = await self._next_turn(session_id, prompt, options)
        return await request.run(self._turn_timeout)

    def stream_turn(
        self,
        session_id: str,
        prompt: Prompt,
        *,
        cancel_on_exit: bool = True,
        on_result: Callable[[RunResult], None] | None = None,
        **options: Unpack[TurnOptions],
    ) -> EventStream:
        """Stream a turn of a session; see `Session.stream`.

        RPC: ``turn/start``.
        """
        from meerkat.streaming import EventStream

        return EventStream(
            lambda: self._next_turn(session_id, prompt, options),
            buffer_bytes=self._buffer_bytes,
            cancel_on_exit=cancel_on_exit,
            timeout=self._turn_timeout,
            on_result=on_result,
        )


class _View(MeerkatClient):
    """A client with other deadlines, sharing the connection of the one that it was made from."""

    def __init__(self, client: MeerkatClient, timeout: float | None) -> None:
        for name, value in vars(client).items():
            setattr(self, name, value)
        self._timeout = self._turn_timeout = _checks.deadline("with_timeout", timeout)


def _without_initial_turn(options: Mapping[str, Any]) -> Mapping[str, Any]:
    if "initial_turn" in options:
        message = "initial_turn is decided by the method: create_session or create_deferred_session"
        raise InvalidArgumentError(message=message, method="session/create")
    return options
