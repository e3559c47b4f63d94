"""The client: owns the runtime and the connection to it, and is where every method of the contract is called."""

from __future__ import annotations

import os
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

import anyio

from meerkat import _launch
from meerkat._auth import AuthMethods
from meerkat._core.background import Background
from meerkat._core.codec import checked, encode
from meerkat._core.connection import Connection
from meerkat._core.errors import (
    AlreadyConnectedError,
    ConnectionLostError,
    ContractMismatchError,
    InvalidArgumentError,
    InvalidResponseError,
    NotConnectedError,
    RuntimeExitedError,
    RuntimeStartError,
)
from meerkat._core.flow import WINDOW
from meerkat._core.inbox import LIMIT
from meerkat._core.process import RuntimeProcess
from meerkat._core.protocol import MAX_LINE, Protocol
from meerkat._core.sockets import connect_tcp
from meerkat._diagnostics import Diagnostics, diagnose
from meerkat._generated import contract
from meerkat._generated.errors import CapabilityUnavailableError
from meerkat._generated.methods.connection import CAPABILITIES_GET, INITIALIZE
from meerkat._generated.methods.run import TURN_START
from meerkat._generated.methods.runtime import RUNTIME_HEALTH
from meerkat._generated.methods.session import SESSION_CREATE
from meerkat._generated.methods.tools import TOOLS_REGISTER
from meerkat._generated.types.session import DeferredCreateResult
from meerkat._generated.types.tools import ToolExecuteResult
from meerkat._link import Link, result_of
from meerkat._retired import RetiredMethods
from meerkat._router import Router
from meerkat._subscriptions import subscribe_session
from meerkat._turns import TurnRequest
from meerkat.comms import CommsMethods
from meerkat.live import LiveMethods
from meerkat.mob import MobMethods
from meerkat.session import DeferredSession, Session
from meerkat.streaming import EventStream
from meerkat.tools import Tool, ToolRegistry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self, Unpack

    from meerkat._core.method import Method
    from meerkat._core.transport import Transport
    from meerkat._generated.methods.run import TurnOptions
    from meerkat._generated.methods.session import CreateSessionOptions
    from meerkat._generated.types.connection import Capability, ServerInfo
    from meerkat._generated.types.events import AgentEvent
    from meerkat._generated.types.run import RunResult
    from meerkat._generated.types.session_input import ExternalEventOutcome, PeerResponseTerminalStatus
    from meerkat._generated.types.tools import ToolExecuteParams
    from meerkat._launch import RuntimeKind
    from meerkat._runs import Prompt
    from meerkat.streaming import EventSubscription, ScopedEvent

I = TypeVar("I")  # noqa: E741  # item
R = TypeVar("R")
F = TypeVar("F", bound="Callable[..., Any]")

TIMEOUT: Final = 60.0
CONNECT_TIMEOUT: Final = 30.0
SHUTDOWN_GRACE: Final = 6.0  # the runtime gives work under way five seconds


class _Default:
    """Marks a deadline that the caller did not give."""


_DEFAULT: Final = _Default()


class _State:
    """What a client and its copies with other options share."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.latest: Link | None = None  # the link, also after it was closed
        self.connecting = False
        self.tools = ToolRegistry()
        self.registering = anyio.Lock()
        self.handlers: set[Background] = set()
        self.capabilities: list[Capability] = []
        self.server_info: ServerInfo | None = None


class MeerkatClient(AuthMethods, CommsMethods, LiveMethods, MobMethods, RetiredMethods):
    """A runtime process and the conversation with it. Works on trio and on asyncio.

    Args:
        rkat_path: Program to start. A bare ``rkat-rpc`` is looked up: first the environment variable
            ``MEERKAT_BIN_PATH``, then ``PATH``.
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

    Example:
        ::

            async with MeerkatClient(runtime="embedded") as client:
                session = await client.create_session("Name three moons of Jupiter.")
                print(session.text)
    """

    def __init__(
        self,
        rkat_path: str | os.PathLike[str] = _launch.PROGRAM,
        *,
        runtime: RuntimeKind | None = None,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        timeout: float | None = TIMEOUT,
        connect_timeout: float = CONNECT_TIMEOUT,
        shutdown_grace: float = SHUTDOWN_GRACE,
        stream_buffer_bytes: int = LIMIT,
        max_line_bytes: int = MAX_LINE,
        flow_window: int | None = WINDOW,
    ) -> None:
        self._rkat_path = os.fspath(rkat_path)
        self._runtime = runtime
        self._args = tuple(args)
        self._env = dict(env or {})
        self._cwd = None if cwd is None else os.fspath(cwd)
        self._timeout = timeout
        self._turn_timeout: float | None = None
        self._connect_timeout = connect_timeout
        self._shutdown_grace = shutdown_grace
        self._buffer_bytes = stream_buffer_bytes
        self._max_line_bytes = max_line_bytes
        self._flow_window = flow_window
        self._state = _State()

    def __repr__(self) -> str:
        link = self._state.link
        state = link.connection.transport.describe() if link is not None else "not connected"
        return f"<{type(self).__name__} ({state})>"

    # Connection

    async def connect(
        self,
        *,
        realm_id: str | None = None,
        instance_id: str | None = None,
        realm_backend: str | None = None,
        isolated: bool = False,
        state_root: str | os.PathLike[str] | None = None,
        context_root: str | os.PathLike[str] | None = None,
        user_config_root: str | os.PathLike[str] | None = None,
        live_ws: bool | str = False,
    ) -> Self:
        """Start the runtime and greet it.

        Args:
            realm_id: Realm to join; without one, the runtime makes a new one at each start.
            instance_id: Name of this runtime within the realm.
            realm_backend: ``"sqlite"`` or ``"jsonl"``, for a new realm.
            isolated: Make a new realm, also when nothing else says so.
            state_root: Directory under which realms keep their state.
            context_root: Project directory: skills, hooks, and where tools work.
            user_config_root: Directory with the user's own configuration.
            live_ws: Listen for live channels, on a free port of this machine or on the given address
                (``"127.0.0.1:4900"``).

        Returns:
            The client itself.

        Raises:
            AlreadyConnectedError: The client is connected or connecting.
            RuntimeNotFoundError: There is no runtime to start; the message tells how to get one.
            RuntimeStartError: The runtime could not be started, ended, or did not answer in time.
            ContractMismatchError: The runtime speaks another version of the contract.
        """
        environment = {**os.environ, **self._env}

        async def start() -> Transport:
            command = [
                *_launch.command(self._rkat_path, self._runtime, environment),
                *_launch.options(
                    realm_id=realm_id,
                    instance_id=instance_id,
                    realm_backend=realm_backend,
                    isolated=isolated,
                    state_root=state_root,
                    context_root=context_root,
                    user_config_root=user_config_root,
                    live_ws=live_ws,
                ),
                *self._args,
            ]
            return RuntimeProcess(command, env=environment, cwd=self._cwd)

        return await self._connect(start)

    async def connect_tcp(self, host: str, port: int, *, allow_remote: bool = False) -> Self:
        """Connect to a runtime that was started elsewhere with ``--tcp``, and greet it.

        The connection is not repeated when it is lost: close the client and connect again. Events and tool calls go
        to the newest connection of a runtime alone, so use one client for each.

        Args:
            host: Name or address of the machine.
            port: TCP port.
            allow_remote: Allow addresses of other machines. The protocol has neither encryption nor authentication.

        Returns:
            The client itself.

        Raises:
            AlreadyConnectedError: The client is connected or connecting.
            InvalidArgumentError: The address is not on this machine.
            RuntimeStartError: No runtime answers there.
            ContractMismatchError: The runtime speaks another version of the contract.

        Example:
            ::

                async with await MeerkatClient().connect_tcp("127.0.0.1", 4900) as client:
                    print(await client.list_sessions())
        """
        return await self._connect(partial(connect_tcp, host, port, allow_remote=allow_remote))

    async def _connect(self, open_transport: Callable[[], Awaitable[Transport]]) -> Self:
        state = self._state
        if state.link is not None or state.connecting:
            raise AlreadyConnectedError(message="the client is connected; close it first, or use another client")
        state.connecting = True
        try:
            link = self._link_over(await open_transport())
            try:
                await self._greet(link)
            except BaseException:
                await link.connection.close()
                raise
            state.link = state.latest = link
        finally:
            state.connecting = False
        return self

    async def close(self) -> None:
        """End the runtime and everything that waits for it; bounded in time, and does nothing when not connected."""
        state = self._state
        link, state.link = state.link, None
        if link is None:
            return
        for handler in list(state.handlers):
            handler.cancel()
        await link.connection.close()

    async def __aenter__(self) -> Self:
        if self._state.link is None:
            await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        state = getattr(self, "_state", None)
        if state is not None and state.link is not None and not isinstance(self, _View):
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self, stacklevel=2)

    def _link_over(self, transport: Transport) -> Link:
        protocol = Protocol(probe=RUNTIME_HEALTH.name, window=self._flow_window, max_line=self._max_line_bytes)
        router = Router(self._run_tool)
        router.attach(protocol)
        return Link(Connection(transport, protocol, router, shutdown_grace=self._shutdown_grace), router)

    async def _greet(self, link: Link) -> None:
        state = self._state
        connection = link.connection
        try:
            with anyio.fail_after(self._connect_timeout):
                hello = link.start(INITIALIZE, b"{}")
                capabilities = link.start(CAPABILITIES_GET, b"{}")
                await connection.wait(hello)
                info = result_of(hello, INITIALIZE)
                _check_version(info.contract_version)
                await connection.wait(capabilities)
                state.capabilities = result_of(capabilities, CAPABILITIES_GET).capabilities
                state.server_info = info.server_info
                state.tools.forget_registrations()
                await self._register_tools(link)
        except (RuntimeExitedError, ConnectionLostError) as error:
            raise RuntimeStartError(
                message=f"the runtime did not get as far as the handshake: {error.message}",
                return_code=error.return_code,
                stderr_tail=error.stderr_tail,
            ) from error
        except TimeoutError as error:
            tail = connection.transport.stderr_tail
            raise RuntimeStartError(
                message=f"the runtime did not answer the handshake within {self._connect_timeout:g} seconds"
                + (f"; its last words:\n{tail}" if tail else ""),
                stderr_tail=tail,
            ) from error

    def _connected(self, method: str) -> Link:
        link = self._state.link
        if link is None:
            never = self._state.latest is None
            message = "call connect() first, or use `async with client:`" if never else "the client was closed"
            raise NotConnectedError(message=message, method=method)
        return link

    @property
    def pid(self) -> int | None:
        """Process id of the runtime; ``None`` when not connected."""
        link = self._state.link
        return None if link is None else link.connection.transport.pid

    @property
    def return_code(self) -> int | None:
        """Exit status of the runtime, negative for a signal; ``None`` while it runs. It stays after ``close()``."""
        link = self._state.latest
        return None if link is None else link.connection.transport.return_code

    @property
    def stderr_tail(self) -> str:
        """The end of what the runtime wrote to its standard error; at most 16 KiB. It stays after ``close()``."""
        link = self._state.latest
        return "" if link is None else link.connection.transport.stderr_tail

    @property
    def diagnostics(self) -> Diagnostics:
        """State of the runtime, and counts of what was noticed, repaired or skipped. It stays after ``close()``.

        Raises:
            NotConnectedError: The client never was connected.
        """
        link = self._state.latest
        if link is None:
            raise NotConnectedError(message="call connect() first, or use `async with client:`")
        return diagnose(link)

    @property
    def server_info(self) -> ServerInfo:
        """Name and version of the runtime.

        Raises:
            NotConnectedError: The client is not connected.
        """
        self._connected(INITIALIZE.name)
        if self._state.server_info is None:
            raise NotConnectedError(message="the handshake is not complete")
        return self._state.server_info

    # Calls

    async def _call(self, method: Method[R], params: Any = None) -> R:
        link = self._connected(method.name)
        if not self._state.tools.all_registered:
            await self._register_tools(link)
        return await link.request(method, params, timeout=self._timeout_of(method))

    def _timeout_of(self, method: Method[Any]) -> float | None:
        return self._turn_timeout if method.long_running else self._timeout

    async def call(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | _Default | None = _DEFAULT
    ) -> Any:
        """Call any RPC method by its name, whether the contract lists it or not.

        Args:
            method: RPC method name such as ``"session/list"``.
            params: Its parameters by wire name; sent as they are, unchecked.
            timeout: Deadline in seconds; by default that of the client, and none for methods that run an agent.

        Returns:
            The result as plain JSON values.

        Raises:
            InvalidArgumentError: JSON cannot hold the parameters; nothing was sent.
            DeadlineExceededError: The deadline is over.
            MeerkatError: The runtime's error, by its class.

        Example:
            ``await client.call("session/list", {"limit": 3})``
        """
        link = self._connected(method)
        known = contract.method(method) if method in contract.METHODS else None
        try:
            encoded = encode(checked(Any, dict(params or {})))
        except ValueError as error:
            raise InvalidArgumentError(message=str(error), method=method) from error
        if isinstance(timeout, _Default):
            timeout = self._timeout if known is None else self._timeout_of(known)
        if method != TOOLS_REGISTER.name and not self._state.tools.all_registered:
            await self._register_tools(link)
        return await link.request_raw(method, encoded, known, timeout=timeout)

    def with_timeout(self, seconds: float | None) -> MeerkatClient:
        """Return this client with another deadline for every call, turns included; the connection is shared.

        Args:
            seconds: The deadline; ``None`` for none.

        Example:
            ``await client.with_timeout(5).list_sessions()``
        """
        return _View(self, seconds)

    # Capabilities

    @property
    def capabilities(self) -> list[Capability]:
        """Capabilities of the runtime, as it told them at connect.

        Raises:
            NotConnectedError: The client is not connected.
        """
        self._connected(CAPABILITIES_GET.name)
        return list(self._state.capabilities)

    def has_capability(self, capability_id: str) -> bool:
        """Whether the runtime has a capability and it is available."""
        return any(c.id == capability_id and c.status == _AVAILABLE for c in self.capabilities)

    def require_capability(self, capability_id: str) -> None:
        """Do nothing when a capability is available.

        Raises:
            CapabilityUnavailableError: It is not; the message says why.
        """
        if self.has_capability(capability_id):
            return
        status = next((c.status for c in self.capabilities if c.id == capability_id), "not known to the runtime")
        raise CapabilityUnavailableError(
            message=f"the capability {capability_id!r} is not available: {status}",
            details=status,
            capability_hint=capability_id,
        )

    # Tools

    @overload
    def tool(self, name: F, /) -> F: ...

    @overload
    def tool(
        self, name: str | None = None, *, description: str = "", input_schema: dict[str, Any] | None = None
    ) -> Callable[[F], F]: ...

    def tool(self, name: Any = None, *, description: str = "", input_schema: dict[str, Any] | None = None) -> Any:
        """Make a function callable for the agent. For functions of any kind, before or after connect.

        A function that takes one mapping gets the arguments as they are. Any other gets them by name; its JSON Schema
        comes from its type hints, descriptions come from its docstring, and arguments that do not fit are refused
        before it is called. What it returns is given to the model as text, or as JSON when it is no string. An
        exception becomes a failed tool call. A function that is not async runs in a thread. The runtime waits
        30 seconds for an answer.

        Args:
            name: Name for the model; the function's own by default.
            description: What it does, for the model; the docstring's first paragraph by default.
            input_schema: JSON Schema of the arguments, instead of the one from the type hints.

        Raises:
            InvalidArgumentError: No schema can be made from the type hints.

        Example:
            ::

                @client.tool
                async def weather(city: str, days: int = 1) -> str:
                    '''Tell the weather of a city.'''
                    return f"{city}: sunny for {days} days"
        """

        def add(function: F) -> F:
            tool_name = name if isinstance(name, str) else getattr(function, "__name__", "tool")
            self._state.tools.add(Tool(function, tool_name, description, input_schema))
            return function

        return add(name) if callable(name) else add

    async def _register_tools(self, link: Link) -> None:
        tools = self._state.tools
        async with self._state.registering:
            new = tools.unregistered()
            if new:
                params = {"tools": [tool.definition() for tool in new]}
                await link.request(TOOLS_REGISTER, params, timeout=self._timeout)
                tools.registered(new)

    def _run_tool(self, request_id: int | str, params: ToolExecuteParams) -> None:
        state = self._state

        async def run() -> None:
            try:
                content, is_error = await state.tools.run(params.name, params.arguments)
                # What JSON cannot hold would leave the runtime waiting for its time-out.
                content = content.encode(errors="replace").decode()
                if state.link is not None:
                    answer = encode(ToolExecuteResult(content=content, is_error=is_error))
                    state.link.connection.answer(request_id, answer)
            finally:
                state.handlers.discard(handler)

        handler = Background(run, f"meerkat tool {params.name}")
        state.handlers.add(handler)

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
        await request.send()
        return Session(self, await request.result(timeout=self._turn_timeout))

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
        return EventStream(
            lambda: self._first_turn(prompt, options),
            buffer_bytes=self._buffer_bytes,
            cancel_on_exit=cancel_on_exit,
        )

    async def create_deferred_session(self, prompt: Prompt, **options: Unpack[CreateSessionOptions]) -> DeferredSession:
        """Create a session whose first turn runs later, with ``session.start_turn(...)``.

        The first turn's prompt is this prompt, a blank line, and the prompt of that turn.

        Args:
            prompt: Text, or content blocks.
            **options: See `CreateSessionOptions`.

        RPC: ``session/create``.
        """
        link = self._connected(SESSION_CREATE.name)
        await self._register_tools(link)
        params = {**_without_initial_turn(options), "prompt": prompt, "initial_turn": "deferred"}
        created = await link.request(SESSION_CREATE, params, timeout=self._timeout)
        if not isinstance(created, DeferredCreateResult):
            message = "the runtime ran a turn although the session was to be deferred"
            raise InvalidResponseError(message=message, method=SESSION_CREATE.name)
        return DeferredSession(self, created)

    def session(self, session_id: str) -> Session:
        """Return a handle of a session that exists already; nothing is asked or checked."""
        return Session(self, session_id)

    async def subscribe_session_events(self, session_id: str) -> EventSubscription[AgentEvent | ScopedEvent]:
        """Follow all events of a session, whoever causes them.

        Args:
            session_id: Session to follow.

        Returns:
            An open subscription; close it, or use it as ``async with`` block.

        Raises:
            SessionNotFoundError: There is no such session.

        RPC: ``session/stream_open``, ``session/stream_close``.
        """
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
        self._connected(TURN_START.name).router.session(session_id).expect_run()
        return outcome

    async def _first_turn(self, prompt: Prompt, options: Mapping[str, Any]) -> TurnRequest:
        link = self._connected(SESSION_CREATE.name)
        params = SESSION_CREATE.encode_params({**_without_initial_turn(options), "prompt": prompt})
        await self._register_tools(link)
        return TurnRequest(link, SESSION_CREATE, params, prompt)

    async def _next_turn(self, session_id: str, prompt: Prompt, options: Mapping[str, Any]) -> TurnRequest:
        link = self._connected(TURN_START.name)
        params = TURN_START.encode_params({**options, "session_id": session_id, "prompt": prompt})
        await self._register_tools(link)
        return TurnRequest(link, TURN_START, params, prompt, session_id)

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
        await request.send()
        return await request.result(timeout=self._turn_timeout)

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
        return EventStream(
            lambda: self._next_turn(session_id, prompt, options),
            buffer_bytes=self._buffer_bytes,
            cancel_on_exit=cancel_on_exit,
            on_result=on_result,
        )


class _View(MeerkatClient):
    """A client with other deadlines, sharing the connection of the one that it was made from."""

    def __init__(self, client: MeerkatClient, timeout: float | None) -> None:
        for name, value in vars(client).items():
            setattr(self, name, value)
        self._timeout = self._turn_timeout = timeout


_AVAILABLE: Final = "Available"


def _without_initial_turn(options: Mapping[str, Any]) -> Mapping[str, Any]:
    if "initial_turn" in options:
        message = "initial_turn is decided by the method: create_session or create_deferred_session"
        raise InvalidArgumentError(message=message, method=SESSION_CREATE.name)
    return options


def _check_version(spoken: str) -> None:
    """Compare contract versions: before 1.0 the minor version must be the same, from then on the major one."""
    ours = contract.CONTRACT_VERSION
    if _compatible_part(spoken) != _compatible_part(ours):
        raise ContractMismatchError(
            message=f"the runtime speaks contract version {spoken}, this SDK {ours}; install a meerkat-sdk "
            f"that fits the runtime, or a runtime of version {ours}"
        )


def _compatible_part(version: str) -> tuple[str, ...]:
    parts = version.split(".")
    return tuple(parts[:2] if parts[0] == "0" else parts[:1])
