"""Structured output: after a run, the model is asked for JSON until it fits or the attempts are used up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meerkat.embedded import schema_check

if TYPE_CHECKING:
    from meerkat.embedded.engine import Run

PROMPT = "Now give the result of all this once more, as one JSON value that fits the output schema, and nothing else."
PROMPT_AGAIN = (
    "That does not fit yet: {reason}. Give one JSON value that fits the output schema, and nothing else than it."
)


async def extract(run: Run) -> dict[str, Any]:
    """Ask for structured output and tell what came of it.

    Returns:
        The part of the run's result that tells of it.
    """
    settings, tell = run.session.settings, run.host.tell
    attempts = settings.structured_output_retries + 1
    prompt, reason = PROMPT, ""
    for _ in range(attempts):
        run.transcript.add_user(prompt)
        answer = await run.ask(structured=True)
        run.keep(answer)
        try:
            value = parse("".join(answer.text), settings.output_schema)
        except ValueError as error:
            reason = str(error)
            prompt = PROMPT_AGAIN.format(reason=reason)
            continue
        tell({"type": "extraction_succeeded", "session_id": run.session.id, "structured_output": value})
        return {"structured_output": value}
    fault = {"last_output": run.last_text, "attempts": attempts, "reason": reason}
    tell({"type": "extraction_failed", "session_id": run.session.id, **fault})
    return {"extraction_error": fault}


def parse(text: str, schema: Any) -> Any:
    """Read the model's answer.

    Raises:
        ValueError: It is not JSON, or does not fit.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        detail = "expected value" if error.msg == "Expecting value" else error.msg
        raise ValueError(f"Invalid JSON: {detail} at line {error.lineno} column {error.colno}") from None
    fault = schema_check.fault(schema, value)
    if fault is not None:
        raise ValueError(f"Schema validation failed: {fault}")
    return value
