"""Subscriptions to events, and events that happened before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from meerkat.embedded import catalog
from meerkat.embedded.faults import invalid_params, malformed_params, not_subscribable, session_not_found
from meerkat.embedded.handlers.sessions import details, settled
from meerkat.embedded.ids import parse_uuid

if TYPE_CHECKING:
    from meerkat._generated.types.replay import EventsListSinceParams
    from meerkat._generated.types.streams import SessionStreamCloseParams, SessionStreamOpenParams
    from meerkat.embedded.agent import Agent
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime


async def stream_open(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/stream_open``."""
    params: SessionStreamOpenParams = request.params()
    agent = await settled(runtime, params.session_id)
    session = agent.session
    if not agent.is_live and session.staged_prompt is None:
        raise not_subscribable(session.id)
    return {"stream_id": agent.journal.open_stream(), "session_id": session.id, "opened": True}


async def stream_close(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/stream_close``; closing twice, or what never was, succeeds."""
    params: SessionStreamCloseParams = request.params()
    stream_id = parse_uuid(params.stream_id)
    if stream_id is None:
        raise invalid_params(f"Invalid stream_id: {params.stream_id}")
    closed = any(agent.journal.close_stream(stream_id) for agent in runtime.agents.values())
    already_closed = not closed and stream_id in runtime.closed_streams
    if closed:
        runtime.closed_streams.add(stream_id)
    return {"stream_id": stream_id, "closed": True, "already_closed": already_closed}


async def latest_cursor(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``events/latest_cursor``."""
    agent = _in_scope(runtime, request.params().scope)
    return {"contract_version": catalog.CONTRACT_VERSION, "cursor": _cursor(agent, agent.journal.latest)}


async def list_since(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``events/list_since``."""
    params: EventsListSinceParams = request.params()
    agent = _in_scope(runtime, params.scope)
    start, latest = 0, agent.journal.latest
    if params.cursor is not UNSET:
        if params.cursor.scope != params.scope:
            raise invalid_params("event replay cursor scope does not match requested scope")
        start = params.cursor.sequence
    if start > latest:
        raise invalid_params(f"event replay cursor sequence {start} is ahead of latest sequence {latest}")
    limit = latest if params.limit is UNSET else max(params.limit, 1)
    found = agent.journal.since(start, limit)
    result: dict[str, Any] = {
        "contract_version": catalog.CONTRACT_VERSION,
        "scope": _scope(agent),
        "from_cursor": _cursor(agent, start),
        "latest_cursor": _cursor(agent, latest),
        "has_more": start + len(found) < latest,
    }
    if found:
        result["events"] = [_replayed(agent, sequence, entry) for sequence, entry in found]
    return result


async def snapshot(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``events/snapshot``."""
    agent = _in_scope(runtime, request.params().scope)
    await agent.idle()
    session = {"session_id": agent.session.id, **details(runtime, agent)}
    return {
        "contract_version": catalog.CONTRACT_VERSION,
        "scope": _scope(agent),
        "cursor": _cursor(agent, agent.journal.latest),
        "snapshot": {"type": "session", "session": session},
    }


def _in_scope(runtime: Runtime, scope: Any) -> Agent:
    session_id = parse_uuid(scope.session_id)
    if session_id is None:
        raise malformed_params("`session_id` is not a UUID")
    agent = runtime.agents.get(session_id)
    if agent is None:
        raise session_not_found(session_id)
    return agent


def _scope(agent: Agent) -> dict[str, Any]:
    return {"type": "session", "session_id": agent.session.id}


def _cursor(agent: Agent, sequence: int) -> dict[str, Any]:
    return {"scope": _scope(agent), "sequence": sequence}


def _replayed(agent: Agent, sequence: int, entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": _cursor(agent, sequence),
        "cursor": _cursor(agent, sequence),
        "source": _scope(agent),
        "session_id": agent.session.id,
        **entry,
    }


HANDLERS: dict[str, Handler] = {
    "session/stream_open": stream_open,
    "session/stream_close": stream_close,
    "events/latest_cursor": latest_cursor,
    "events/list_since": list_since,
    "events/snapshot": snapshot,
}
