"""Work with runtimes that come and go: they misbehave in a known way, are never reached, or are well and are left."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio

from meerkat import (
    CONTRACT_VERSION,
    ContractMismatchError,
    DeadlineExceededError,
    InvalidResponseError,
    MeerkatClient,
    MeerkatError,
    MessageTooLargeError,
    ProtocolViolationError,
    RuntimeExitedError,
    RuntimeNotFoundError,
    RuntimeStartError,
)
from tests.soak.listener import PROGRAM
from tests.soak.work import Worker, equal, work
from tests.support.misbehaving import SESSION

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

GRACE: Final = 0.2  # seconds that such a runtime gets to end by itself
SKIPPED: Final = (
    "noise",
    "scalars",
    "arrays",
    "utf8",
    "blank",
    "objects",
    "nulls",
    "slowly",
    "nobody",
    "stderr:200000",
)
MOMENTS: Final = ("handshake", "register", "call", "create", "subscribe", "stream", "turn")
ENDS: Final = ("exit:3", "exit:0", "kill:SIGKILL", "kill:SIGSEGV", "grandchild:7", "close", "shut")
NEVER: Final = ("forget", "mute")


def misbehaving(moment: str, *faults: str, version: str = CONTRACT_VERSION, **options: Any) -> MeerkatClient:
    """A client, not connected, of a runtime that commits faults at a moment."""
    args = ["-I", "-S", str(PROGRAM), version, moment, *faults]
    client = MeerkatClient(sys.executable, args=args, shutdown_grace=GRACE, **options)

    @client.tool
    async def nothing() -> None:
        """Do nothing."""

    return client


@asynccontextmanager
async def closed_after(client: MeerkatClient) -> AsyncGenerator[MeerkatClient]:
    """Close a client in the end, and see that no call of it is left."""
    try:
        yield client
    finally:
        await client.close()
    equal(client.diagnostics.pending_calls, 0)


async def converse(client: MeerkatClient) -> None:
    """Have every kind of conversation, all of which must go well."""
    await client.call("runtime/health")
    equal(await client.list_sessions(), [])
    equal((await client.create_deferred_session("x")).id, SESSION)
    session = await client.create_session("x")
    text, result = await session.stream("x").collect_text()
    equal((text, result.text), ("one two", "one two"))
    equal((await session.turn("y")).text, "one two")
    async with await session.subscribe_events() as events:
        equal(events.terminal_outcome, None)


async def fails_with(kind: type[MeerkatError], client: MeerkatClient) -> MeerkatError:
    """Connect and converse, which must fail like that; return the error."""
    try:
        await client.connect()
        async with closed_after(client):
            await converse(client)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


@work(6, shared=False)
async def noise_on_the_line(worker: Worker) -> None:
    faults = worker.rng.sample(SKIPPED, 3)
    moment = worker.rng.choice([*MOMENTS, "always"])
    async with closed_after(await misbehaving(moment, *faults).connect()) as client:
        await converse(client)


@work(6, shared=False)
async def runtime_that_ends_in_the_midst(worker: Worker) -> None:
    moment, end = worker.rng.choice(MOMENTS), worker.rng.choice(ENDS)
    kind = RuntimeStartError if moment in {"handshake", "register"} else RuntimeExitedError
    error = await fails_with(kind, misbehaving(moment, "stderr:50", end))
    assert "last words" in str(error), (moment, end, str(error))


@work(2, shared=False)
async def flood_of_noise(worker: Worker) -> None:
    await fails_with(ProtocolViolationError, misbehaving(worker.rng.choice(MOMENTS), "flood:2000"))


@work(2, shared=False)
async def line_over_the_limit(worker: Worker) -> None:
    moment = worker.rng.choice(["call", "create", "subscribe", "stream", "turn"])
    await fails_with(MessageTooLargeError, misbehaving(moment, "long:300000", max_line_bytes=100_000))


@work(3, shared=False)
async def silence(worker: Worker) -> None:
    """A runtime that stops answering, before it is ready or later."""
    if worker.rng.random() < 0.5:
        client = misbehaving(worker.rng.choice(["start", "handshake"]), "mute", connect_timeout=0.2)
        await fails_with(RuntimeStartError, client)
    else:
        await fails_with(DeadlineExceededError, misbehaving("call", worker.rng.choice(NEVER), timeout=0.2))


@work(2, shared=False)
async def wrong_answers(worker: Worker) -> None:
    fault, kind = worker.rng.choice([("neither", InvalidResponseError), ("result:5", InvalidResponseError)])
    await fails_with(kind, misbehaving("call", fault))


@work(3, shared=False)
async def events_out_of_order(worker: Worker) -> None:
    fault, moment = worker.rng.choice([("early", "stream"), ("backwards", "turn"), ("gap:3", "stream")])
    async with closed_after(await misbehaving(moment, fault).connect()) as client:
        result = await client.session(SESSION).stream("x").collect()
        equal(result.text, "one two")


@work(1, shared=False)
async def run_that_never_ends(worker: Worker) -> None:
    """Its answer comes, and then no event any more: the stream ends all the same."""
    async with closed_after(await misbehaving("stream", "unfinished").connect()) as client:
        equal((await client.session(SESSION).stream("x").collect()).text, "one two")


@work(1, shared=False)
async def stubborn_runtime(worker: Worker) -> None:
    """It ends neither by itself nor when it is asked to."""
    async with closed_after(await misbehaving("close", "deaf").connect()) as client:
        equal(await client.list_sessions(), [])


@work(4, shared=False)
async def cancelled_connect(worker: Worker) -> None:
    client = misbehaving(worker.rng.choice(["never", "start", "handshake"]), "stderr:100")
    with anyio.move_on_after(worker.rng.uniform(0, 0.05)):
        await client.connect()
    await client.close()


@work(4, shared=False)
async def refused_connect(worker: Worker) -> None:
    if worker.rng.random() < 0.5:
        missing = str(worker.surroundings.directory / "no-such-file")
        await fails_with(RuntimeNotFoundError, MeerkatClient(missing))
        await fails_with(RuntimeStartError, MeerkatClient(sys.executable, cwd=missing))
        await fails_with(
            RuntimeStartError, MeerkatClient(sys.executable, args=["-I", "-S", "-c", "raise SystemExit(4)"])
        )
    else:
        await fails_with(ContractMismatchError, misbehaving("never", version="9.9.9"))


@work(4, shared=False)
async def runtime_over_tcp(worker: Worker) -> None:
    client = MeerkatClient()
    async with closed_after(await client.connect_tcp("127.0.0.1", worker.surroundings.port)):
        await converse(client)


@work(1, shared=False)
async def nobody_on_tcp(worker: Worker) -> None:
    try:
        await MeerkatClient().connect_tcp("127.0.0.1", 9)
    except RuntimeStartError:
        return
    raise AssertionError("somebody listens on the port for discarding")


@work(1, shared=False)
async def another_embedded_runtime(worker: Worker) -> None:
    """Connected twice, left once with a turn under way."""
    state = worker.surroundings.directory / worker.name.replace(" ", "-")
    client = MeerkatClient(runtime="embedded")
    async with closed_after(await client.connect(realm_id="soak", state_root=state)):
        session = await client.create_session("hello")
        equal(session.text, "echo: hello")
    async with closed_after(await client.connect(realm_id="soak", state_root=state)):
        events = session.stream('{"script": [{"text": "begun "}, {"sleep": 60}]}')
        async with events:
            await anext(events)
            await client.close()
        equal(client.return_code, 0)
    await client.close()
