"""Running sessions, and stopping them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, to_builtins

from meerkat._core.codec import enc_hook
from meerkat.embedded.agent import Turn
from meerkat.embedded.catalog import SELF_HOSTED
from meerkat.embedded.content import flatten, refuse_video
from meerkat.embedded.engine import Overlay
from meerkat.embedded.faults import invalid_params, session_gone, session_not_found
from meerkat.embedded.providers import OTHER, check_pair, infer, unregistered

if TYPE_CHECKING:
    from meerkat._generated.types.basics import TurnToolOverlay
    from meerkat._generated.types.run import InterruptParams, StartTurnParams
    from meerkat.embedded.agent import Agent
    from meerkat.embedded.content import Content
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime

_REFUSED = ("max_tokens", "system_prompt", "output_schema", "structured_output_retries")


async def start(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``turn/start``."""
    params: StartTurnParams = request.params()
    session_id = runtime.locate(params.session_id)
    _refuse_overrides(params)
    agent = runtime.agents.get(session_id)
    if agent is None or agent.session.archived:
        raise session_gone(session_id)
    settings = agent.session.settings
    _switch_model(runtime, agent, params)
    if params.keep_alive is True and settings.comms_name is None:
        raise invalid_params("keep_alive requires a session created with comms_name")
    content: Content = to_builtins(params.prompt, enc_hook=enc_hook)
    refuse_video(content, settings.model, settings.provider)
    return await run(agent, request, Turn(flatten(content), _overlay(params.flow_tool_overlay or None)))


async def run(agent: Agent, request: Request, turn: Turn) -> dict[str, Any]:
    """Let an agent take a turn and return what it gave; cancelling the request stops the agent."""

    def stop() -> bool:
        if turn.outcome.is_set:
            return False
        agent.cancel()
        return True

    agent.put(turn)
    request.on_cancel(stop)
    return await turn.outcome.get()


async def interrupt(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``turn/interrupt``."""
    params: InterruptParams = request.params()
    agent = runtime.find(params.session_id)
    if agent.session.archived:
        raise session_not_found(agent.session.id)
    agent.cancel()
    return {"interrupted": True}


def _refuse_overrides(params: StartTurnParams) -> None:
    for name in _REFUSED:
        if getattr(params, name) is not UNSET:
            raise invalid_params(
                f"Cannot override {name} on a runtime-routed turn; "
                "set these at session/create time or use a deferred session"
            )
    if params.provider is not UNSET and params.model is UNSET:
        raise invalid_params("provider override requires model on an existing session")
    for name in ("provider_params", "auth_binding"):
        if getattr(params, name) is not UNSET and getattr(params, f"clear_{name}") is True:
            raise invalid_params(f"clear_{name} cannot be combined with {name}")


def _switch_model(runtime: Runtime, agent: Agent, params: StartTurnParams) -> None:
    if params.model is UNSET:
        return
    settings, config = agent.session.settings, runtime.config.value
    if params.provider is not UNSET:
        check_pair(config, params.model, params.provider)
        provider = params.provider
    else:
        provider = infer(config, params.model)
        if provider == OTHER and settings.provider == SELF_HOSTED:
            raise unregistered(params.model)
    settings.model, settings.provider = params.model, provider


def _overlay(given: TurnToolOverlay | None) -> Overlay:
    if given is None:
        return Overlay()
    allowed = None if given.allowed_tools is UNSET else frozenset(given.allowed_tools)
    return Overlay(allowed, frozenset(given.blocked_tools or ()))


HANDLERS: dict[str, Handler] = {"turn/start": start, "turn/interrupt": interrupt}
