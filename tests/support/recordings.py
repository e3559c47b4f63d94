"""Reads `tests/recordings`: scenarios, and each answer beside the request that it belongs to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

DIRECTORY = Path(__file__).resolve().parent.parent / "recordings"

REFUSALS = frozenset({-32700, -32600, -32601, -32602})
"""Codes of a request that was refused as such, so that nothing follows from it about the contract's parameters."""


@dataclass(frozen=True)
class Line:
    """One message of a scenario."""

    scenario: str
    number: int
    direction: Literal[">", "<"]
    message: Any

    def __str__(self) -> str:
        return f"{self.scenario}.jsonl:{self.number}"


@dataclass(frozen=True)
class Exchange:
    """A request and, where it was answered by id, its answer. Either side may have asked."""

    request: Line
    answer: Line | None

    @property
    def method(self) -> str:
        return str(self.request.message["method"])

    @property
    def params(self) -> Any:
        return self.request.message.get("params")

    @property
    def error_code(self) -> int | None:
        """Code of the error answer; ``None`` when there is none."""
        if self.answer is None or "error" not in self.answer.message:
            return None
        return int(self.answer.message["error"]["code"])


@dataclass(frozen=True)
class Scenario:
    """A recorded run of the runtime."""

    name: str
    args: list[str]
    env: dict[str, str]
    config: str | None
    exit: int
    lines: list[Line] = field(repr=False)

    @property
    def objects(self) -> list[Line]:
        """The lines that are JSON objects, which is what both sides send when nothing is wrong."""
        return [line for line in self.lines if isinstance(line.message, dict)]

    def notifications(self, direction: Literal[">", "<"]) -> list[Line]:
        """Messages with a method and no id."""
        return [
            line
            for line in self.objects
            if line.direction == direction and "method" in line.message and "id" not in line.message
        ]

    def exchanges(self, asked_by: Literal[">", "<"]) -> list[Exchange]:
        """Requests of one side with their answers; a reused id belongs to the latest request that carried it."""
        waiting: dict[str, Line] = {}
        answers: dict[int, Line] = {}
        requests: list[Line] = []
        for line in self.objects:
            key = json.dumps(line.message.get("id"))
            if line.direction == asked_by and "method" in line.message:
                if "id" in line.message:
                    requests.append(line)
                    waiting[key] = line
            elif line.direction != asked_by and "method" not in line.message and key in waiting:
                answers[waiting.pop(key).number] = line
        return [Exchange(request, answers.get(request.number)) for request in requests]

    def errors(self) -> list[Line]:
        """Every error answer of the runtime, also those that name no request."""
        return [line for line in self.objects if line.direction == "<" and "error" in line.message]


@cache
def scenarios() -> dict[str, Scenario]:
    """All recorded scenarios by name."""
    return {path.stem: _read(path) for path in sorted(DIRECTORY.glob("*.jsonl"))}


def _read(path: Path) -> Scenario:
    head, *rest = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    lines = [Line(path.stem, number, entry["dir"], entry["msg"]) for number, entry in enumerate(rest, start=2)]
    return Scenario(path.stem, head["args"], head["env"], head["config"], head["exit"], lines)
