"""Methods that programs may still name although the runtime no longer has anything behind them."""

# ruff: noqa: A002, ARG002  # names of arguments that programs give

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from meerkat._core.method import Calls
from meerkat._generated.contract import CONTRACT_VERSION
from meerkat._generated.errors import MethodNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meerkat._generated.types.content import ContentInput


class RetiredMethods(Calls):
    """Control of the runtime behind a session, which left the protocol before this contract. Each always raises."""

    async def runtime_status(self, session_id: str) -> NoReturn:
        """Raise `MethodNotFoundError`; `MeerkatClient.read_session` tells how a session is."""
        raise _retired("runtime_status", "read_session")

    async def runtime_submit(self, session_id: str, input: Mapping[str, Any] | ContentInput) -> NoReturn:
        """Raise `MethodNotFoundError`; `MeerkatClient.start_turn` and `send_external_event` take input."""
        raise _retired("runtime_submit", "start_turn or send_external_event")

    async def runtime_submission(self, session_id: str, input_id: str) -> NoReturn:
        """Raise `MethodNotFoundError`; the outcome of `MeerkatClient.send_external_event` holds the input's state."""
        raise _retired("runtime_submission", "the outcome of send_external_event")

    async def runtime_submissions(self, session_id: str) -> NoReturn:
        """Raise `MethodNotFoundError`; `MeerkatClient.subscribe_session_events` shows what a session works on."""
        raise _retired("runtime_submissions", "subscribe_session_events")

    async def runtime_retire(self, session_id: str) -> NoReturn:
        """Raise `MethodNotFoundError`; `MeerkatClient.archive_session` ends a session."""
        raise _retired("runtime_retire", "archive_session")

    async def runtime_reset(self, session_id: str) -> NoReturn:
        """Raise `MethodNotFoundError`; `MeerkatClient.interrupt_turn` stops what a session does."""
        raise _retired("runtime_reset", "interrupt_turn")


def _retired(name: str, instead: str) -> MethodNotFoundError:
    message = f"{name}() has no method behind it in contract {CONTRACT_VERSION}; use {instead}"
    return MethodNotFoundError(message=message)
