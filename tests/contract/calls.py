"""How each method of the contract is called in Python: by its wrapper, or by what takes the place of one.

What the document says about the call is all that is used: its name, its parameters, how they are given. Methods
without a wrapper of their own are listed with what a user calls instead.
"""

from __future__ import annotations

import json
import keyword
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import meerkat
from meerkat._core.codec import Decoder
from tests.contract.document import Method, document, ref
from tests.support.values import losses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from meerkat.client import MeerkatClient

    Params: TypeAlias = Mapping[str, Any]


def has_wrapper(method: Method) -> bool:
    """Whether the document gives a method a wrapper."""
    return method.python.get("wrapper") is not False


def params_of(method: Method) -> list[Any]:
    """Valid parameters of a method, each once; the first has all of them."""
    if method.params_type is None:
        return [{}]
    made = document().samples.valid(ref(method.params_type))
    distinct = {json.dumps(value, sort_keys=True): value for value in made}
    # Nothing is registered without tools, and two of one name are one.
    return [value for value in distinct.values() if method.name != "tools/register" or len(value["tools"]) == 1]


def optional(method: Method) -> set[str]:
    """Parameters that may be left out."""
    return {param["name"] for param in method.raw["params"] if not param.get("required")}


def nullable(method: Method) -> set[str]:
    """Parameters for which null has a meaning; that of optional free JSON cannot be told from its absence."""
    kinds = {param["name"]: document().samples.kinds(param["schema"]) for param in method.raw["params"]}
    free = optional(method)
    return {name for name, found in kinds.items() if "null" in found or ("any" in found and name not in free)}


def expected(method: Method, given: Params) -> Params:
    """The parameters as they are sent when they are given to the call in Python."""
    if method.name == "session/create" and given.get("initial_turn") == "run_immediately":
        given = {key: value for key, value in given.items() if key != "initial_turn"}
    if method.name == "tools/register":
        given = {"tools": [{k: v for k, v in tool.items() if k != "provenance"} for tool in given["tools"]]}
    kept = nullable(method)
    return {key: value for key, value in given.items() if value is not None or key in kept}


def differences(method: Method, given: Params, sent: Any) -> Iterator[str]:
    """Say what of the given parameters was not sent as given; inside of them, nulls and defaults may be left out."""
    if method.params_type is None:
        yield from [f"sent {sent}"] if sent else []
        return
    decoder: Decoder[Any] = Decoder(getattr(meerkat, method.params_type), method.name)
    yield from losses(expected(method, given), decoder.convert(sent), sent)


def fixed(method: Method) -> dict[str, str]:
    """Parameters that can have one value only, so that nobody is asked for them."""
    required = {param["name"] for param in method.raw["params"] if param.get("required")}
    schemas = {param["name"]: param["schema"] for param in method.raw["params"]}
    return {name: schemas[name]["enum"][0] for name in required if len(schemas[name].get("enum", [])) == 1}


def arguments(method: Method, params: Params) -> dict[str, Any]:
    """Return the arguments of a wrapper for parameters by their wire names."""
    if "request" in method.python:
        return {python_name({"name": method.python["request"]}): params} if method.params_type else {}
    names = {param["name"]: python_name(param) for param in method.raw["params"]}
    return {names.get(name, name): value for name, value in params.items() if name not in fixed(method)}


def python_name(param: Params) -> str:
    """Name of the argument for a parameter."""
    name: str = param.get("x-python", {}).get("name", param["name"])
    return f"{name}_" if keyword.iskeyword(name) else name


async def call(client: MeerkatClient, name: str, params: Params) -> Any:
    """Call a method of the contract in Python."""
    method = document().requests[name]
    if not has_wrapper(method):
        return await INSTEAD[name](client, dict(params))
    result = await getattr(client, method.python["name"])(**arguments(method, params))
    if name == "session/peer_response_terminal":
        await client.get_runtime_host_health()  # lets the runtime tell of the run that it starts
    return result


async def _create(client: MeerkatClient, params: dict[str, Any]) -> Any:
    if params.pop("initial_turn", None) == "deferred":
        return await client.create_deferred_session(**params)
    return await client.create_session(**params)


async def _open_session_stream(client: MeerkatClient, params: dict[str, Any]) -> Any:
    async with await client.subscribe_session_events(**params) as events:
        return events


async def _open_mob_stream(client: MeerkatClient, params: dict[str, Any]) -> Any:
    if "agent_identity" in params:
        subscription: Any = await client.subscribe_mob_member_events(**params)
    else:
        subscription = await client.subscribe_mob_events(**params)
    async with subscription as events:
        return events


async def _register(client: MeerkatClient, params: dict[str, Any]) -> Any:
    for tool in params["tools"]:

        def function(arguments: dict[str, Any]) -> str:
            return "done"

        options = {key: tool[key] for key in ("description", "input_schema")}
        client.tool(tool["name"], **options)(function)
    return await client.get_runtime_host_health()


async def _live_input(client: MeerkatClient, params: dict[str, Any]) -> Any:
    chunk = dict(params["chunk"])
    kind = chunk.pop("kind")
    if "data" in chunk:
        chunk["data_base64"] = chunk.pop("data")
    return await getattr(client, f"live_send_input_{kind}")(params["channel_id"], **chunk)


INSTEAD: Final[dict[str, Callable[[MeerkatClient, dict[str, Any]], Awaitable[Any]]]] = {
    "comms/send": lambda client, params: client.send(**params),
    "live/commit_input": lambda client, params: client.live_commit_input(**params),
    "live/send_input": _live_input,
    "mob/create": lambda client, params: client.create_mob(**params),
    "mob/stream_open": _open_mob_stream,
    "session/create": _create,
    "session/stream_open": _open_session_stream,
    "tools/register": _register,
    "turn/start": lambda client, params: client.start_turn(**params),
}
"""What is called where a method has no wrapper."""

OF_THE_CLIENT: Final = {
    "initialize": "MeerkatClient.connect",
    "session/stream_close": "EventSubscription.close",
    "mob/stream_close": "EventSubscription.close",
}
"""Methods that the client calls on occasion of something else."""

CALLED: Final = {name: method for name, method in document().requests.items() if name not in OF_THE_CLIENT}
"""Methods that are called on their own."""
