"""A request while it is being worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from meerkat._core.codec import is_object
from meerkat.embedded import binding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meerkat.embedded.lines import RequestId
    from meerkat.embedded.runtime import Runtime

    Handler = Callable[[Runtime, "Request"], Awaitable[Any]]


_CANCELLABLE = frozenset({"help/ask", "session/create", "turn/start"})

_LONG = frozenset(
    {
        "events/snapshot",
        "help/ask",
        "session/archive",
        "session/fork_at",
        "session/fork_replace",
        "session/history",
        "session/inject_context",
        "session/read",
        "session/stream_open",
        "turn/start",
    }
)


class Request:
    """A request of the client.

    Attributes:
        id: Its id; ``None`` only where a notification is served like a request.
        method: Its method.
        given: Its parameters as JSON; ``None`` when absent or null.
        cancelled: Whether the client took it back in time.
        ended: Set when its answer is on its way.
    """

    def __init__(self, request_id: RequestId | None, method: str, given: Any) -> None:
        self.id = request_id
        self.method = method
        self.given = given
        self.cancelled = False
        self.ended = anyio.Event()
        self._stop: Callable[[], bool] | None = None
        self._unwanted = False

    @property
    def is_cancellable(self) -> bool:
        """Whether the client may take it back."""
        return self.is_long and self.method in _CANCELLABLE

    @property
    def is_long(self) -> bool:
        """Whether it runs an agent or may wait for one, so that nobody waits for it at the end of input."""
        if self.method == "session/create":
            return not (is_object(self.given) and self.given.get("initial_turn") == "deferred")
        return self.method in _LONG

    def params(self) -> Any:
        """Decode the parameters into the method's params struct.

        Raises:
            RpcError: They do not fit.
        """
        return binding.decode_params(self.method, self.given)

    def on_cancel(self, stop: Callable[[], bool]) -> None:
        """Say how to stop the work, once it has begun.

        Args:
            stop: Stops it; ``False`` when there is nothing left to stop, so that the result stands.
        """
        self._stop = stop
        if self._unwanted:
            self.cancel()

    def cancel(self) -> None:
        """Take it back, as the client wants; ignored unless that is possible."""
        if not self.is_cancellable or self.cancelled:
            return
        if self._stop is None:
            self._unwanted = True
        else:
            self.cancelled = self._stop()
