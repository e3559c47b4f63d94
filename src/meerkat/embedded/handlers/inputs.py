"""What reaches a session beside the turns of its client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, to_builtins

from meerkat._core.codec import enc_hook
from meerkat.embedded.agent import Event, PeerResponse
from meerkat.embedded.content import flatten
from meerkat.embedded.faults import invalid_params, malformed_params, session_gone
from meerkat.embedded.handlers.sessions import settled
from meerkat.embedded.ids import parse_uuid, timestamp, uuid7

if TYPE_CHECKING:
    from meerkat._generated.types.session_input import (
        InjectSystemContextParams,
        SessionExternalEventEnvelope,
        SessionPeerResponseTerminalParams,
    )
    from meerkat.embedded.agent import Agent
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime


async def inject_context(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/inject_context``.

    The text is for one turn of the model and never part of the history; this model does not read it.
    """
    params: InjectSystemContextParams = request.params()
    agent = await settled(runtime, params.session_id)
    if agent.session.archived:
        raise session_gone(agent.session.id)
    key, source = params.idempotency_key or None, params.source or None
    if key is not None:
        known = agent.session.contexts.get(key)
        if known is not None and known != [params.text, source]:
            raise invalid_params(f"system-context idempotency conflict for key '{key}'")
        if known is not None:
            return {"status": "duplicate"}
        agent.session.contexts[key] = [params.text, source]
        agent.session.save(runtime.realm)
    return {"status": "staged"}


async def external_event(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/external_event``: it waits for the next run."""
    params: SessionExternalEventEnvelope = request.params()
    agent = _receiver(runtime, params.session_id)
    content = f"[EVENT via {params.event_type}]"
    agent.put(Event(flatten(to_builtins(params.blocks, enc_hook=enc_hook)) if params.blocks else content))
    return _accepted()


async def peer_response_terminal(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/peer_response_terminal``: it starts a run of its own."""
    params: SessionPeerResponseTerminalParams = request.params()
    for name in ("peer_id", "request_id"):
        if parse_uuid(getattr(params, name)) is None:
            raise malformed_params(f"`{name}` is not a UUID")
    agent = _receiver(runtime, params.session_id)
    peer = params.peer_id if params.display_name is UNSET else params.display_name
    agent.put(
        PeerResponse(
            "[Runtime System Context]\n"
            f"source: peer_response_terminal:{params.peer_id}:{params.request_id}\n\n"
            f"Peer {peer} has answered request {params.request_id}: {params.status}.\n"
            f"{json.dumps(params.result, ensure_ascii=False, indent=2)}"
        )
    )
    return _accepted()


def _receiver(runtime: Runtime, locator: str) -> Agent:
    session_id = runtime.locate(locator)
    agent = runtime.agents.get(session_id)
    if agent is None or agent.session.archived:
        raise session_gone(session_id)
    return agent


def _accepted() -> dict[str, Any]:
    input_id, created_at, updated_at = uuid7(), timestamp(), timestamp()
    change = {"timestamp": updated_at, "from": "accepted", "to": "queued", "reason": "QueueAccepted"}
    return {
        "outcome_type": "accepted",
        "input_id": input_id,
        "state": {
            "input_id": input_id,
            "current_state": "queued",
            "attempt_count": 0,
            "recovery_count": 0,
            "history": [change],
            "created_at": created_at,
            "updated_at": updated_at,
        },
    }


HANDLERS: dict[str, Handler] = {
    "session/inject_context": inject_context,
    "session/external_event": external_event,
    "session/peer_response_terminal": peer_response_terminal,
}
