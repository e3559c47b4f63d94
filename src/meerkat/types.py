"""All types of the contract: what methods take and give, and what that is made of."""

# ruff: noqa: PLC0414  # the form in which type checkers take an import for an export

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from meerkat._generated.index import PUBLIC as _GENERATED
from meerkat._lazy import attributes as _attributes
from meerkat._names import ALIASES as _ALIASES
from meerkat._names import HANDWRITTEN as _HANDWRITTEN

if TYPE_CHECKING:
    from meerkat._aliases import *  # noqa: F403
    from meerkat._arguments import LiveModality as LiveModality
    from meerkat._arguments import MobPeer as MobPeer
    from meerkat._arguments import Prompt as Prompt
    from meerkat._arguments import StreamEvent as StreamEvent
    from meerkat._core.model import Unknown as Unknown
    from meerkat._generated.public import *  # noqa: F403
    from meerkat._launch import RuntimeKind as RuntimeKind
    from meerkat.comms import CommsKind as CommsKind
    from meerkat.comms import SendOptions as SendOptions
    from meerkat.legacy_types import *  # noqa: F403

# What is written by hand and no handle, error or function: with what programs annotate their own code.
_TYPES: Final = {
    "meerkat._arguments",
    "meerkat._core.model",
    "meerkat._launch",
    "meerkat.comms",
    "meerkat.legacy_types",
}

# Type checkers see error classes here too, in the one list that they have; so these can be imported, and stay unlisted.
_HOMES: Final = {
    **_GENERATED,
    **{name: home for name, home in _HANDWRITTEN.items() if home in _TYPES},
}
_ERRORS: Final = "meerkat._generated.errors"

if not TYPE_CHECKING:
    __getattr__, __dir__ = _attributes(globals(), _HOMES, _ALIASES)

__all__ = sorted(  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]
    {*(name for name, home in _HOMES.items() if home != _ERRORS), *_ALIASES}
)
