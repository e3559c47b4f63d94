"""Python SDK for the Meerkat agent runtime, generated from its RPC contract.

Start with `MeerkatClient`. All public names can be imported from here; they are loaded at their first use, so that
importing the package costs next to nothing and loads no event loop. `meerkat.types`, `meerkat.events` and
`meerkat.errors` have them by topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meerkat._generated.index import PUBLIC as _GENERATED
from meerkat._lazy import attributes as _attributes
from meerkat._names import ALIASES as _ALIASES
from meerkat._names import HANDWRITTEN as _HANDWRITTEN

_TOPICS = ("errors", "events", "types")

if TYPE_CHECKING:
    from meerkat import errors as errors
    from meerkat import events as events
    from meerkat import types as types
    from meerkat._aliases import *  # noqa: F403
    from meerkat._arguments import LiveModality as LiveModality
    from meerkat._arguments import MobPeer as MobPeer
    from meerkat._arguments import Prompt as Prompt
    from meerkat._arguments import StreamEvent as StreamEvent
    from meerkat._core.codec import to_builtins as to_builtins
    from meerkat._core.errors import *  # noqa: F403
    from meerkat._core.model import Unknown as Unknown
    from meerkat._diagnostics import Diagnostics as Diagnostics
    from meerkat._generated.contract import CONTRACT_SHA256 as CONTRACT_SHA256
    from meerkat._generated.contract import CONTRACT_VERSION as CONTRACT_VERSION
    from meerkat._generated.public import *  # noqa: F403
    from meerkat._launch import RuntimeKind as RuntimeKind
    from meerkat._parse import parse_event as parse_event
    from meerkat.client import MeerkatClient as MeerkatClient
    from meerkat.comms import CommsKind as CommsKind
    from meerkat.comms import SendOptions as SendOptions
    from meerkat.legacy_types import *  # noqa: F403
    from meerkat.live import LiveChannel as LiveChannel
    from meerkat.mob import Member as Member
    from meerkat.mob import Mob as Mob
    from meerkat.session import DeferredSession as DeferredSession
    from meerkat.session import Session as Session
    from meerkat.streaming import EventGap as EventGap
    from meerkat.streaming import EventStream as EventStream
    from meerkat.streaming import EventSubscription as EventSubscription
    from meerkat.streaming import ScopedEvent as ScopedEvent
else:
    # Not for type checkers: they would take any name for a name of the package.
    __getattr__, __dir__ = _attributes(globals(), {**_GENERATED, **_HANDWRITTEN}, _ALIASES, modules=_TOPICS)

# One list per kind of name; type checkers see the imports above.
__all__ = sorted({*_HANDWRITTEN, *_GENERATED, *_ALIASES})  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]
