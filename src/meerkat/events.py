"""All events of runs, what they are made of, and the streams and subscriptions that bring them."""

# ruff: noqa: PLC0414  # the form in which type checkers take an import for an export

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from meerkat._generated.index import PUBLIC as _GENERATED
from meerkat._lazy import attributes as _attributes
from meerkat._names import HANDWRITTEN as _HANDWRITTEN

if TYPE_CHECKING:
    from meerkat._arguments import StreamEvent as StreamEvent
    from meerkat._generated.types.agent_error_reason_base import *  # noqa: F403
    from meerkat._generated.types.event_base import *  # noqa: F403
    from meerkat._generated.types.event_envelope import *  # noqa: F403
    from meerkat._generated.types.event_failures import *  # noqa: F403
    from meerkat._generated.types.event_hooks import *  # noqa: F403
    from meerkat._generated.types.event_limits import *  # noqa: F403
    from meerkat._generated.types.event_skills import *  # noqa: F403
    from meerkat._generated.types.event_source_identity_base import *  # noqa: F403
    from meerkat._generated.types.event_tools import *  # noqa: F403
    from meerkat._generated.types.events import *  # noqa: F403
    from meerkat._generated.types.mob_stream import AttributedEvent as AttributedEvent
    from meerkat._generated.types.mob_stream import MobStreamEndParams as MobStreamEndParams
    from meerkat._generated.types.skill_resolution_failure_reason_base import *  # noqa: F403
    from meerkat._generated.types.streams import SessionStreamEndParams as SessionStreamEndParams
    from meerkat._generated.types.streams import StreamEndError as StreamEndError
    from meerkat._generated.types.streams import StreamEndErrorCode as StreamEndErrorCode
    from meerkat._generated.types.streams import StreamEndOutcome as StreamEndOutcome
    from meerkat._generated.types.streams import StreamScopeFrame as StreamScopeFrame
    from meerkat._generated.types.streams import StreamScopeFrameMobMember as StreamScopeFrameMobMember
    from meerkat._generated.types.streams import StreamScopeFramePrimary as StreamScopeFramePrimary
    from meerkat._parse import parse_event as parse_event
    from meerkat.streaming import EventGap as EventGap
    from meerkat.streaming import EventStream as EventStream
    from meerkat.streaming import EventSubscription as EventSubscription
    from meerkat.streaming import ScopedEvent as ScopedEvent

_STREAMS: Final = (
    "AttributedEvent",
    "MobStreamEndParams",
    "SessionStreamEndParams",
    "StreamEndError",
    "StreamEndErrorCode",
    "StreamEndOutcome",
    "StreamScopeFrame",
    "StreamScopeFrameMobMember",
    "StreamScopeFramePrimary",
)
_OURS: Final = ("EventGap", "EventStream", "EventSubscription", "ScopedEvent", "StreamEvent", "parse_event")
_TYPES: Final = "meerkat._generated.types."
_MODULES: Final = tuple(_TYPES + topic for topic in ("event", "agent_error_reason", "skill_resolution_failure_reason"))
_HOMES: Final = {
    **{name: home for name, home in _GENERATED.items() if home.startswith(_MODULES)},
    **{name: _GENERATED[name] for name in _STREAMS},
    **{name: _HANDWRITTEN[name] for name in _OURS},
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = _attributes(globals(), _HOMES)

__all__ = sorted(_HOMES)  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]
