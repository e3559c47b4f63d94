"""Python SDK for the Meerkat agent runtime, generated from its RPC contract.

Start with `MeerkatClient`. All public names can be imported from here; they are loaded at their first use, so that
importing the package costs next to nothing and loads no event loop.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from meerkat._generated.index import PUBLIC as _GENERATED
from meerkat._names import ALIASES as _ALIASES
from meerkat._names import HANDWRITTEN as _HANDWRITTEN

if TYPE_CHECKING:
    from meerkat._core.codec import to_builtins as to_builtins
    from meerkat._core.errors import *  # noqa: F403
    from meerkat._core.model import Unknown as Unknown
    from meerkat._diagnostics import Diagnostics as Diagnostics
    from meerkat._generated.contract import CONTRACT_SHA256 as CONTRACT_SHA256
    from meerkat._generated.contract import CONTRACT_VERSION as CONTRACT_VERSION
    from meerkat._generated.public import *  # noqa: F403
    from meerkat.client import MeerkatClient as MeerkatClient
    from meerkat.session import DeferredSession as DeferredSession
    from meerkat.session import Session as Session
    from meerkat.streaming import EventGap as EventGap
    from meerkat.streaming import EventStream as EventStream
    from meerkat.streaming import EventSubscription as EventSubscription
    from meerkat.streaming import ScopedEvent as ScopedEvent


def __getattr__(name: str) -> Any:
    module = _HANDWRITTEN.get(name) or _GENERATED.get(name)
    if module is None:
        if name not in _ALIASES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = __getattr__(_ALIASES[name])
    else:
        value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HANDWRITTEN, *_GENERATED, *_ALIASES})


# One list per kind of name; type checkers see the imports above.
__all__ = sorted({*_HANDWRITTEN, *_GENERATED, *_ALIASES})  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]
