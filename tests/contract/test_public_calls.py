"""Every public call whose description names an RPC method writes that method's line, with all that it was given.

Found by looking at the public classes, so that a call that is added is covered without being listed here.
"""

from __future__ import annotations

import inspect
import json
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

import pytest

from meerkat._generated import contract
from meerkat.client import MeerkatClient
from meerkat.live import LiveChannel
from meerkat.mob import Member, Mob
from meerkat.session import DeferredSession, Session
from meerkat.streaming import EventStream, EventSubscription
from tests.contract.calls import differences, expected, fixed, params_of, python_name
from tests.contract.document import document, ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.contract.document import Method
    from tests.contract.wire import Wire

pytestmark = pytest.mark.anyio

IDS: Final[dict[str, dict[str, str]]] = {
    "MeerkatClient": {},
    "Session": {"session_id": "the session"},
    "DeferredSession": {"session_id": "the deferred session"},
    "Mob": {"mob_id": "the mob"},
    "Member": {"mob_id": "the mob", "agent_identity": "the member"},
    "LiveChannel": {"channel_id": "the channel", "session_id": "the session", "turning_mode": "explicit_commit"},
}
"""What each handle sends by itself."""

LEFT_OUT: Final[dict[str, set[str]]] = {
    "Mob.subscribe_all": {"agent_identity"},
    "Mob.subscribe_events": {"agent_identity"},
    "MeerkatClient.subscribe_mob_events": {"agent_identity"},
    "MeerkatClient.create_session": {"initial_turn"},
    "MeerkatClient.create_session_streaming": {"initial_turn"},
    "MeerkatClient.create_deferred_session": {"initial_turn"},
}
"""Parameters that a call has no argument for, because of what it is."""


def public_calls() -> Iterator[tuple[str, list[str]]]:
    """Yield the public calls of the client and its handles, and the RPC methods that their descriptions name."""
    for kind in (MeerkatClient, Session, DeferredSession, Mob, Member, LiveChannel, EventStream, EventSubscription):
        for name, function in inspect.getmembers(kind, callable):
            described = re.search(r"^RPC: (.*)$", inspect.getdoc(function) or "", re.MULTILINE)
            if not name.startswith("_") and described is not None:
                yield f"{kind.__name__}.{name}", re.findall(r"``([^`]+)``", described[1])


CALLS: Final = dict(public_calls())


def handle(wire: Wire, kind: str) -> Any:
    """Return a handle of a kind."""
    ids = IDS[kind]
    match kind:
        case "MeerkatClient":
            return wire.client
        case "Session":
            return wire.client.session(ids["session_id"])
        case "DeferredSession":
            made = {**document().samples.full(ref("DeferredCreateResult")), **ids}
            return DeferredSession(wire.client, contract.method("session/create").decode(json.dumps(made).encode()))
        case "Mob":
            return wire.client.mob(ids["mob_id"])
        case "Member":
            return wire.client.mob(ids["mob_id"]).member(ids["agent_identity"])
        case _:
            channel = LiveChannel(wire.client, ids["session_id"], turning_mode="explicit_commit")
            channel._channel_id = ids["channel_id"]
            return channel


def given_to(
    call: str, function: Callable[..., Any], method: Method
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield arguments for a call, and the parameters that they stand for."""
    kind, _, name = call.partition(".")
    ids = {key: value for key, value in IDS[kind].items() if key in known(method)}
    left_out = LEFT_OUT.get(call, set())
    params: dict[str, Any]
    several = method.name in {"comms/send", "live/send_input"}
    for sample in params_of(method) if several else params_of(method)[:1]:
        params = {**without(sample, left_out), **ids}
        if name == "invoke_skill":
            skill = {"skill_refs": params["skill_refs"][:1]}
            prompt = {"prompt": params["prompt"]}
            yield {"skill_ref": params["skill_refs"][0], **prompt}, {**ids, **prompt, **skill}
        elif "send_input" in name:
            chunk: dict[str, Any] = {**params["chunk"]}
            if name.endswith(f"send_input_{chunk.pop('kind')}"):
                renamed = {"data_base64" if key == "data" else key: value for key, value in chunk.items()}
                yield {**without(params, {"chunk", *ids}), **renamed}, params
        else:
            deferred = {"initial_turn": "deferred"} if name == "create_deferred_session" else {}
            yield arguments(function, method, without(params, set(ids))), {**params, **deferred}


def arguments(function: Callable[..., Any], method: Method, params: dict[str, Any]) -> dict[str, Any]:
    """Name the arguments of a call; every parameter must have one."""
    signature = inspect.signature(function).parameters
    if method.python.get("request") in signature:
        return {method.python["request"]: params}
    names = {param["name"]: python_name(param) for param in method.raw["params"]}
    named = {names.get(name, name): value for name, value in params.items() if name not in fixed(method)}
    free = any(argument.kind is argument.VAR_KEYWORD for argument in signature.values())
    assert free or named.keys() <= signature.keys(), f"no argument for {named.keys() - signature.keys()}"
    return named


def known(method: Method) -> set[str]:
    """Names of the parameters of a method."""
    listed = {param["name"] for param in method.raw["params"]}
    return listed | ({"session_id"} if method.name == "comms/send" else set())


def without(params: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Leave out some parameters."""
    return {key: value for key, value in params.items() if key not in names}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.requirement("C08", "C09")
async def test_public_calls_write_their_lines(wire: Wire, call: str) -> None:
    kind, _, name = call.partition(".")
    method = document().requests[CALLS[call][0]]
    function = getattr(handle(wire, kind), name)
    tried = 0
    for given, params in given_to(call, function, method):
        tried += 1
        wire.answer_validly(method, params)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            await finish(function(**given))
            if method.name == "session/peer_response_terminal":
                await wire.client.get_runtime_host_health()  # lets the runtime tell of the run that it starts
        lines = wire.taken()
        (sent,) = [line["params"] for line in lines if line["method"] == method.name]
        assert not list(differences(method, expected(method, params), sent))
        assert {line["method"] for line in lines} >= set(CALLS[call])
    assert tried


async def finish(called: Any) -> None:
    """Wait for a call, and for what it opened."""
    opened: Any = await called if inspect.isawaitable(called) else called
    if isinstance(opened, EventStream):
        async with opened as stream:
            await stream.collect()
    elif isinstance(opened, EventSubscription):
        await opened.close()
