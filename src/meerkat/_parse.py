"""Events out of JSON that was kept or came another way than over a client's connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meerkat._core.codec import Decoder, is_mapping
from meerkat._core.errors import InvalidArgumentError
from meerkat._generated.types.events import AgentEvent
from meerkat._generated.types.streams import StreamScopeFrame
from meerkat.streaming import ScopedEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

_event: Decoder[AgentEvent] = Decoder(AgentEvent, "AgentEvent", keep_malformed=True)
_path: Decoder[list[StreamScopeFrame]] = Decoder(list[StreamScopeFrame], "scope_path", keep_malformed=True)
_WRAPPERS = ("payload", "envelope", "event")  # of an envelope, of an event with its member, of a notification


def parse_event(raw: Mapping[str, Any]) -> AgentEvent | ScopedEvent:
    """Turn the JSON of an event into the typed event.

    What is not known, or known and malformed, becomes an `UnknownEvent`, as in a stream.

    Args:
        raw: A decoded JSON object: the event itself (with its ``type``), its envelope, an event with its member, or
            the parameters of a notification that carries one.

    Returns:
        The event; a `ScopedEvent` around it where ``raw`` names a scope.

    Raises:
        InvalidArgumentError: ``raw`` is no mapping.

    Example:
        ``parse_event({"type": "text_delta", "delta": "Hello"})``
    """
    given: object = raw  # callers pass on what they decoded, whatever it is
    if not is_mapping(given):
        raise InvalidArgumentError(message=f"an event is a JSON object, not a {type(given).__name__} - at `$`")
    inner: object = given
    while is_mapping(inner) and "type" not in inner:
        wrapped = next((inner[name] for name in _WRAPPERS if is_mapping(inner.get(name))), None)
        if wrapped is None:
            break
        inner = wrapped
    event = _event.convert(inner)
    if "type" in given or not isinstance(given.get("scope_id"), str):
        return event
    return ScopedEvent(scope_id=given["scope_id"], scope_path=_path.convert(given.get("scope_path") or []), event=event)
