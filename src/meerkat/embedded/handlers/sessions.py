"""Listing, reading and archiving sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from meerkat.embedded.faults import session_gone, session_not_found
from meerkat.embedded.providers import capabilities

if TYPE_CHECKING:
    from meerkat._generated.types.history import ReadSessionHistoryParams
    from meerkat._generated.types.session import ArchiveSessionParams, ListSessionsParams, ReadSessionParams
    from meerkat.embedded.agent import Agent
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime


async def list_(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/list``: those changed last come first, archived ones do not come."""
    params: ListSessionsParams = request.params()
    wanted = (params.labels or {}).items()
    found = [
        agent
        for agent in runtime.agents.values()
        if not agent.session.archived and wanted <= agent.session.settings.labels.items()
    ]
    found.sort(key=lambda agent: (agent.session.updated_at, agent.session.id), reverse=True)
    offset = params.offset or 0
    end = None if params.limit is UNSET else offset + params.limit
    return {"sessions": [_summary(runtime, agent) for agent in found[offset:end]]}


async def read(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/read``."""
    params: ReadSessionParams = request.params()
    agent = await settled(runtime, params.session_id)
    return {**runtime.ids(agent.session.id), **details(runtime, agent)}


async def history(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/history``."""
    params: ReadSessionHistoryParams = request.params()
    agent = await settled(runtime, params.session_id)
    messages = agent.session.transcript.messages
    offset = min(params.offset or 0, len(messages))
    limit = len(messages) if params.limit is UNSET else params.limit
    end = min(offset + limit, len(messages))
    result = {
        **runtime.ids(agent.session.id),
        "message_count": len(messages),
        "offset": offset,
        "has_more": end < len(messages),
        "messages": messages[offset:end],
    }
    if params.limit is not UNSET:
        result["limit"] = params.limit
    return result


async def archive(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/archive``: a run may end before; a session that never ran is gone altogether."""
    params: ArchiveSessionParams = request.params()
    agent = await settled(runtime, params.session_id)
    session = agent.session
    if session.archived:
        raise session_gone(session.id)
    if session.staged_prompt is not None:
        runtime.remove(agent)
    else:
        session.archived = True
        session.save(runtime.realm)
        agent.retire()
    return {"archived": True}


async def settled(runtime: Runtime, locator: str) -> Agent:
    """Return a session when nothing runs in it any more; like the real runtime, reading waits for runs.

    Raises:
        RpcError: There is no such session, or there is none any more.
    """
    agent = runtime.find(locator)
    await agent.idle()
    if runtime.agents.get(agent.session.id) is not agent:
        raise session_not_found(agent.session.id)
    return agent


def details(runtime: Runtime, agent: Agent) -> dict[str, Any]:
    """Describe a session in full, but for its names."""
    session = agent.session
    settings = session.settings
    result = {
        **_dates(agent),
        "message_count": len(session.transcript.messages),
        "is_active": False,
        "model": settings.model,
        "provider": settings.provider,
    }
    optional = {
        "last_assistant_text": session.transcript.last_assistant_text,
        "resolved_capabilities": capabilities(runtime.config.value, settings.model, settings.provider),
        "labels": settings.labels or None,
    }
    return {**result, **{key: value for key, value in optional.items() if value is not None}}


def _summary(runtime: Runtime, agent: Agent) -> dict[str, Any]:
    transcript, labels = agent.session.transcript, agent.session.settings.labels
    return {
        **runtime.ids(agent.session.id),
        **_dates(agent),
        "message_count": len(transcript.messages),
        "total_tokens": transcript.total_tokens,
        "is_active": False,
        **({"labels": labels} if labels else {}),
    }


def _dates(agent: Agent) -> dict[str, Any]:
    return {"created_at": agent.session.created_at, "updated_at": agent.session.updated_at}


HANDLERS: dict[str, Handler] = {
    "session/list": list_,
    "session/read": read,
    "session/history": history,
    "session/archive": archive,
}
