"""All errors of the package; every one derives from `MeerkatError`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from meerkat._generated.index import PUBLIC as _GENERATED
from meerkat._lazy import attributes as _attributes
from meerkat._names import HANDWRITTEN as _HANDWRITTEN

if TYPE_CHECKING:
    from meerkat._core.errors import *  # noqa: F403
    from meerkat._generated.errors import *  # noqa: F403

_HOMES: Final = {
    **{name: home for name, home in _HANDWRITTEN.items() if home == "meerkat._core.errors"},
    **{name: home for name, home in _GENERATED.items() if home == "meerkat._generated.errors"},
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = _attributes(globals(), _HOMES)

__all__ = sorted(_HOMES)  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]
