"""Making sessions: at once, deferred, and for a question about the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, to_builtins

from meerkat._core.codec import enc_hook, is_object
from meerkat.embedded.agent import Turn
from meerkat.embedded.content import flatten, refuse_video
from meerkat.embedded.faults import RpcError, invalid_params
from meerkat.embedded.handlers.turns import run
from meerkat.embedded.ids import timestamp_seconds
from meerkat.embedded.providers import check_pair, infer
from meerkat.embedded.session import SYSTEM_PROMPT, Settings

if TYPE_CHECKING:
    from meerkat._generated.types.run import HelpRequest
    from meerkat._generated.types.session import CreateSessionParams
    from meerkat.embedded.agent import Agent
    from meerkat.embedded.content import Content
    from meerkat.embedded.request import Handler, Request
    from meerkat.embedded.runtime import Runtime

_RESERVED_LABELS = frozenset({"mob_id", "role", "meerkat_id"})

_POSTURES = {
    "explain_only": "Only explain; carry nothing out now.",
    "plan_execution": "Only plan; give the exact commands or calls, step by step, and carry nothing out now.",
}


async def create(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``session/create``."""
    schema = _output_schema(request.given)
    params: CreateSessionParams = request.params()
    content: Content = to_builtins(params.prompt, enc_hook=enc_hook)
    settings = _settings(runtime, params, schema)
    refuse_video(content, settings.model, settings.provider)
    prompt = flatten(content)
    agent = runtime.create(settings)
    if params.initial_turn == "deferred":
        agent.session.staged_prompt = prompt
        return runtime.ids(agent.session.id)
    if params.keep_alive is True:
        return _create_kept_alive(runtime, agent, prompt)
    return await run_first(runtime, request, agent, prompt)


async def ask_help(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Answer ``help/ask``: a session of its own that is asked."""
    params: HelpRequest = request.params()
    posture = params.execution_mode or "explain_only"
    parts = [("Help question", params.question), ("Current UTC timestamp", timestamp_seconds())]
    parts.append(("Execution posture", posture))
    if params.prompt is not UNSET:
        parts.append(("Prompt that is asked about", params.prompt))
    text = "".join(f"{title}:\n{body}\n\n" for title, body in parts) + _POSTURES[posture] + "\n"
    settings = Settings(*_model_and_provider(runtime, params.model or None, params.provider or None))
    return await run_first(runtime, request, runtime.create(settings), text)


async def run_first(runtime: Runtime, request: Request, agent: Agent, prompt: Content) -> dict[str, Any]:
    """Run a new session's first turn; without a result there is no session."""
    try:
        return await run(agent, request, Turn(prompt))
    except RpcError:
        await agent.abandon()
        runtime.remove(agent)
        raise


def _create_kept_alive(runtime: Runtime, agent: Agent, prompt: Content) -> dict[str, Any]:
    """Answer before the first run, which goes on by itself; without a name for peers there is none."""
    if agent.session.settings.comms_name is not None:
        agent.put(Turn(prompt))
    else:
        agent.session.save(runtime.realm)
    return {
        **runtime.ids(agent.session.id),
        "text": "",
        "turns": 0,
        "tool_calls": 0,
        "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    }


def _settings(runtime: Runtime, params: CreateSessionParams, schema: dict[str, Any] | None) -> Settings:
    labels = params.labels or {}
    for key in labels:
        if _is_reserved(key) or key in _RESERVED_LABELS:
            raise invalid_params(f"metadata label key '{key}' is reserved for Meerkat-owned runtime facts")
    for key in params.app_context if is_object(params.app_context) else ():
        if _is_reserved(key):
            raise invalid_params(f"app_context key '{key}' is reserved for Meerkat-owned runtime facts")
    model, provider = _model_and_provider(runtime, params.model or None, params.provider or None)
    limits: dict[str, Any] = to_builtins(params.budget_limits) if params.budget_limits is not UNSET else {}
    configured = runtime.config.value["agent"]["system_prompt"]
    system = [params.system_prompt or configured or SYSTEM_PROMPT, *(params.additional_instructions or ())]
    retries = params.structured_output_retries
    return Settings(
        model=model,
        provider=provider,
        system_prompt="\n\n".join(system),
        output_schema=schema,
        structured_output_retries=2 if retries is UNSET else retries,
        budget_limits={name: limits[name] for name in _LIMITS if limits.get(name) is not None},
        external_tools={tool.name: {"description": tool.description} for tool in params.external_tools or ()},
        labels=dict(sorted(labels.items())),
        comms_name=params.comms_name or None,
    )


_LIMITS = ("max_tokens", "max_tool_calls")


def _model_and_provider(runtime: Runtime, model: str | None, provider: str | None) -> tuple[str, str]:
    config = runtime.config.value
    chosen: str = model or config["agent"]["model"]
    if provider is None:
        return chosen, infer(config, chosen)
    check_pair(config, chosen, provider)
    return chosen, provider


def _is_reserved(key: str) -> bool:
    return key == "meerkat" or key.startswith("meerkat.")


def _output_schema(given: Any) -> dict[str, Any] | None:
    """Return the schema itself, whether it was given as it is or wrapped in its settings."""
    if is_object(given) and "skill_references" in given:
        raise invalid_params("Invalid params: skill_references is retired; use structured skill_refs")
    schema = given.get("output_schema") if is_object(given) else None
    if schema is None:
        return None
    if is_object(schema) and "schema" in schema:
        schema = schema["schema"]
    if not is_object(schema):
        raise invalid_params("Invalid output_schema: Schema must be a JSON object at the root")
    return schema


HANDLERS: dict[str, Handler] = {"session/create": create, "help/ask": ask_help}
