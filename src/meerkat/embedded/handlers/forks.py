"""Sessions that begin with the history of another one, cut or edited."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, to_builtins

from meerkat._core.codec import enc_hook
from meerkat.embedded.faults import invalid_params, not_materialized, session_gone
from meerkat.embedded.handlers.sessions import settled
from meerkat.embedded.ids import timestamp, uuid7
from meerkat.embedded.session import Session

if TYPE_CHECKING:
    from meerkat._generated.types.transcript import ForkSessionAtParams, ForkSessionReplaceParams
    from meerkat.embedded.agent import Agent
    from meerkat.embedded.faults import RpcError
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime


async def fork_at(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/fork_at``: the messages before an index."""
    params: ForkSessionAtParams = request.params()
    agent = await _source(runtime, params.session_id)
    messages = agent.session.transcript.messages
    if params.message_index > len(messages):
        raise _out_of_bounds(params.message_index, messages)
    return _fork(runtime, agent, messages[: params.message_index])


async def fork_replace(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/fork_replace``: the messages up to an index, the last one replaced in whole or in part."""
    params: ForkSessionReplaceParams = request.params()
    agent = await _source(runtime, params.session_id)
    messages, index = agent.session.transcript.messages, params.message_index
    if index >= len(messages):
        raise _out_of_bounds(index, messages)
    replacement: dict[str, Any] = to_builtins(params.replacement, enc_hook=enc_hook)
    replaced = _REPLACERS[replacement["type"]](deepcopy(messages[index]), replacement, index)
    return _fork(runtime, agent, [*messages[:index], replaced])


async def _source(runtime: Runtime, locator: str) -> Agent:
    agent = await settled(runtime, locator)
    if agent.session.archived:
        raise session_gone(agent.session.id)
    if agent.session.staged_prompt is not None:
        raise not_materialized(agent.session.id)
    return agent


def _fork(runtime: Runtime, agent: Agent, messages: list[dict[str, Any]]) -> dict[str, Any]:
    source = agent.session
    transcript = source.transcript.copy()
    transcript.messages = messages
    fork = Session(uuid7(), deepcopy(source.settings), transcript)
    runtime.adopt(fork)
    return {"source_session_id": source.id, **runtime.ids(fork.id), "message_count": len(messages)}


def _message(_old: dict[str, Any], replacement: dict[str, Any], _index: int) -> dict[str, Any]:
    new: dict[str, Any] = replacement["message"]
    if new.get("created_at") in {None, UNSET}:
        new["created_at"] = timestamp()
    return new


def _user_block(message: dict[str, Any], replacement: dict[str, Any], index: int) -> dict[str, Any]:
    _expect("user", message, index)
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    _set(blocks, replacement["block_index"], replacement["block"], "user content block")
    only_text = len(blocks) == 1 and blocks[0]["type"] == "text"
    return {**message, "content": blocks[0]["text"] if only_text else blocks}


def _assistant_block(message: dict[str, Any], replacement: dict[str, Any], index: int) -> dict[str, Any]:
    _expect("block_assistant", message, index)
    _set(message["blocks"], replacement["block_index"], replacement["block"], "assistant block")
    return message


def _tool_result_block(message: dict[str, Any], replacement: dict[str, Any], index: int) -> dict[str, Any]:
    _expect("tool_results", message, index)
    results, at = message["results"], replacement["result_index"]
    if at >= len(results):
        raise _configuration_error(f"tool result index {at} out of bounds for {len(results)} results")
    content = results[at]["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    _set(blocks, replacement["block_index"], replacement["block"], "tool result content block")
    only_text = len(blocks) == 1 and blocks[0]["type"] == "text"
    results[at]["content"] = blocks[0]["text"] if only_text else blocks
    return message


_REPLACERS = {
    "message": _message,
    "user_content_block": _user_block,
    "assistant_block": _assistant_block,
    "tool_result_content_block": _tool_result_block,
}


def _set(blocks: list[dict[str, Any]], index: int, block: dict[str, Any], what: str) -> None:
    if index >= len(blocks):
        raise _configuration_error(f"{what} index {index} out of bounds for {len(blocks)} blocks")
    blocks[index] = block


def _expect(role: str, message: dict[str, Any], index: int) -> None:
    if message["role"] != role:
        raise _configuration_error(f"replacement expected {role} at message index {index}, found {message['role']}")


def _out_of_bounds(index: int, messages: list[dict[str, Any]]) -> RpcError:
    return _configuration_error(f"message index {index} out of bounds for {len(messages)} messages")


def _configuration_error(text: str) -> RpcError:
    return invalid_params(f"agent error: Configuration error: {text}")


HANDLERS: dict[str, Handler] = {"session/fork_at": fork_at, "session/fork_replace": fork_replace}
