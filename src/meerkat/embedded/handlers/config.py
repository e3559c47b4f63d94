"""The realm's configuration. Its methods read their parameters themselves: they take two forms each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime


async def get(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``config/get``."""
    return runtime.config.envelope()


async def set_(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``config/set``."""
    return runtime.config.set(request.given)


async def patch(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``config/patch``."""
    return runtime.config.patch(request.given)


HANDLERS: dict[str, Handler] = {"config/get": get, "config/set": set_, "config/patch": patch}
