"""A request on its way. No I/O; how a task waits for it depends on the event loop, see `waiting`."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from meerkat._core.flow import Line
from meerkat._core.framing import NO_VALUE

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec

    from meerkat._core.errors import MeerkatError
    from meerkat._core.framing import ErrorBody


class Call(Line, eq=False):
    """A request on its way, together with the line that carries it.

    Attributes:
        method: Name of the RPC method.
        cancellable: Whether the runtime knows how to cancel it.
        null_id_errors: Whether the runtime answers its bad parameters without an id.
        cancel_held: Whether it must not be cancelled yet; see `Protocol.may_cancel`.
        done: Whether it is settled: answered, or failed by a fault.
        abandoned: Whether nobody waits for it any more.
        result: The answer's result, undecoded; absent while not done or when it failed.
        error: The error object of the answer, or the fault that ended it; ``None`` otherwise.
        due: When whoever waits for it gives up, by the clock of `Deadlines`.
        on_done: Called once each, when it is settled, and then forgotten; also after it was abandoned.
    """

    method: str = ""
    cancellable: bool = False
    null_id_errors: bool = False
    cancel_held: bool = False
    done: bool = False
    abandoned: bool = False
    result: msgspec.Raw = NO_VALUE
    error: ErrorBody | MeerkatError | None = None
    due: float = inf
    on_done: tuple[Callable[[], None], ...] = ()

    def __repr__(self) -> str:
        return f"Call({self.key}, {self.method!r})"

    def settle(self, result: msgspec.Raw, error: ErrorBody | MeerkatError | None) -> None:
        """Give it its outcome; a second one is ignored."""
        if self.done:
            return
        self.done = True
        self.result = result
        self.error = error
        if self.on_done:
            # They lead back here: without them a call and its result, which may be large, go when they are not used any
            # more, and need not wait for the garbage collector.
            on_done, self.on_done = self.on_done, ()
            for callback in on_done:
                callback()
        self.wake()
        # Whoever waited was told its outcome, so it must not run after all.
        self.withdrawn = True
        self.data = b""

    def wake(self) -> None:
        """Let whoever waits for it go on; nobody can wait for it without an event loop."""
