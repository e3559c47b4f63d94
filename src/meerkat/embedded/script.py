"""The script language of the deterministic model: what a prompt makes the model say.

A prompt that holds ``{"script": [step, ...]}`` anywhere in its text is obeyed; any other prompt is echoed word by word.
The steps of one script, in order:

=========================  ===================================================================================
``{"text": s}``            Say ``s``, one delta a word.
``{"deltas": n}``          Say ``n`` short words, ``"every"`` so many seconds (default 0).
``{"reason": s}``          Think ``s``.
``{"tool": name}``         Call a tool with ``"args"`` (default ``{}``), after all that is said, several at once.
``{"sleep": seconds}``     Wait.
``{"status": code}``       Fail with this HTTP status instead, the first ``"times"`` times (default: always).
``{"finish": reason}``     Why the model stops: ``stop`` (default), ``length`` or ``content_filter``.
``{"json": value}``        Answer the n-th request for structured output with the n-th such value.
=========================  ===================================================================================

After a tool result, the steps other than ``tool`` and ``status`` are played again. This module knows no transport and
needs the standard library alone, so that a model server for the real runtime answers exactly like the embedded model.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ECHO_LIMIT = 200
"""How many characters of a text are echoed."""
PROMPT_TOKENS = 3
"""What each answer is said to have read."""
TOOL_CALL_TOKENS = 5
"""What an answer that calls tools is said to have written; else a token is a text delta."""

_START = re.compile(r'\{\s*"script"\s*:')
_WORDS = re.compile(r"\s*\S+\s*|\s+")
_FINISH = ("stop", "length", "content_filter")


class ScriptError(ValueError):
    """A script that cannot be obeyed; the message names the step."""


@dataclass(frozen=True, slots=True)
class Text:
    """A step or part: say this."""

    text: str


@dataclass(frozen=True, slots=True)
class Deltas:
    """A step: say ``count`` short words, ``every`` so many seconds."""

    count: int
    every: float = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """A step or part: think this."""

    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A step: call this tool."""

    name: str
    args: Any


@dataclass(frozen=True, slots=True)
class Sleep:
    """A step or part: wait this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Status:
    """A step: fail with this HTTP status, the first ``times`` times (``None``: always)."""

    code: int
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """A step: stop for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Json:
    """A step: the answer to a request for structured output."""

    value: Any


Step: TypeAlias = Text | Deltas | Reason | Tool | Sleep | Status | Finish | Json
Part: TypeAlias = Text | Reason | Sleep


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model.

    Attributes:
        steps: The steps played, in order.
        tools: What it calls after all that it says.
        finish: Why it stops: ``stop``, ``tool_calls``, ``length`` or ``content_filter``.
        status: The HTTP status that it fails with instead of all this, or ``None``.
    """

    steps: tuple[Step, ...] = ()
    tools: tuple[Tool, ...] = ()
    finish: str = "stop"
    status: int | None = None

    def parts(self) -> Iterator[Part]:
        """Yield text deltas, thoughts and pauses in order."""
        for step in self.steps:
            if isinstance(step, Text):
                yield from (Text(word) for word in words(step.text))
            elif isinstance(step, Deltas):
                for index in range(step.count):
                    yield Text(f"w{index} ")
                    if step.every:
                        yield Sleep(step.every)
            elif isinstance(step, Reason | Sleep):
                yield step

    @property
    def prompt_tokens(self) -> int:
        """How many tokens the answer is said to have read."""
        return PROMPT_TOKENS

    @property
    def completion_tokens(self) -> int:
        """How many tokens the answer is said to have written."""
        if self.tools:
            return TOOL_CALL_TOKENS
        return sum(
            len(words(step.text)) if isinstance(step, Text) else step.count
            for step in self.steps
            if isinstance(step, Text | Deltas)
        )


def words(text: str) -> list[str]:
    """Split a text into deltas: a word with the white space around it. Joined, they are the text again."""
    return _WORDS.findall(text)


def echo(text: str) -> tuple[Step, ...]:
    """Return the steps that answer a text which holds no script."""
    return (Text("echo: " + text[:ECHO_LIMIT]),)


def answer(
    user_texts: Sequence[str],
    *,
    tool_result: str | None = None,
    structured: bool = False,
    attempt: int = 0,
    turns: Turns | None = None,
) -> Reply:
    """Say what the model answers to a conversation.

    Args:
        user_texts: The text of each user message, oldest first.
        tool_result: Text of the last tool result, if the conversation ends with one.
        structured: Whether structured output is asked for.
        attempt: How often this very request failed before.
        turns: What to play for turns whose prompts hold no script.

    Raises:
        ScriptError: The script in the last user text cannot be obeyed.
    """
    last = user_texts[-1] if user_texts else ""
    if structured:
        value = _structured(user_texts, turns)
        if value is not None:
            return Reply((Text(json.dumps(value.value)),))
    steps = find(last)
    if steps is None and turns is not None:
        steps = turns.steps(len(user_texts) - 1)
    if steps is None:
        steps = echo(last)
    return _reply(steps, last, tool_result, attempt)


def _reply(steps: tuple[Step, ...], last: str, tool_result: str | None, attempt: int) -> Reply:
    if tool_result is not None:
        steps = tuple(step for step in steps if not isinstance(step, Tool | Status))
        if not any(isinstance(step, Text | Deltas | Reason | Sleep | Finish) for step in steps):
            steps = (Text("tool said: " + tool_result[:ECHO_LIMIT]),)
    for step in steps:
        if isinstance(step, Status) and (step.times is None or attempt < step.times):
            return Reply(status=step.code)
    if steps and all(isinstance(step, Json | Status) for step in steps):
        # A script that is only about structured output or about failing once leaves the answer itself to the echo.
        steps = echo(last)
    tools = tuple(step for step in steps if isinstance(step, Tool))
    finish = next((step.reason for step in reversed(steps) if isinstance(step, Finish)), "stop")
    return Reply(steps, tools, "tool_calls" if tools else finish)


def _structured(user_texts: Sequence[str], turns: Turns | None) -> Json | None:
    """Return the ``json`` step that answers the last request; requests are the texts after the script."""
    for index in range(len(user_texts) - 1, -1, -1):
        steps = find(user_texts[index])
        if steps is None and turns is not None:
            steps = turns.steps(index)
        values = [step for step in steps or () if isinstance(step, Json)]
        if values:
            return values[min(max(len(user_texts) - 2 - index, 0), len(values) - 1)]
        if steps is not None:
            return None
    return None


def find(text: str) -> tuple[Step, ...] | None:
    """Return the steps of the last script in a text, or ``None`` when it holds none.

    Raises:
        ScriptError: There is a script, but none that can be obeyed.
    """
    decoder = json.JSONDecoder()
    found: tuple[Step, ...] | None = None
    fault: ScriptError | None = None
    match = _START.search(text)
    while match:
        end = match.end()
        try:
            value, end = decoder.raw_decode(text, match.start())
            found = parse(value["script"])
        except json.JSONDecodeError as error:
            fault = ScriptError(f"the script in the prompt is not JSON: {error}")
        except ScriptError as error:
            fault = error
        match = _START.search(text, end)
    if found is None and fault is not None:
        raise fault
    return found


def parse(steps: Any) -> tuple[Step, ...]:
    """Check the steps of a script.

    Raises:
        ScriptError: A step is not one of the language.
    """
    if not _is_list(steps):
        raise ScriptError("a script is a list of steps")
    return tuple(_step(f"step {index}", item) for index, item in enumerate(steps))


@dataclass(frozen=True, slots=True)
class Turns:
    """What a script file says: one script a turn, or one for all turns.

    Attributes:
        scripts: The scripts; the n-th turn of a conversation plays the n-th, later turns are echoed.
        repeat: Whether there is one script that every turn plays.
    """

    scripts: tuple[tuple[Step, ...], ...]
    repeat: bool = False

    @classmethod
    def parse(cls, text: str) -> Turns:
        """Parse a script file: ``{"script": [...]}``, a list of steps, or a list of such scripts, one a turn.

        Raises:
            ScriptError: The file is none of these; the message names the turn and the step.
        """
        try:
            value: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise ScriptError(f"the script file is not JSON: {error}") from error
        if _is_list(value) and value and all(_is_list(item) or _is_wrapped(item) for item in value):
            return cls(tuple(cls._turn(index, item) for index, item in enumerate(value)))
        return cls((parse(value["script"] if _is_wrapped(value) else value),), repeat=True)

    @staticmethod
    def _turn(index: int, item: Any) -> tuple[Step, ...]:
        try:
            return parse(item["script"] if _is_wrapped(item) else item)
        except ScriptError as error:
            raise ScriptError(f"turn {index}: {error}") from None

    def steps(self, turn: int) -> tuple[Step, ...] | None:
        """Return what a turn (the first is 0) plays, or ``None`` past the end."""
        if self.repeat:
            return self.scripts[0]
        return self.scripts[turn] if 0 <= turn < len(self.scripts) else None


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_wrapped(value: object) -> TypeGuard[dict[str, Any]]:
    return _is_object(value) and "script" in value


def _step(where: str, step: Any) -> Step:
    if not _is_object(step):
        raise ScriptError(f"{where}: a step is an object, not {step!r}")
    kind = next((key for key in _KINDS if key in step), None)
    if kind is None:
        raise ScriptError(f"{where}: unknown step {step!r}; steps are {', '.join(_KINDS)}")
    make, options = _KINDS[kind]
    extra = sorted(set(step) - {kind, *options})
    if extra:
        raise ScriptError(f"{where}: `{kind}` takes no `{extra[0]}`")
    return make(where, step)


def _string(where: str, step: Mapping[str, Any], key: str) -> str:
    value = step[key]
    if not isinstance(value, str):
        raise ScriptError(f"{where}: `{key}` must be a string")
    return value


def _number(where: str, step: Mapping[str, Any], key: str, default: float = 0) -> float:
    value = step.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ScriptError(f"{where}: `{key}` must be a number, 0 or more")
    return value


def _integer(where: str, step: Mapping[str, Any], key: str) -> int:
    value = step[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ScriptError(f"{where}: `{key}` must be an integer, 0 or more")
    return value


def _text(where: str, step: Mapping[str, Any]) -> Step:
    return Text(_string(where, step, "text"))


def _deltas(where: str, step: Mapping[str, Any]) -> Step:
    return Deltas(_integer(where, step, "deltas"), _number(where, step, "every"))


def _reason(where: str, step: Mapping[str, Any]) -> Step:
    return Reason(_string(where, step, "reason"))


def _tool(where: str, step: Mapping[str, Any]) -> Step:
    return Tool(_string(where, step, "tool"), step.get("args", {}))


def _sleep(where: str, step: Mapping[str, Any]) -> Step:
    return Sleep(_number(where, step, "sleep"))


def _status(where: str, step: Mapping[str, Any]) -> Step:
    return Status(_integer(where, step, "status"), _integer(where, step, "times") if "times" in step else None)


def _finish(where: str, step: Mapping[str, Any]) -> Step:
    reason = _string(where, step, "finish")
    if reason not in _FINISH:
        raise ScriptError(f"{where}: `finish` must be one of {', '.join(_FINISH)}")
    return Finish(reason)


def _json(where: str, step: Mapping[str, Any]) -> Step:  # noqa: ARG001  # steps share one signature
    return Json(step["json"])


_KINDS: dict[str, tuple[Callable[[str, Mapping[str, Any]], Step], tuple[str, ...]]] = {
    "text": (_text, ()),
    "deltas": (_deltas, ("every",)),
    "reason": (_reason, ()),
    "tool": (_tool, ("args",)),
    "sleep": (_sleep, ()),
    "status": (_status, ("times",)),
    "finish": (_finish, ()),
    "json": (_json, ()),
}
