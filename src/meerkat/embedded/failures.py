"""Why runs fail, in the words and shapes of the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meerkat.embedded.model import TOO_MANY_REQUESTS

if TYPE_CHECKING:
    from meerkat.embedded.model import ModelError

FIRST_DELAY_MS = 500
DELAY_FACTOR = 2
MAX_DELAY_MS = 30_000
RATE_LIMIT_FLOOR_MS = 30_000


_SAID = {TOO_MANY_REQUESTS: "Rate limited", 503: "Server overloaded (503)"}
"""Failures that have words of their own."""


class AgentFailure(Exception):  # noqa: N818  # a failed run is an outcome, told by an event
    """A run failed.

    Attributes:
        message: What happened.
        error_class: Class of the failure.
        cause: Its ``terminal_cause_kind``.
        reason: ``reason`` of its report, if it has one.
    """

    def __init__(self, message: str, error_class: str, cause: str, reason: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.error_class = error_class
        self.cause = cause
        self.reason = reason

    def to_event(self) -> dict[str, Any]:
        """Return the fields of ``run_failed``, but the session's id."""
        report: dict[str, Any] = {"class": self.error_class, "message": self.message}
        if self.reason is not None:
            report["reason"] = self.reason
        return {
            "error_class": self.error_class,
            "error": self.message,
            "terminal_cause_kind": self.cause,
            "error_report": report,
        }


def _terminal(cause: str, words: str) -> AgentFailure:
    name = "".join(part.capitalize() for part in cause.split("_"))
    reason = {"reason_type": "turn_terminal_cause", "outcome": "failed", "cause_kind": cause}
    return AgentFailure(f"Terminal failure: Failed ({name}): {words}", "llm", cause, reason)


def llm_failure() -> AgentFailure:
    """The model failed in a way that trying again does not mend."""
    return _terminal("llm_failure", "LLM failure terminal turn")


def retry_exhausted() -> AgentFailure:
    """The model failed as often as it is tried."""
    return _terminal("retry_exhausted", "retry exhausted")


def tool_failure(words: str) -> AgentFailure:
    """A tool that the model asks for cannot be called."""
    return AgentFailure(f"Tool error: {words}", "tool", "tool_failure")


def retrying(attempt: int, max_retries: int, error: ModelError, provider: str) -> dict[str, Any]:
    """Return the event that announces a retry.

    Its pause is that of the real runtime without the jitter, so that it is the same every time.
    """
    is_rate_limit = error.status == TOO_MANY_REQUESTS
    message = _SAID.get(error.status, f"Server error: {error.status} - {error.body}")
    computed = min(FIRST_DELAY_MS * DELAY_FACTOR ** (attempt - 1), MAX_DELAY_MS)
    selected = max(computed, RATE_LIMIT_FLOOR_MS) if is_rate_limit else computed
    return {
        "type": "retrying",
        "attempt": attempt,
        "max_attempts": max_retries,
        "error": f"LLM error ({provider}): {message}",
        "delay_ms": selected,
        "retry": {
            "failure": {
                "provider": provider,
                "kind": "rate_limited" if is_rate_limit else "retryable_provider_error",
                "message": message,
            },
            "plan": {
                "attempt": attempt,
                "max_retries": max_retries,
                "computed_delay_ms": computed,
                "selected_delay_ms": selected,
                "rate_limit_floor_applied": is_rate_limit,
                "budget_capped": False,
            },
        },
    }
