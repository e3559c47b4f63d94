"""Work with sessions: turns, streams that are read to their end or left, deadlines, tools, subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from meerkat import (
    DeadlineExceededError,
    EventGap,
    RequestCancelledError,
    RunCompleted,
    RunFailed,
    RunStarted,
    StreamOverflowError,
    TextDelta,
    TurnFailedError,
)
from tests.soak.tools import FAILING, WORKING
from tests.soak.work import Worker, complete, equal, script, word, work

if TYPE_CHECKING:
    from meerkat import EventStream, RunResult, Session

ENDLESS = 60.0  # seconds that the model says nothing for in turns that have to be left


async def echo(session: Session) -> None:
    """A turn that must go well."""
    said = word()
    equal((await session.turn(said)).text, f"echo: {said}")


async def read(events: EventStream, prompt: str) -> tuple[RunResult, int]:
    """Read a stream to its end; return its result and how many numbers were missing."""
    text = ""
    missing = 0
    kinds: list[type[object]] = []
    async for event in events:
        kinds.append(type(event))
        if isinstance(event, TextDelta):
            text += event.delta
        elif isinstance(event, EventGap):
            missing += event.missing
        elif isinstance(event, RunStarted):
            assert str(event.prompt).endswith(prompt), (event.prompt, prompt)
    result = events.result
    complete(whole=kinds[-1:] == [RunCompleted], what=f"the last event is {kinds[-1:]}")
    if not missing:
        equal(kinds[0], RunStarted)
        equal(text, result.text)
    equal(kinds.count(RunStarted), 1)
    equal(kinds.count(RunCompleted), 1)
    return result, missing


async def until_text(events: EventStream) -> None:
    """Read a stream until the model has said something."""
    async for event in events:
        if isinstance(event, TextDelta):
            return
    raise AssertionError("the stream ended before the model said anything")


# Turns that go well


@work(8)
async def turn(worker: Worker) -> None:
    await echo(await worker.session())


@work(8)
async def stream(worker: Worker) -> None:
    session = await worker.session()
    count = worker.rng.choice([1, 20, 200, 2000])
    prompt = script({"deltas": count, "every": worker.rng.choice([0, 0, 0.0005])})
    async with session.stream(prompt) as events:
        result, _ = await read(events, prompt)
    equal(result.text.split(), [f"w{number}" for number in range(count)])
    equal(session.last_result is result, True)


@work(4)
async def collected_stream(worker: Worker) -> None:
    session = await worker.session()
    count = worker.rng.choice([3, 300])
    text, result = await session.stream(script({"deltas": count})).collect_text()
    equal(text, result.text)
    equal(len(text.split()), count)


@work(4)
async def created_session(worker: Worker) -> None:
    said = worker.rng.choice([word(), "the same words as others say"])
    session = await worker.client.create_session(said, labels={"by": worker.name})
    equal(session.text, f"echo: {said}")
    await echo(session)
    await session.archive()


@work(4)
async def streamed_creation(worker: Worker) -> None:
    prompt = worker.rng.choice([word(), "the same words as others stream", script({"deltas": 300})])
    async with worker.client.create_session_streaming(prompt) as events:
        result, _ = await read(events, prompt)
        equal(events.session_id, result.session_id)
    session = worker.client.session(result.session_id)
    await echo(session)
    await session.archive()


@work(3)
async def deferred_session(worker: Worker) -> None:
    first, second = word(), word()
    deferred = await worker.client.create_deferred_session(first)
    async with deferred.stream(second) as events:
        result, _ = await read(events, second)
    equal(result.text, f"echo: {first}\n\n{second}")
    await deferred.archive()


@work(3)
async def turns_at_once_in_one_session(worker: Worker) -> None:
    session = await worker.session()
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(echo, session)


# Turns that are left


@work(4)
async def break_out_of_a_stream(worker: Worker) -> None:
    session = await worker.session()
    async with session.stream(script({"text": "begun "}, {"sleep": ENDLESS})) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    await echo(session)


@work(4)
async def exception_in_a_stream(worker: Worker) -> None:
    session = await worker.session()
    try:
        async with session.stream(script({"text": "begun "}, {"sleep": ENDLESS})) as events:
            await anext(events)
            raise ZeroDivisionError
    except ZeroDivisionError:
        await echo(session)


@work(4)
async def cancelled_turn(worker: Worker) -> None:
    session = await worker.session()
    with anyio.move_on_after(worker.rng.uniform(0, 0.1)) as scope:
        await session.turn(script({"sleep": ENDLESS}))
    equal(scope.cancelled_caught, True)
    await echo(session)


@work(4)
async def cancelled_stream(worker: Worker) -> None:
    session = await worker.session()
    with anyio.move_on_after(worker.rng.uniform(0, 0.1)) as scope:
        async with session.stream(script({"deltas": 50, "every": 0.001}, {"sleep": ENDLESS})) as events:
            async for _ in events:
                pass
    equal(scope.cancelled_caught, True)
    await echo(session)


@work(3)
async def cancelled_creation(worker: Worker) -> None:
    with anyio.move_on_after(worker.rng.uniform(0, 0.1)) as scope:
        prompt = script({"text": "begun "}, {"sleep": ENDLESS})
        if worker.rng.random() < 0.5:
            await worker.client.create_session(prompt)
        else:
            await worker.client.create_session_streaming(prompt).collect()
    equal(scope.cancelled_caught, True)


@work(2)
async def stream_that_is_left_alone(worker: Worker) -> None:
    session = await worker.session()
    said = word()
    async with session.stream(script({"text": said}, {"sleep": 0.05}), cancel_on_exit=False) as events:
        await anext(events)
    await echo(session)
    history = str((await session.history()).messages)
    assert history.count(said) >= 2, "the turn that was left alone did not end by itself"


@work(4)
async def expired_deadline(worker: Worker) -> None:
    session = await worker.session()
    hurried = worker.client.with_timeout(worker.rng.uniform(0.01, 0.1))
    prompt = script({"text": "begun "}, {"sleep": ENDLESS})
    try:
        if worker.rng.random() < 0.5:
            await hurried.start_turn(session.id, prompt)
        else:
            await hurried.stream_turn(session.id, prompt).collect()
    except DeadlineExceededError:
        await echo(session)
    else:
        raise AssertionError("the deadline did not expire")


@work(2)
async def interrupted_turn(worker: Worker) -> None:
    session = await worker.session()
    try:
        async with session.stream(script({"text": "begun "}, {"sleep": ENDLESS})) as events:
            await until_text(events)
            await session.interrupt()
            async for _ in events:
                pass
    except RequestCancelledError:
        await echo(session)
    else:
        raise AssertionError("the turn was not interrupted")


@work(1)
async def failed_turn(worker: Worker) -> None:
    """In a session of its own: the runtime tries the input again, which the next turn has to wait for."""
    session = await worker.client.create_session(word())
    events = session.stream(script({"status": 400}))
    seen: list[object] = []
    try:
        async with events:
            while batch := await events.batches():
                seen += batch
    except TurnFailedError as error:
        assert isinstance(seen[-1], RunFailed), seen
        equal(error.report, seen[-1].error_report)
    else:
        raise AssertionError("the turn did not fail")
    await echo(session)
    await session.archive()


@work(2)
async def slow_consumer(worker: Worker) -> None:
    session = await worker.session()
    narrow = worker.client.with_timeout(None)
    narrow._buffer_bytes = 8_000
    lost = 0
    async with (
        await session.subscribe_events() as others,
        narrow.stream_turn(session.id, script({"deltas": 200, "every": 0.0005})) as events,
    ):
        async for event in others:
            if isinstance(event, RunCompleted):
                break
        try:
            async for _ in events:
                pass
        except StreamOverflowError as error:
            lost = error.lost
    assert lost > 0, "the stream did not overflow"
    await echo(session)


# Tools


@work(6)
async def tool_calls(worker: Worker) -> None:
    session = await worker.session()
    asked = [(worker.rng.choice(WORKING), word()) for _ in range(worker.rng.choice([1, 1, 3]))]
    await _call_tools(worker, session, asked)


@work(2)
async def failing_tools(worker: Worker) -> None:
    session = await worker.session()
    await _call_tools(worker, session, [(worker.rng.choice(FAILING), word())])


async def _call_tools(worker: Worker, session: Session, asked: list[tuple[str, str]]) -> None:
    """Let the agent call tools: each is called once, and the model is told what it gave."""
    tools = worker.host.tools
    words = [said for _, said in asked]
    with tools.expecting(words):
        result = await session.turn(script(*({"tool": name, "args": {"word": said}} for name, said in asked)))
        equal(result.tool_calls, len(asked))
        assert any(said in result.text for said in words), (result.text, asked)
        equal([tools.calls[said] for said in words], [1] * len(words))


@work(1)
async def turn_that_is_left_in_a_tool(worker: Worker) -> None:
    session = await worker.session()
    said = word()
    tools = worker.host.tools
    with tools.expecting([said]):
        async with session.stream(script({"tool": "take_long", "args": {"word": said}})) as events:
            async for _ in events:
                if tools.calls[said]:
                    break
        equal(tools.calls[said], 1)
    await echo(session)


# Subscriptions


@work(4)
async def subscription(worker: Worker) -> None:
    session = await worker.session()
    said = word()
    async with await session.subscribe_events() as events:
        async with session.stream(said) as own:
            mine: list[Any] = [event async for event in own]
        seen: list[Any] = []
        async for event in events:
            seen.append(event)
            if isinstance(event, RunCompleted):
                break
        equal([event for event in seen if not isinstance(event, EventGap)], mine)
    complete(whole=events.terminal_outcome is not None, what="the subscription has no outcome")
    assert events.terminal_outcome is not None
    equal(events.terminal_outcome.outcome, "explicit_close")


@work(2)
async def subscriptions_that_nobody_reads(worker: Worker) -> None:
    session = await worker.session()
    opened = [await session.subscribe_events() for _ in range(3)]
    await echo(session)
    for each in opened:
        await each.close()


@work(2)
async def cancelled_subscription(worker: Worker) -> None:
    session = await worker.session()
    with anyio.move_on_after(worker.rng.uniform(0, 0.02)):
        async with await session.subscribe_events() as events:
            async for _ in events:
                pass
    await echo(session)


@work(2)
async def subscription_that_ends_with_its_session(worker: Worker) -> None:
    session = await worker.client.create_session(word())
    async with await session.subscribe_events() as events:
        await session.archive()
        equal([event async for event in events], [])
        complete(whole=events.terminal_outcome is not None, what="the subscription has no outcome")
        assert events.terminal_outcome is not None
        equal(events.terminal_outcome.outcome, "remote_end")
