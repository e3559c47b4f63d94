"""What makes a client: the runtime that it starts, the connection, calls by descriptor and by name, callback tools.

What only a connection needs is imported when one is made: making a client must not cost more than its class.
"""

# ruff: noqa: PLC0415  # see above

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload

from meerkat import _checks, _launch
from meerkat._core.codec import checked, encode
from meerkat._core.errors import (
    AlreadyConnectedError,
    ConnectionLostError,
    ContractMismatchError,
    InvalidArgumentError,
    MeerkatError,
    NotConnectedError,
    RuntimeExitedError,
    RuntimeStartError,
)
from meerkat._core.flow import WINDOW
from meerkat._core.limits import MAX_LINE, STREAM_BUFFER
from meerkat._generated import contract
from meerkat._generated.errors import CapabilityUnavailableError
from meerkat._generated.methods import AllCalls
from meerkat.tools import Tool, ToolRegistry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    import anyio

    from meerkat._core.background import Background
    from meerkat._core.method import Method
    from meerkat._core.transport import Transport
    from meerkat._diagnostics import Diagnostics
    from meerkat._generated.types.connection import Capability, ServerInfo
    from meerkat._generated.types.tools import ToolExecuteParams
    from meerkat._launch import RuntimeKind
    from meerkat._link import Link

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
        self.registering: anyio.Lock  # made when connecting, since it belongs to one event loop
        self.handlers: set[Background] = set()
        self.capabilities: list[Capability] = []
        self.server_info: ServerInfo | None = None

    def __del__(self) -> None:
        if self.link is not None:
            message = f"a client of {self.link.connection.transport.describe()} was not closed"
            warnings.warn(message, ResourceWarning, source=self, stacklevel=2)


class Connecting(AllCalls):
    """Owns a runtime and the connection to it; the base of `MeerkatClient`, whose documentation has the arguments."""

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
        stream_buffer_bytes: int = STREAM_BUFFER,
        max_line_bytes: int = MAX_LINE,
        flow_window: int | None = WINDOW,
        stalled_turns: Literal["warn", "raise"] = "warn",
    ) -> None:
        self._rkat_path = os.fspath(rkat_path)
        self._runtime = runtime
        self._args = _checks.arguments(args)
        self._env = _checks.variables({} if env is None else env)
        self._cwd = None if cwd is None else os.fspath(cwd)
        self._timeout = _checks.deadline("timeout", timeout)
        self._turn_timeout: float | None = None
        self._connect_timeout = _checks.seconds("connect_timeout", connect_timeout)
        self._shutdown_grace = _checks.seconds("shutdown_grace", shutdown_grace)
        self._buffer_bytes = stream_buffer_bytes
        self._max_line_bytes = max_line_bytes
        self._flow_window = flow_window
        self._stalled_turns = stalled_turns
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
            from meerkat._core.process import RuntimeProcess

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
            InvalidArgumentError: The address is not on this machine, or the port is none.
            RuntimeStartError: No runtime answers there.
            ContractMismatchError: The runtime speaks another version of the contract.

        Example:
            ::

                async with await MeerkatClient().connect_tcp("127.0.0.1", 4900) as client:
                    print(await client.list_sessions())
        """
        _checks.port(port)

        async def start() -> Transport:
            import anyio

            from meerkat._core.sockets import connect_tcp

            with anyio.move_on_after(self._connect_timeout):
                return await connect_tcp(host, port, allow_remote=allow_remote)
            message = f"no runtime answered at tcp://{host}:{port} within {self._connect_timeout:g} seconds"
            raise RuntimeStartError(message=message)

        return await self._connect(start)

    async def _connect(self, open_transport: Callable[[], Awaitable[Transport]]) -> Self:
        import anyio

        state = self._state
        if state.link is not None or state.connecting:
            raise AlreadyConnectedError(message="the client is connected; close it first, or use another client")
        state.connecting = True
        state.registering = anyio.Lock()
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
        """End the runtime and everything that waits for it; bounded in time, and does nothing when not connected.

        Raises:
            NotConnectedError: The client was connected in another event loop, which still runs.
        """
        state = self._state
        if state.link is not None:
            state.link.connection.refuse_elsewhere()
        link, state.link = state.link, None
        if link is None:
            if state.latest is not None:
                await state.latest.connection.close()  # somebody else may be about it: it is closed when this returns
            return
        handlers, state.handlers = state.handlers, set()
        for handler in handlers:
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

    def _link_over(self, transport: Transport) -> Link:
        from meerkat._core.connection import Connection
        from meerkat._core.protocol import Protocol
        from meerkat._generated.methods.runtime import RUNTIME_HEALTH
        from meerkat._link import Link
        from meerkat._router import Router

        protocol = Protocol(
            probe=RUNTIME_HEALTH.name,
            window=self._flow_window,
            max_line=self._max_line_bytes,
            hide=transport.hide,
        )
        router = Router(self._run_tool)
        router.attach(protocol)
        return Link(Connection(transport, protocol, router, shutdown_grace=self._shutdown_grace), router)

    async def _greet(self, link: Link) -> None:
        import anyio

        from meerkat._generated.methods.connection import CAPABILITIES_GET, INITIALIZE
        from meerkat._link import result_of

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
        from meerkat._diagnostics import diagnose

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
        self._connected("initialize")
        if self._state.server_info is None:
            raise NotConnectedError(message="the handshake is not complete")
        return self._state.server_info

    # Calls

    def _call(self, method: Method[R], params: Any = None) -> Coroutine[Any, Any, R]:
        link = self._state.link
        if link is None or self._state.tools.unregistered:
            return self._call_after_tools(method, params)
        # Not awaited here, since each coroutine on the way costs.
        return link.request(method, params, self._turn_timeout if method.long_running else self._timeout)

    async def _call_after_tools(self, method: Method[R], params: Any) -> R:
        link = self._connected(method.name)
        await self._register_tools(link, runs_agent=method.long_running)
        return await link.request(method, params, self._timeout_of(method))

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
            InvalidArgumentError: JSON cannot hold the parameters, or the deadline is none; nothing was sent.
            DeadlineExceededError: The deadline is over.
            MeerkatError: The runtime's error, by its class.

        Example:
            ``await client.call("session/list", {"limit": 3})``
        """
        link = self._connected(method)
        known = contract.method(method) if method in contract.METHODS else None
        given = _checks.parameters(method, {} if params is None else params)
        try:
            encoded = encode(checked(Any, given))
        except ValueError as error:
            raise InvalidArgumentError(message=str(error), method=method) from error
        if isinstance(timeout, _Default):
            timeout = self._timeout if known is None else self._timeout_of(known)
        else:
            timeout = _checks.deadline("timeout", timeout)
        if method != "tools/register" and self._state.tools.unregistered:
            await self._register_tools(link, runs_agent=known is not None and known.long_running)
        return await link.request_raw(method, encoded, known, timeout=timeout)

    # Capabilities

    @property
    def capabilities(self) -> list[Capability]:
        """Capabilities of the runtime, as it told them at connect.

        Raises:
            NotConnectedError: The client is not connected.
        """
        self._connected("capabilities/get")
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

        The runtime is told of new tools at connect, or before the next call. When it refuses them, that is the error of
        ``connect()`` or of this call; later calls that run an agent try again, and others do without.

        Args:
            name: Name for the model; the function's own by default.
            description: What it does, for the model; the docstring's first paragraph by default.
            input_schema: JSON Schema of the arguments, instead of the one from the type hints.

        Raises:
            InvalidArgumentError: No schema can be made from the type hints, the tool could not be sent, or ``name`` is
                neither a name nor a function.

        Example:
            ::

                @client.tool
                async def weather(city: str, days: int = 1) -> str:
                    '''Tell the weather of a city.'''
                    return f"{city}: sunny for {days} days"
        """
        if name is not None and not isinstance(name, str) and not callable(name):
            raise InvalidArgumentError(message=f"a tool is a function, or has a text as its name, not {name!r}")

        def add(function: F) -> F:
            tool_name = name if isinstance(name, str) else getattr(function, "__name__", "tool")
            self._state.tools.add(Tool(function, tool_name, description, input_schema))
            return function

        return add(name) if callable(name) else add

    async def _register_tools(self, link: Link, *, runs_agent: bool = True) -> None:
        from meerkat._generated.methods.tools import TOOLS_REGISTER

        tools = self._state.tools
        async with self._state.registering:
            new = tools.to_register(runs_agent=runs_agent)
            if not new:
                return
            try:
                await link.request(TOOLS_REGISTER, {"tools": [tool.definition() for tool in new]}, self._timeout)
            except MeerkatError as error:
                if isinstance(error.code, int):
                    tools.refused(new)
                names = ", ".join(tool.name for tool in new)
                error.message = f"the tools {names} could not be registered: {error.message}"
                raise
            tools.registered(new)

    def _run_tool(self, request_id: int | str, params: ToolExecuteParams) -> None:
        from meerkat._core.background import Background
        from meerkat._generated.types.tools import ToolExecuteResult

        state = self._state

        async def run() -> None:
            content, is_error = f"The tool {params.name} was cancelled", True
            try:
                content, is_error = await state.tools.run(params.name, params.arguments)
            finally:
                state.handlers.discard(handler)
                # However it ended, the runtime would wait for its time-out; so it would for what JSON cannot hold.
                if state.link is not None:
                    content = content.encode(errors="replace").decode()
                    answer = encode(ToolExecuteResult(content=content, is_error=is_error))
                    state.link.connection.answer(request_id, answer)

        handler = Background(run, f"meerkat tool {params.name}")
        state.handlers.add(handler)


_AVAILABLE: Final = "Available"


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
