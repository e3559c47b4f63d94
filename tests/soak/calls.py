"""Work with single calls: many in flight, large beside small ones, refused arguments, calls that are left."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from meerkat import (
    DeadlineExceededError,
    InvalidArgumentError,
    InvalidParamsError,
    MeerkatError,
    MethodNotFoundError,
    RequestLostError,
    SessionNotFoundError,
)
from tests.soak.work import Worker, equal, word, work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

R = TypeVar("R")

NOBODY = "00000000-0000-0000-0000-000000000000"


@work(6)
async def reading_calls(worker: Worker) -> None:
    session = await worker.session()
    equal((await session.read()).session_id, session.id)
    history = await session.history()
    equal(history.message_count, len(history.messages))
    assert len(await worker.client.list_sessions(limit=2)) <= 2
    assert (await worker.client.get_config()).backend


@work(4)
async def many_calls_in_flight(worker: Worker) -> None:
    """Each ends exactly once."""
    answered: Counter[int] = Counter()
    size = worker.rng.choice([10, 500, 2_000])

    async def one(number: int) -> None:
        await worker.client.call("runtime/health", {"n": number, "padding": "x" * size})
        answered[number] += 1

    async with anyio.create_task_group() as group:
        for number in range(100):
            group.start_soon(one, number)
    equal(answered, Counter(range(100)))


@work(3)
async def large_requests_beside_small_ones(worker: Worker) -> None:
    """Each makes one session, although the runtime may lose such a line on its way."""
    client = worker.client
    label = word()
    made: list[str] = []

    async def large(size: int) -> None:
        prompt = f"{label} {'y' * size}"
        session = await _taken(worker, lambda: client.create_deferred_session(prompt, labels={"large": label}))
        made.append(session.id)

    async def small() -> None:
        await client.call("runtime/health", {"padding": "x" * 100})

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(large, worker.rng.choice([9_000, 20_000, 70_000, 200_000]))
            for _ in range(5):
                group.start_soon(small)
    listed = await client.list_sessions(labels={"large": label})
    equal(sorted(summary.session_id for summary in listed), sorted(made))
    for session_id in made:
        await client.archive_session(session_id)


@work(3)
async def large_turn(worker: Worker) -> None:
    """A large prompt: a model that echoes says only the beginning of it again."""
    session = await worker.client.create_session(word())
    said = word()
    prompt = said + " " + "z" * worker.rng.choice([9_000, 70_000, 200_000])
    result = await _taken(worker, lambda: session.turn(prompt))
    assert result.text.startswith(f"echo: {said} zzz"), result.text[:50]
    await session.archive()


@work(3)
async def refused_arguments(worker: Worker) -> None:
    client = worker.client
    before = client.diagnostics.late_answers
    session = await worker.session()
    await _raises(InvalidArgumentError, client.call("runtime/health", {"n": math.nan}))
    await _raises(InvalidArgumentError, client.call("runtime/health", {"text": "\ud800"}))
    await _raises(InvalidArgumentError, session.turn(5))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await _raises(InvalidArgumentError, session.turn("x", no_such_option=1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    equal(client.diagnostics.late_answers, before)


@work(3)
async def errors_of_the_runtime(worker: Worker) -> None:
    client = worker.client
    await _raises(SessionNotFoundError, client.read_session(NOBODY))
    await _raises(SessionNotFoundError, client.session(NOBODY).turn("x"))
    await _raises(SessionNotFoundError, client.subscribe_session_events(NOBODY))
    await _raises(MethodNotFoundError, client.call("no/such_method"))
    await _raises(InvalidParamsError, client.call("session/read", {"session_id": 5}))


@work(3)
async def calls_that_are_left(worker: Worker) -> None:
    """Their answers come when nobody waits any more."""
    client = worker.client

    async def one(seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await client.call("session/list", {"limit": 1})

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one, worker.rng.choice([0, 0.001, 0.01]))
    try:
        await client.with_timeout(0.0005).list_sessions(limit=1)
    except DeadlineExceededError as error:
        equal(error.method, "session/list")
    await client.call("runtime/health")


async def _taken(worker: Worker, ask: Callable[[], Awaitable[R]]) -> R:
    """Ask for something large, again if the client gave it up: it says then that the runtime has not run it.

    The real runtime loses a line that it is reading whenever it has something to write, so in a long burst of events
    it may lose the same one more often than the client sends it.
    """
    while True:
        try:
            return await ask()
        except RequestLostError:
            worker.host.noticed["large request lost for good, asked again"] += 1


async def _raises(kind: type[MeerkatError], awaitable: Any) -> None:
    try:
        await awaitable
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")
