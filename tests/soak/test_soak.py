"""A soak of seconds: the same work, faults, rests and judgement as in one of minutes, strict on all that is counted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from meerkat._core.process import RuntimeProcess
from meerkat._router import Router
from tests.soak.course import Course, Plan, run
from tests.soak.verdict import ENOUGH, judge
from tests.support import runtime as runtimes

if TYPE_CHECKING:
    from meerkat._core.inbox import Inbox

pytestmark = pytest.mark.requirement("T08")


def brief(seed: int, **more: Any) -> Plan:
    """A plan for seconds."""
    options: dict[str, Any] = {"seconds": 5.0, "interval": 1.5, "warm_up": 0.5, "workers": 4, "strangers": 2}
    return Plan(seed=seed, **{**options, **more})


def report(course: Course) -> str:
    """Everything that is wrong, for the message of a test."""
    return "\n".join([*judge(course.samples, course.failed).faults, *course.failures])


@pytest.mark.requirement("T06", "T07", "C01")
async def test_on_the_embedded_runtime() -> None:
    course = await run(brief(1))
    assert judge(course.samples, course.failed).passed, report(course)
    assert course.pieces > 20


@pytest.mark.requirement("T06", "T07", "C01", "T15")
async def test_on_the_real_runtime() -> None:
    program = runtimes.find_real()
    if isinstance(program, str):
        pytest.skip(program)
    course = await run(brief(2, runtimes=("real",)))
    assert judge(course.samples, course.failed).passed, report(course)
    assert course.pieces > 10


def quick(name: str, **more: Any) -> Plan:
    """A plan for one kind of work and the shortest time in which it shows what it leaves behind."""
    options: dict[str, Any] = {"seconds": 0.4, "interval": 0.2, "warm_up": 0.1, "workers": 2, "strangers": 0}
    return brief(3, only=frozenset({name}), faults=False, **{**options, **more})


async def test_a_descriptor_that_is_left_open_makes_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    release = RuntimeProcess.release

    def leave_one_open(self: RuntimeProcess) -> None:
        left.append(os.dup(self.reader))
        release(self)

    monkeypatch.setattr(RuntimeProcess, "release", leave_one_open)
    try:
        course = await run(quick("refused connect", strangers=1, seconds=1.0, settle=0.3))
    finally:
        for descriptor in left:
            os.close(descriptor)
    faults = judge(course.samples, course.failed).faults
    assert any(fault.startswith("descriptors: ") for fault in faults), faults
    assert course.failed == 0


async def test_subscriptions_that_are_never_forgotten_make_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(self: Router, stream_id: str) -> None:
        """Do not forget it."""

    monkeypatch.setattr(Router, "forget_stream", keep)
    course = await run(quick("subscriptions that nobody reads", settle=0.3))
    faults = judge(course.samples, course.failed).faults
    assert any(fault.startswith("Router._streams: ") for fault in faults), faults
    assert course.failed == 0


async def test_results_that_are_kept_make_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept outside all tables of the client, they show in the memory that is allocated."""
    kept: list[Any] = []
    opened = Router.opened_stream

    def keep(self: Router, stream_id: str | None, inbox: Inbox[Any]) -> None:
        kept.extend({"stream": stream_id, "number": number} for number in range(1_000))
        opened(self, stream_id, inbox)

    monkeypatch.setattr(Router, "opened_stream", keep)
    course = await run(quick("subscriptions that nobody reads", rests=ENOUGH))
    faults = judge(course.samples, course.failed).faults
    assert any(fault.startswith("allocated blocks: ") for fault in faults), faults
    assert course.failed == 0


async def test_a_wrong_answer_makes_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.soak import turns

    monkeypatch.setattr(turns, "word", lambda: '{"script": [{"text": "something else"}]}')
    course = await run(quick("turn", settle=0.3))
    assert course.failed > 0
    assert "expected 'echo: " in course.failures[0]
    assert "--piece '3/embedded " in course.failures[0]
    assert not judge(course.samples, course.failed).passed


async def test_an_error_that_is_only_logged_makes_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: RuntimeProcess) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RuntimeProcess, "_drain_stderr", broken)
    course = await run(quick("turn"))
    assert any("the task meerkat stderr failed" in each for each in course.failures)
    assert not judge(course.samples, course.failed).passed
