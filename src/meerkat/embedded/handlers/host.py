"""Handshake, what the runtime says about itself, and listings of what it has none of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meerkat.embedded import catalog
from meerkat.embedded.cli import NAME, VERSION
from meerkat.embedded.faults import invalid_params
from meerkat.embedded.method_names import METHODS
from meerkat.embedded.runtime import process_id

if TYPE_CHECKING:
    from meerkat._generated.types.blob import BlobGetParams
    from meerkat._generated.types.tools import ToolsRegisterParams
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime


async def initialize(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``initialize``."""
    return {
        "server_info": catalog.SERVER_INFO,
        "contract_version": VERSION,
        "methods": ["initialized", *METHODS],
    }


async def capabilities(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``capabilities/get``."""
    return {"contract_version": catalog.CONTRACT_VERSION, "capabilities": catalog.CAPABILITIES}


async def models(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``models/catalog``."""
    return {"contract_version": catalog.CONTRACT_VERSION, "providers": catalog.models(runtime.config.value)}


async def host_capabilities(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``runtime/capabilities``."""
    return {"contract_version": catalog.CONTRACT_VERSION, "features": catalog.FEATURES}


async def health(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``runtime/health``."""
    return {"contract_version": catalog.CONTRACT_VERSION, "status": "ok"}


async def host_info(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``runtime/host_info``."""
    instance = runtime.options.instance
    realm = {"realm_id": runtime.realm.id, "backend": runtime.realm.backend, "state_root": str(runtime.realm.root)}
    if instance is not None:
        realm["instance_id"] = instance
    if runtime.options.context_root is not None:
        realm["context_root"] = runtime.options.context_root
    return {
        "contract_version": catalog.CONTRACT_VERSION,
        "host_id": f"realm-instance:{runtime.realm.id}:{instance}" if instance else f"process:{process_id()}",
        "host_id_scope": "realm_instance" if instance else "process",
        "process_name": NAME,
        "process_version": VERSION,
        "capabilities": await host_capabilities(runtime, request),
        "health": await health(runtime, request),
        "realm": realm,
        "endpoints": {"rpc_transport": "json_rpc", "rpc_methods": METHODS},
    }


async def blob_get(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``blob/get``."""
    params: BlobGetParams = request.params()
    blob = runtime.blobs.get(params.blob_id)
    if blob is None:
        raise invalid_params(f"blob not found: {params.blob_id}")
    return blob


async def tools_register(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``tools/register``."""
    params: ToolsRegisterParams = request.params()
    for tool in params.tools:
        runtime.tools[tool.name] = {"name": tool.name, "description": tool.description}
    return {"registered": len(params.tools)}


def _empty(key: str) -> Handler:
    async def answer(runtime: Runtime, request: Request) -> dict[str, Any]:
        return {key: []}

    return answer


HANDLERS: dict[str, Handler] = {
    "initialize": initialize,
    "capabilities/get": capabilities,
    "models/catalog": models,
    "runtime/host_info": host_info,
    "runtime/capabilities": host_capabilities,
    "runtime/health": health,
    "blob/get": blob_get,
    "tools/register": tools_register,
    "approval/list": _empty("approvals"),
    "artifact/list": _empty("artifacts"),
    "mob/list": _empty("mobs"),
    "mob/profile/list": _empty("profiles"),
    "realm/list": _empty("realms"),
    "schedule/list": _empty("schedules"),
    "skills/list": _empty("skills"),
}
