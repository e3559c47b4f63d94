"""Turns on their way: sent at the right moment, followed to their end."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from meerkat._core.background import Background
from meerkat._core.errors import DeadlineExceededError, InvalidResponseError, TurnStalledError
from meerkat._core.framing import NO_VALUE, ErrorBody
from meerkat._generated.errors import SessionNotFoundError, TurnFailedError
from meerkat._generated.types.run import RunResult
from meerkat._link import error_of, result_of
from meerkat._runs import STALLED, Turn, prompt_text

if TYPE_CHECKING:
    from collections.abc import Generator

    from meerkat._core.call import Call
    from meerkat._core.errors import MeerkatError
    from meerkat._core.inbox import Inbox
    from meerkat._core.method import Method
    from meerkat._link import Link
    from meerkat._runs import SessionRuns

logger = logging.getLogger("meerkat.turns")


@contextmanager
def turn_deadline(seconds: float | None, method: str) -> Generator[None]:
    """Bound a turn, the wait for its place in the session included.

    Raises:
        DeadlineExceededError: So many seconds are over.
    """
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise DeadlineExceededError(message=f"the turn did not end within {seconds:g} seconds", method=method)


class _Created(msgspec.Struct):
    session_id: str


def _fault(result: msgspec.Raw) -> str:
    try:
        msgspec.json.decode(result, type=RunResult)
    except msgspec.ValidationError as error:
        return str(error)
    return "it is that of another call"


class TurnRequest:
    """A turn that is sent with `send`: a turn of a session, or the first one of a session that it creates.

    Args:
        link: The connection.
        method: The RPC method that carries it.
        params: Its parameters, encoded.
        prompt: Its prompt, by which its run is known.
        session_id: Its session, or ``None`` when it creates one.
        give_up_stalled: Whether it fails when the runtime does not start it; otherwise that is only logged.
    """

    def __init__(
        self,
        link: Link,
        method: Method[Any],
        params: bytes,
        prompt: object,
        session_id: str | None = None,
        *,
        give_up_stalled: bool = False,
    ) -> None:
        self._link = link
        self._method = method
        self._params = params
        self._session_id = session_id
        self._give_up_stalled = give_up_stalled
        self._watcher: Background | None = None
        self.turn = Turn(prompt_text(prompt))
        self._call: Call | None = None

    @property
    def method(self) -> str:
        """Name of the RPC method that carries it."""
        return self._method.name

    @property
    def call(self) -> Call:
        """The call that carries it, once it is sent."""
        if self._call is None:
            raise RuntimeError("the turn has not been sent")
        return self._call

    def note_overflow(self) -> None:
        """Its consumer was too slow."""
        self._link.router.tally.overflows += 1

    async def send(self, inbox: Inbox[Any] | None = None) -> None:
        """Wait for the turn's place and send it; its events go to ``inbox``."""
        self.turn.inbox = inbox
        if self._session_id is None:
            await self._send_first()
            return
        runs = self._link.router.session(self._session_id)
        await runs.enter(self.turn)
        self._start()
        self.call.on_done += (self._answered,)
        self._watcher = Background(partial(self._watch, runs), "meerkat turn watch")

    async def _send_first(self) -> None:
        router = self._link.router
        # Two sessions that begin with the same words could not be told apart by their first event.
        while (other := router.is_creating(self.turn.prompt)) is not None:
            await other.wait_bound()
        router.creating(self.turn)
        try:
            self._start()
        except BaseException:
            router.created(self.turn, None)
            raise
        # First of all, so that the session is known before anybody is told of the answer.
        self.call.on_done = (self._created, *self.call.on_done)

    def _start(self) -> None:
        try:
            self._call = self._link.start(self._method, self._params)
        except BaseException:
            self.turn.finish()
            raise
        # The runtime would wait for the end of a run that it is told to cancel before it has started, answer nobody who
        # asks for sessions meanwhile, and might never start the next turn.
        self._call.cancel_held = True
        self.turn.on_started = self._may_cancel
        self.turn.sent(self._call)

    def _may_cancel(self) -> None:
        self._link.connection.protocol.may_cancel(self.call)
        self._link.connection.flush()

    async def _watch(self, runs: SessionRuns) -> None:
        """Notice when the runtime queues the turn and does not start it."""
        if await self.turn.wait_started(runs.last_sign):
            return
        self._link.router.tally.stalled_turns += 1
        message = (
            f"the runtime has not started the turn for {STALLED:g} seconds, although no other run of the session "
            f"{self.turn.session_id} is under way; it may never start, or only with the next turn"
        )
        logger.warning("%s", message)
        if self._give_up_stalled:
            self._link.connection.abandon(self.call)
            self.call.settle(NO_VALUE, TurnStalledError(message=message))

    def _created(self) -> None:
        session_id = None
        if self.call.error is None and not self.call.abandoned:  # whoever left it does not know the session
            try:
                session_id = msgspec.json.decode(self.call.result, type=_Created).session_id
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                session_id = None  # whoever waits for the answer gets the error
        self._link.router.created(self.turn, session_id)

    def _answered(self) -> None:
        if isinstance(self.call.error, ErrorBody) and self.call.error.code == SessionNotFoundError.CODE:
            self._link.router.not_found(self.turn.session_id)

    async def run(self, timeout: float | None) -> RunResult:
        """Send it, wait for the answer and return it, or raise its error."""
        with turn_deadline(timeout, self._method.name):
            await self.send()
            return await self._answer()

    async def _answer(self) -> RunResult:
        try:
            await self._link.connection.wait(self.call)
        except BaseException:
            if not self.call.done:
                self.turn.abandon()
            elif self._session_id is None:  # the answer came, but nobody gets to know the session
                self._link.router.end_session(self.turn.session_id)
            raise
        if self.call.error is not None:
            # The event that tells why may come after the answer.
            await self.turn.wait_over()
        return self.outcome()

    def outcome(self) -> RunResult:
        """Return the answer that has come, or raise its error with the report of the run's failure."""
        if self.call.error is not None:
            raise self.error()
        result: object = result_of(self.call, self._method, self._params)
        if not isinstance(result, RunResult):
            # With a fault in it, the result of a first turn still fits a session that was only made.
            message = f"the runtime's result is not that of a turn: {_fault(self.call.result)}"
            raise InvalidResponseError(message=message, method=self._method.name)
        return result

    def error(self) -> MeerkatError:
        """The error that was answered."""
        error = error_of(self.call, self._method, self._params)
        if isinstance(error, TurnFailedError) and self.turn.failure is not None:
            error.report = self.turn.failure.error_report
        return error

    def leave(self, *, cancel: bool) -> None:
        """Nobody follows it any more; cancel it, or let it go on."""
        if self._call is None:
            return
        if cancel and not self._call.done:
            self._link.connection.abandon(self._call)
        self.turn.abandon()
