"""The driver with real processes that behave and misbehave; afterwards nothing may be left (see the leak guard)."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from anyio import to_thread

from meerkat._core.connection import Connection
from meerkat._core.errors import (
    DeadlineExceededError,
    MeerkatError,
    NotConnectedError,
    RuntimeExitedError,
    RuntimeNotFoundError,
    RuntimeStartError,
)
from meerkat._core.framing import ErrorBody
from meerkat._core.process import RuntimeProcess
from meerkat._core.protocol import Protocol, Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from meerkat._core.call import Call

PEER = Path(__file__).resolve().parent.parent / "support" / "peer.py"
LIMIT = 60  # seconds: far more than anything takes


class Recorder:
    """Keeps what the runtime sent on its own."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.fault: MeerkatError | None = None
        self.woken = anyio.Event()

    def receive(self, request: Request) -> None:
        self.requests.append(request)

    def wake(self) -> None:
        if self.requests:
            self.woken.set()

    def end(self, fault: MeerkatError) -> None:
        self.fault = fault
        self.woken.set()


def spawn(*steps: str, recorder: Recorder | None = None, grace: float = 10.0, **options: Any) -> Connection:
    process = RuntimeProcess([sys.executable, str(PEER), *steps], env=os.environ, cwd=None)
    protocol = Protocol(probe="probe", **options)
    return Connection(process, protocol, recorder or Recorder(), shutdown_grace=grace)


@asynccontextmanager
async def peer(*steps: str, **options: Any) -> AsyncGenerator[Connection]:
    connection = spawn(*steps, **options)
    try:
        with anyio.fail_after(LIMIT):
            yield connection
    finally:
        with anyio.fail_after(LIMIT):
            await connection.close()
    assert connection.protocol.pending == 0
    assert connection.transport.return_code is not None


async def ask(connection: Connection, method: str = "m", params: object = None, **options: Any) -> Any:
    call = connection.start(method, json.dumps(params or {}).encode())
    await connection.wait(call, **options)
    return outcome(call)


def outcome(call: Call) -> Any:
    if isinstance(call.error, MeerkatError):
        raise call.error
    if isinstance(call.error, ErrorBody):
        return call.error
    return json.loads(bytes(call.result))


async def test_a_call_and_a_clean_end() -> None:
    async with peer("serve") as connection:
        assert await ask(connection, "a", {"x": 1}) == {"method": "a", "params": {"x": 1}}
    assert connection.transport.return_code == 0


@pytest.mark.requirement("T11")
async def test_a_thousand_calls_in_flight() -> None:
    async with peer("serve") as connection:
        results: dict[int, Any] = {}

        async def one(number: int) -> None:
            results[number] = await ask(connection, "m", {"n": number})

        async with anyio.create_task_group() as group:
            for number in range(1000):
                group.start_soon(one, number)
        assert {n: r["params"]["n"] for n, r in results.items()} == {n: n for n in range(1000)}


@pytest.mark.parametrize("size", [70_000, 20 * 1024 * 1024])
@pytest.mark.requirement("T01")
async def test_large_lines_both_ways(size: int) -> None:
    async with peer("serve") as connection:
        first = connection.start("small", b"{}")
        result = await ask(connection, "large", {"text": "x" * size})
        assert len(result["params"]["text"]) == size
        assert first.done


@pytest.mark.requirement("C01", "C02")
async def test_a_deadline_leaves_no_slot() -> None:
    async with peer("mute") as connection:
        with pytest.raises(DeadlineExceededError, match="no answer within"):
            await ask(connection, "slow", timeout=0.05)
        assert connection.transport.return_code is None


@pytest.mark.requirement("C01")
async def test_a_cancelled_caller_sends_cancel() -> None:
    recorder = Recorder()
    async with peer("read:1", "answer:2", "mute", recorder=recorder) as connection:
        call = connection.start("turn/start", b"{}", cancellable=True)
        with anyio.move_on_after(0.05):
            await connection.wait(call)
        assert call.abandoned
        # The cancellation goes out before what is asked next.
        assert (await ask(connection, "next"))["method"] == "next"


@pytest.mark.parametrize(
    ("steps", "code", "words"),
    [
        (["err:20", "answer:1", "read:3", "exit:3"], 3, "exited with status 3"),
        (["answer:1", "read:3", "kill"], -signal.SIGKILL, "ended by SIGKILL"),
        (["answer:1", "read:3", "close"], None, "closed its output but still runs"),
        (["answer:1", "read:3", "err:50", "child"], 7, "exited with status 7"),
    ],
)
@pytest.mark.requirement("T06")
async def test_the_end_of_the_runtime_fails_everybody_at_once(steps: list[str], code: int | None, words: str) -> None:
    async with peer(*steps) as connection:
        await ask(connection)
        calls = [connection.start("turn/start", b"{}", cancellable=True) for _ in range(3)]
        for call in calls:
            await connection.wait(call)
            with pytest.raises(RuntimeExitedError, match=words) as caught:
                outcome(call)
            assert caught.value.return_code == code
        with pytest.raises(RuntimeExitedError, match=words):
            connection.start("later", b"{}")
        if "err:20" in steps:
            assert "end" in connection.transport.stderr_tail


@pytest.mark.requirement("T06")
async def test_a_runtime_that_stops_reading_and_lives_is_a_fault() -> None:
    async with peer("answer:1", "shut", grace=0.2) as connection:
        await ask(connection)
        with pytest.raises(RuntimeExitedError, match="closed its input but still runs"):
            await ask(connection)


@pytest.mark.requirement("T05")
async def test_stderr_is_drained_and_its_tail_kept() -> None:
    async with peer("err:10485760", "serve") as connection:
        assert (await ask(connection, "after"))["method"] == "after"
        assert connection.transport.stderr_tail.endswith("end\n")
        assert len(connection.transport.stderr_tail) <= 16 * 1024


@asynccontextmanager
async def undrained(program: str) -> AsyncGenerator[RuntimeProcess]:
    """A program that has ended, while nobody drained its standard error."""
    process = RuntimeProcess([sys.executable, "-I", "-S", "-c", program], env=os.environ, cwd=None)
    try:
        with anyio.fail_after(LIMIT):
            await process.watch()
        yield process
    finally:
        process.release()


@pytest.mark.requirement("T05")
async def test_the_last_words_are_there_as_soon_as_the_end_is_known() -> None:
    program = "import os; os.write(2, b'x' * 20_000 + b'the reason'); os._exit(3)"
    async with undrained(program) as process:
        fault = process.fault("lives on")
        assert isinstance(fault, RuntimeExitedError)
        assert (fault.return_code, fault.stderr_tail[-12:]) == (3, "xxthe reason")


@pytest.mark.requirement("T05")
async def test_the_last_words_stay_when_they_came_at_the_very_end() -> None:
    program = "import os; os.write(2, b'goodbye'); os._exit(0)"
    async with undrained(program) as process:
        pass
    assert process.stderr_tail == "goodbye"


@pytest.mark.requirement("T03")
async def test_noise_between_answers_hurts_nobody() -> None:
    noise = ["out:INFO starting", "out:[1,2]", "out:17", "out:null", "raw:fffe0a", 'out:{"id":"x"}', "out:", "raw:0d0a"]
    async with peer(*noise, "serve") as connection:
        assert (await ask(connection))["method"] == "m"
        assert connection.protocol.counters.bad_lines == 6


@pytest.mark.requirement("T03")
async def test_a_flood_of_noise_ends_the_connection() -> None:
    async with peer("raw:" + (b"noise\n" * 30).hex(), "serve", max_bad_lines=20) as connection:
        with pytest.raises(MeerkatError, match="not part of the protocol"):
            await ask(connection)


async def test_notifications_reach_the_receiver() -> None:
    recorder = Recorder()
    async with peer('out:{"jsonrpc":"2.0","method":"n","params":{"a":1}}', "serve", recorder=recorder) as connection:
        await ask(connection)
        await recorder.woken.wait()
        assert [(r.method, bytes(r.params), r.id) for r in recorder.requests] == [("n", b'{"a":1}', None)]
    assert isinstance(recorder.fault, NotConnectedError)


@pytest.mark.requirement("T06")
async def test_the_last_line_of_the_output_needs_no_newline() -> None:
    last = b'{"jsonrpc":"2.0","id":1,"result":"last words"}'
    async with peer("read:1", f"raw:{last.hex()}", "close") as connection:
        call = connection.start("m", b"{}")
        await connection.wait(call)
    assert bytes(call.result) == b'"last words"'


LAST_WORDS = """
import os, sys
key = sys.stdin.buffer.readline().partition(b'"id":')[2].partition(b",")[0]
events = b'{"jsonrpc":"2.0","method":"n","params":{}}\\n' * 4000
os.write(1, events + b'{"jsonrpc":"2.0","id":%s,"result":"here"}\\n' % key)
os._exit(0)
"""


@pytest.mark.requirement("T06")
async def test_what_a_runtime_wrote_before_it_ended_is_read_to_its_end() -> None:
    for _ in range(5):
        process = RuntimeProcess([sys.executable, "-I", "-S", "-c", LAST_WORDS], env=os.environ, cwd=None)
        recorder = Recorder()
        connection = Connection(process, Protocol(probe="probe"), recorder)
        with anyio.fail_after(LIMIT):
            assert await ask(connection) == "here"
            await connection.close()
        assert len(recorder.requests) == 4000


@pytest.mark.requirement("T08")
async def test_close_ends_a_runtime_that_ignores_everything() -> None:
    connection = spawn("answer:1", "deaf", grace=0.1)
    await ask(connection)
    with anyio.fail_after(LIMIT):
        await connection.close()
    assert connection.transport.return_code == -signal.SIGKILL


@pytest.fixture
def no_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that does not tell of the end of processes through a descriptor."""

    def refuse(pid: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", refuse)


@pytest.mark.requirement("T06")
@pytest.mark.usefixtures("no_pidfd")
async def test_without_the_systems_help_the_end_is_noticed_by_a_thread() -> None:
    async with peer("answer:1", "exit:3") as connection:
        await ask(connection)
        with pytest.raises(RuntimeExitedError, match="exited with status 3"):
            await ask(connection)


@pytest.mark.usefixtures("no_pidfd")
async def test_threads_that_wait_for_the_end_are_none_of_those_that_others_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(to_thread.current_default_thread_limiter(), "total_tokens", 1)
    async with peer("serve") as first, peer("serve") as second:
        await ask(first)
        await ask(second)
        assert await to_thread.run_sync(lambda: "done") == "done"


@pytest.mark.requirement("T08")
async def test_close_is_idempotent_and_may_be_called_at_once() -> None:
    connection = spawn("serve")

    async def close() -> None:
        await connection.close()
        assert connection.transport.return_code is not None  # it has ended for everybody who closed it

    async with anyio.create_task_group() as group:
        group.start_soon(close)
        group.start_soon(close)
    await connection.close()
    with pytest.raises(NotConnectedError, match="closed"):
        connection.start("m", b"{}")


async def test_close_fails_who_still_waits() -> None:
    connection = spawn("mute")
    async with anyio.create_task_group() as group:

        async def wait() -> None:
            with pytest.raises(NotConnectedError, match="closed"):
                await ask(connection)

        group.start_soon(wait)
        await anyio.lowlevel.checkpoint()
        await connection.close()


@pytest.mark.requirement("T08")
async def test_close_completes_when_cancelled() -> None:
    connection = spawn("answer:1", "deaf", grace=0.1)
    await ask(connection)
    with anyio.move_on_after(0.01):
        await connection.close()
    assert connection.transport.return_code is not None


async def test_other_tasks_run_while_the_pipe_never_runs_dry(caplog: pytest.LogCaptureFixture) -> None:
    """The reader lets others run between two reads, and closing works in the middle of a flood."""
    caplog.set_level(logging.ERROR)
    line = b'{"jsonrpc":"2.0","method":"n","params":{}}\n'
    async with peer("raw:" + (line * 1000).hex(), "serve") as connection:
        ticks = 0
        while connection.transport.return_code is None and ticks < 100:
            await anyio.lowlevel.checkpoint()
            ticks += 1
        assert ticks == 100


@pytest.mark.requirement("T07")
def test_a_program_that_does_not_exist() -> None:
    with pytest.raises(RuntimeNotFoundError, match="no-such-program"):
        RuntimeProcess(["/no-such-program"], env={}, cwd=None)


@pytest.mark.requirement("T07")
def test_a_working_directory_that_does_not_exist() -> None:
    with pytest.raises(RuntimeStartError, match="/no/such/place"):
        RuntimeProcess([sys.executable], env={}, cwd="/no/such/place")


@pytest.mark.requirement("T07")
def test_a_program_that_cannot_run(tmp_path: Path) -> None:
    program = tmp_path / "not-a-program"
    program.write_text("?")
    with pytest.raises(RuntimeStartError, match="not-a-program"):
        RuntimeProcess([str(program)], env={}, cwd=None)


async def test_calls_that_follow_answers_which_came_together_go_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    callers, rounds = 50, 20
    writes = 0
    write = os.write

    def counted(descriptor: int, data: bytes) -> int:
        nonlocal writes
        writes += 1
        return write(descriptor, data)

    # The peer answers all calls of a round at once, so that its answers surely come together.
    async with peer(*["together:50"] * rounds, "serve") as connection:
        monkeypatch.setattr(os, "write", counted)

        async def caller() -> None:
            for number in range(rounds):
                assert (await ask(connection, "m", {"n": number}))["params"] == {"n": number}

        async with anyio.create_task_group() as group:
            for _ in range(callers):
                group.start_soon(caller)
    assert writes < callers * rounds / 5


async def test_a_call_that_is_made_between_answers_and_the_next_calls_is_not_forgotten() -> None:
    async with peer("together:2", "serve") as connection:
        first, second = connection.start("a", b"{}"), connection.start("b", b"{}")
        await connection.wait(first)
        # Nobody but this task goes on with a call, and it has to go out all the same.
        assert second.done
        assert (await ask(connection, "c", {}, timeout=LIMIT))["method"] == "c"
