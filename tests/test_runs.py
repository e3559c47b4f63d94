"""Which run belongs to which turn: orders of events and answers that the real runtime was seen to produce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meerkat import EventGap, ExtractionFailed, RunCompleted, RunFailed, RunStarted, TextDelta, Usage
from meerkat import _runs as runs
from meerkat._core.call import Call
from meerkat._core.framing import ErrorBody
from meerkat._core.inbox import Inbox
from meerkat._diagnostics import Tally
from meerkat._runs import FOREIGN_START, GRACE_CANCELLED, GRACE_RUNNING, SessionRuns, Turn, prompt_text

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = Usage(input_tokens=1, output_tokens=1)


class Story:
    """A session whose events are told one by one."""

    def __init__(self) -> None:
        self.runs = SessionRuns("s", Tally())
        self.seq = 0

    def tell(self, event: Any, seq: int | None = None) -> None:
        self.seq = self.seq + 1 if seq is None else seq
        self.runs.receive(self.seq, event, 10)

    def run(self, prompt: str, *texts: str) -> None:
        self.tell(RunStarted(session_id="s", prompt=prompt))
        for text in texts:
            self.tell(TextDelta(delta=text))
        self.tell(completed("".join(texts)))


def completed(result: str, *, extraction: bool = False) -> RunCompleted:
    return RunCompleted(session_id="s", result=result, usage=USAGE, extraction_required=extraction)


def failed() -> RunFailed:
    return msgspec.convert({"type": "run_failed", "session_id": "s", "error_class": "llm", "error": "no"}, RunFailed)


async def begin(story: Story, prompt: str) -> tuple[Turn, Call, Inbox[Any]]:
    inbox: Inbox[Any] = Inbox()
    turn = Turn(prompt, inbox)
    await story.runs.enter(turn)
    call = Call(b"", 1, method="turn/start", cancellable=True)
    turn.sent(call)
    return turn, call, inbox


def succeed(call: Call) -> None:
    call.settle(msgspec.Raw(b"{}"), None)


def all_of(inbox: Inbox[Any]) -> list[Any]:
    out: list[Any] = []
    while batch := inbox.take():
        out += batch
    return out


@pytest.mark.requirement("S03")
async def test_answer_and_last_event_in_either_order() -> None:
    for answer_first in (True, False):
        story = Story()
        turn, call, inbox = await begin(story, "hi")
        story.tell(RunStarted(session_id="s", prompt="hi"))
        if answer_first:
            succeed(call)
            assert not turn.over
            story.tell(TextDelta(delta="x"))
            story.tell(completed("x"))
        else:
            story.tell(TextDelta(delta="x"))
            story.tell(completed("x"))
            assert not turn.over
            succeed(call)
        assert turn.over
        assert [type(e) for e in all_of(inbox)] == [RunStarted, TextDelta, RunCompleted]


@pytest.mark.requirement("S14")
async def test_runs_of_others_are_left_out() -> None:
    story = Story()
    _, call, inbox = await begin(story, "mine")
    story.run("", "peer")
    story.run("target\n\ntick", "schedule")
    story.run("mine", "own")
    story.run("somebody else", "later")
    succeed(call)
    assert [e.delta for e in all_of(inbox) if isinstance(e, TextDelta)] == ["own"]


@pytest.mark.parametrize("prefix", ["[EVENT via webhook]\n", "first part\n\n"])
@pytest.mark.requirement("S14")
async def test_a_prompt_with_text_before_it_is_the_callers(prefix: str) -> None:
    story = Story()
    _, call, inbox = await begin(story, "mine")
    story.run(prefix + "mine", "own")
    succeed(call)
    assert [e.delta for e in all_of(inbox) if isinstance(e, TextDelta)] == ["own"]


@pytest.mark.requirement("S14")
async def test_a_failed_input_that_runs_again_is_not_the_next_callers() -> None:
    story = Story()
    turn, call, inbox = await begin(story, "please say it")
    story.tell(RunStarted(session_id="s", prompt="please say it"))
    story.tell(failed())
    call.settle(msgspec.Raw(), ErrorBody(code=-32603, message="turn abandoned"))
    assert turn.over
    assert turn.failure is not None
    all_of(inbox)

    _, call, inbox = await begin(story, "say it")
    story.tell(RunStarted(session_id="s", prompt="please say it"))
    story.tell(failed())
    story.run("say it", "own")
    story.tell(RunStarted(session_id="s", prompt="please say it"))
    story.tell(failed())
    succeed(call)
    assert [type(e) for e in all_of(inbox)] == [RunStarted, TextDelta, RunCompleted]


async def test_structured_output_goes_on_after_run_completed() -> None:
    story = Story()
    turn, call, inbox = await begin(story, "hi")
    story.tell(RunStarted(session_id="s", prompt="hi"))
    story.tell(completed("x", extraction=True))
    succeed(call)
    assert not turn.over
    story.tell(TextDelta(delta="{}"))
    story.tell(
        msgspec.convert(
            {"type": "extraction_failed", "session_id": "s", "last_output": "", "attempts": 1, "reason": "no"},
            ExtractionFailed,
        )
    )
    assert turn.over
    assert len(all_of(inbox)) == 4


@pytest.mark.requirement("S09")
async def test_a_gap_within_the_run_is_a_value_and_one_before_it_is_not() -> None:
    story = Story()
    _, call, inbox = await begin(story, "hi")
    story.tell(TextDelta(delta="before"), seq=3)
    story.tell(RunStarted(session_id="s", prompt="hi"), seq=9)
    story.tell(TextDelta(delta="a"), seq=10)
    story.tell(TextDelta(delta="b"), seq=15)
    story.tell(completed("ab"), seq=16)
    succeed(call)
    gaps = [e for e in all_of(inbox) if isinstance(e, EventGap)]
    assert gaps == [EventGap(missing=4, after_seq=10)]


@pytest.mark.requirement("S14")
async def test_numbers_that_start_again_are_no_gap() -> None:
    story = Story()
    _, call, inbox = await begin(story, "hi")
    story.tell(RunStarted(session_id="s", prompt="hi"), seq=40)
    story.tell(TextDelta(delta="a"), seq=1)
    story.tell(completed("a"), seq=2)
    succeed(call)
    assert not [e for e in all_of(inbox) if isinstance(e, EventGap)]


@pytest.mark.requirement("S11")
async def test_a_turn_without_a_last_event_is_over_after_a_grace() -> None:
    story = Story()
    turn, call, _ = await begin(story, "hi")
    story.tell(RunStarted(session_id="s", prompt="hi"))
    assert turn.patience is None
    succeed(call)
    assert turn.patience is not None
    assert 0 < turn.patience <= GRACE_RUNNING
    story.tell(TextDelta(delta="a"))
    inbox = turn.inbox
    assert inbox is not None
    turn.finish()
    turn.finish()
    assert all_of(inbox)[-2:] == [TextDelta(delta="a"), EventGap(missing=1, after_seq=story.seq)]
    cancelled, call = Turn("x"), Call(b"", 2, method="turn/start", cancellable=True)
    cancelled.sent(call)
    call.settle(msgspec.Raw(), ErrorBody(code=-32005, message="request cancelled"))
    assert cancelled.patience is not None
    assert cancelled.patience <= GRACE_CANCELLED
    await cancelled.wait_over()
    assert cancelled.over


async def test_a_refused_turn_is_over_at_once() -> None:
    story = Story()
    turn, call, _ = await begin(story, "hi")
    call.settle(msgspec.Raw(), ErrorBody(code=-32602, message="Invalid params"))
    assert turn.patience == 0.0


@pytest.mark.requirement("C13")
async def test_the_next_turn_waits_for_the_run_that_the_client_caused() -> None:
    story = Story()
    story.runs.expect_run()
    started = RunStarted(session_id="s", prompt="")
    await enters_only_after(story, lambda: story.tell(started), lambda: story.tell(completed("")))


async def enters_only_after(story: Story, *steps: Callable[[], None]) -> None:
    """Begin a turn, which must wait until the last of these steps is done."""
    entered = anyio.Event()

    async def enter() -> None:
        await begin(story, "mine")
        entered.set()

    async with anyio.create_task_group() as group:
        group.start_soon(enter)
        for step in steps:
            await anyio.wait_all_tasks_blocked()
            assert not entered.is_set()
            step()
        with anyio.fail_after(FOREIGN_START):
            await entered.wait()


@pytest.mark.requirement("C13")
async def test_a_turn_waits_for_the_run_of_others_that_is_under_way() -> None:
    story = Story()
    story.tell(RunStarted(session_id="s", prompt="of somebody else"))
    await enters_only_after(story, lambda: story.tell(TextDelta(delta="x")), lambda: story.tell(completed("x")))


@pytest.mark.requirement("C13")
async def test_a_turn_waits_for_the_last_attempt_at_a_failed_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes right behind the turn before; the attempt before that came ahead of that turn."""
    monkeypatch.setattr(runs, "FOREIGN_END", 0.0)  # what is waited for behind every run would hide it
    monkeypatch.setattr(runs, "RERUN_START", 30.0)
    story = Story()
    _, call, _ = await begin(story, "bad")
    story.tell(RunStarted(session_id="s", prompt="bad"))
    story.tell(failed())
    call.settle(msgspec.Raw(), ErrorBody(code=-32603, message="turn abandoned"))
    _, call, _ = await begin(story, "good")
    story.tell(RunStarted(session_id="s", prompt="bad"))
    story.tell(failed())
    story.run("good", "own")
    succeed(call)
    await enters_only_after(
        story, lambda: story.tell(RunStarted(session_id="s", prompt="bad")), lambda: story.tell(failed())
    )
    assert not story.runs._failed


@pytest.mark.requirement("C13")
async def test_a_run_of_others_that_never_ends_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "FOREIGN_START", 0.1)
    story = Story()
    story.tell(RunStarted(session_id="s", prompt="of somebody else"))
    assert not story.runs.idle
    with anyio.fail_after(10):
        await begin(story, "mine")


def test_inputs_that_failed_are_remembered_as_long_as_they_may_run_again() -> None:
    story = Story()
    for prompt in ["a", "b", "a", "a"]:
        story.tell(RunStarted(session_id="s", prompt=prompt))
        story.tell(failed())
    assert story.runs._failed == {"b": 1}
    for number in range(50):
        story.tell(RunStarted(session_id="s", prompt=str(number)))
        story.tell(failed())
    assert len(story.runs._failed) == runs.FAILED_INPUTS
    story.run("49", "good after all")
    assert "49" not in story.runs._failed


def test_text_of_prompts() -> None:
    assert prompt_text("a") == "a"
    assert prompt_text([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]) == "a\nb"
    assert prompt_text(7) == ""


@given(
    prompts=st.lists(st.sampled_from(["a", "xa", "b", ""]), max_size=6),
    mine=st.sampled_from(["a", "b"]),
    position=st.integers(0, 6),
)
@pytest.mark.requirement("S14")
def test_nothing_of_another_run_gets_into_a_stream(prompts: list[str], mine: str, position: int) -> None:
    """Whatever runs around it, a turn sees exactly one run whose prompt ends with its own, the first one."""

    async def play() -> None:
        story = Story()
        turn, call, inbox = await begin(story, mine)
        before, after = prompts[:position], prompts[position:]
        for number, prompt in enumerate([*before, mine]):
            story.run(prompt, f"{number}:{prompt}")
        succeed(call)
        for prompt in after:
            story.run(prompt, "after")
        seen = [e.delta.split(":", 1)[1] for e in all_of(inbox) if isinstance(e, TextDelta)]
        assert turn.over
        assert seen
        assert all(text.endswith(mine) for text in seen)

    anyio.run(play)
