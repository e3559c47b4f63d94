"""Notifications of session events, decoded as far as streams of turns need them: much of the envelope is for nobody.

The names are those of the contract, so that values which are not known say where they stood in the same words.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

import msgspec

from meerkat._core.codec import Decoder, dec_hook
from meerkat._generated.methods.streams import SESSION_EVENT
from meerkat._generated.types.events import AgentEvent  # noqa: TC001  # the type of a field

if TYPE_CHECKING:
    from collections.abc import Callable


class EventEnvelope(msgspec.Struct, gc=False):
    """The part of an event's envelope that tells its place among the others, and the event."""

    seq: int
    payload: AgentEvent


class SessionEventParams(msgspec.Struct, gc=False):
    """Whose event it is, and the event."""

    session_id: str
    event: EventEnvelope


class SessionEventLine(msgspec.Struct, gc=False):
    """A whole line."""

    method: Literal["session/event"]
    params: SessionEventParams


@cache
def lines_decoder() -> Callable[[bytes | bytearray], list[SessionEventLine]]:
    """Return the decoder of a block of lines, each of which must be such a line with an event that is known."""
    return msgspec.json.Decoder(SessionEventLine, dec_hook=dec_hook).decode_lines


@cache
def params_decoder() -> Decoder[SessionEventParams]:
    """Return the decoder of the parameters of one notification, which may come from a newer runtime."""
    return Decoder(SessionEventParams, SESSION_EVENT.name, keep_malformed=True)
