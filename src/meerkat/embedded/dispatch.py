"""From a request to its answer: who handles it, what an error looks like, whether the answer fits the contract."""

from __future__ import annotations

import sys
import traceback
from functools import cache
from typing import TYPE_CHECKING, Any

from meerkat.embedded import binding
from meerkat.embedded.faults import INTERNAL_ERROR, INVALID_PARAMS, RpcError, cancelled, method_not_found
from meerkat.embedded.handlers import config, creation, events, forks, host, inputs, sessions, turns

if TYPE_CHECKING:
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime

CLIENT_NOTIFICATIONS = frozenset({"initialized", "cancel"})


@cache
def handlers() -> dict[str, Handler]:
    """Return the handler of every method that is served."""
    table: dict[str, Handler] = {}
    for module in (host, config, creation, sessions, forks, turns, inputs, events):
        table.update(module.HANDLERS)
    return table


async def answer(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Work on a request and return the message that answers it."""
    try:
        result = await _result(runtime, request)
    except RpcError as error:
        return _error(_answered_id(request, error), cancelled() if request.cancelled else error)
    except Exception as error:  # noqa: BLE001  # a defect of this program: told, and answered
        traceback.print_exc(file=sys.stderr)
        fault = RpcError(INTERNAL_ERROR, f"internal error of the embedded runtime: {error}")
        return _error(request.id, fault)
    if request.cancelled:
        return _error(request.id, cancelled())
    return {"jsonrpc": "2.0", "id": request.id, "result": result}


async def _result(runtime: Runtime, request: Request) -> Any:
    handler = handlers().get(request.method)
    if handler is None:
        raise method_not_found(request.method)
    result = await handler(runtime, request)
    binding.check_result(request.method, result)
    return result


def _answered_id(request: Request, error: RpcError) -> Any:
    """Return the id of an error answer: some methods forget it when their parameters do not fit."""
    if error.code != INVALID_PARAMS or not error.message.startswith(("Missing params", "Invalid params")):
        return request.id
    return None if binding.descriptor(request.method).null_id_errors else request.id


def _error(request_id: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": error.to_json()}
