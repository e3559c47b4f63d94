"""Lines that are no part of the protocol: noise, wrong JSON, broken text, too long ones; and floods of anything."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat import (
    CONTRACT_VERSION,
    DeadlineExceededError,
    MeerkatClient,
    MessageTooLargeError,
    ProtocolViolationError,
    RuntimeStartError,
    TransportError,
)
from meerkat._core.process import STDERR_TAIL, RuntimeProcess
from tests.faults.clients import LIMIT, PROGRAM, bounded, misbehaving, talking
from tests.faults.table import Grace
from tests.support.misbehaving import SESSION
from tests.support.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import Callable


async def converse(client: MeerkatClient) -> None:
    """Have every kind of conversation, all of which must go well."""

    @client.tool
    async def nothing() -> None:
        """Do nothing."""

    await client.call("runtime/health")
    assert await client.list_sessions() == []
    assert (await client.create_deferred_session("x")).id == SESSION
    session = await client.create_session("x")
    text, result = await session.stream("x").collect_text()
    assert text == result.text == "one two"
    assert (await session.turn("y")).text == "one two"
    async with await session.subscribe_events() as events:
        assert events.terminal_outcome is None
    assert await client.list_sessions() == []


MOMENTS = 16
"""How often the moment comes in such a conversation before it is closed, the handshake included."""

SKIPPED: dict[str, int] = {
    "noise": 3,
    "scalars": 5,
    "arrays": 3,
    "utf8": 3,
    "blank": 0,
    "objects": 4,
    "nulls": 2,
    "slowly": 0,
    "stderr:1048576": 0,
}
"""Faults that hurt nobody, and how many lines of each are counted as bad."""


@pytest.mark.parametrize("fault", SKIPPED)
@pytest.mark.requirement("T03", "T05", "S05")
async def test_noise_is_skipped_and_counted(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "meerkat")
    async with talking("always", fault) as client:
        await converse(client)
        assert client.diagnostics.bad_lines == SKIPPED[fault] * MOMENTS
        assert client.diagnostics.pending_calls == 0
    assert client.return_code == 0
    # A flood of noise is no flood of log records.
    warnings = [record for record in caplog.records if "skipped" in record.message]
    assert len(warnings) == min(SKIPPED[fault] * MOMENTS, 10)
    if fault.startswith("stderr"):
        assert client.stderr_tail.endswith("\nlast words\n")
        assert len(client.stderr_tail) == STDERR_TAIL
        transport = client._state.latest.connection.transport if client._state.latest else None
        assert isinstance(transport, RuntimeProcess)
        assert len(transport._tail) < 2 * STDERR_TAIL  # no more is kept of 16 MiB


@pytest.mark.requirement("T03")
async def test_answers_to_nobody_are_counted() -> None:
    async with talking("always", "nobody") as client:
        await converse(client)
        assert client.diagnostics.late_answers == 4 * MOMENTS
        assert client.diagnostics.bad_lines == MOMENTS  # an id that is a string is none of ours


@pytest.mark.parametrize("moment", ["register", "create", "subscribe"])
@pytest.mark.requirement("T03")
async def test_a_flood_of_noise_ends_the_connection(moment: str) -> None:
    client = misbehaving(moment, "flood:1500")
    with bounded():
        with pytest.raises(ProtocolViolationError, match=r"1,001 lines that are not part of the protocol") as caught:
            async with await client.connect():
                await converse(client)
        await client.close()
    assert isinstance(caught.value, TransportError)
    assert await background_tasks() == []


@pytest.mark.parametrize("moment", ["create", "subscribe"])
@pytest.mark.requirement("T02")
async def test_a_line_over_the_limit_that_may_be_anybodys(moment: str) -> None:
    """Whoever waits gets a typed error, and the connection lives on: what is asked later is answered."""
    async with talking(moment, "long:5000", max_line_bytes=4096) as client:
        with pytest.raises(MessageTooLargeError, match=r"5,00[01] bytes is over the limit of 4,096 bytes") as caught:
            await converse(client)
        assert caught.value.method is not None
        await client.call("runtime/health")
        assert client.diagnostics.pending_calls == 0
        assert client.diagnostics.bad_lines == 1
        assert client.diagnostics.late_answers == 1  # the proper one, which came behind it


@pytest.mark.requirement("T02")
async def test_an_answer_over_the_limit_fails_its_call_alone() -> None:
    async with talking("call", "longanswer:5000", max_line_bytes=4096) as client:
        outcomes: list[object] = []

        async def long() -> None:
            with pytest.raises(MessageTooLargeError, match="session/list") as caught:
                await client.list_sessions()
            outcomes.append(caught.value)

        async def other() -> None:
            outcomes.append(await client.call("other", {"n": 1}))

        async with anyio.create_task_group() as group:
            group.start_soon(long)
            group.start_soon(other)
        assert {"method": "other", "params": {"n": 1}} in outcomes
        assert await client.list_sessions() == []


PEAK = """
import resource, sys
import anyio
from meerkat import MeerkatClient, MessageTooLargeError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

async def main():
    limit = int(sys.argv[2])
    async with MeerkatClient(sys.executable, args=sys.argv[3:], max_line_bytes=limit) as client:
        assert await client.list_sessions() == []  # what a first call loads is loaded
        before = peak()
        try:
            await client.create_deferred_session("x")
        except MessageTooLargeError as error:
            assert f"300,000,0" in str(error) and f"limit of {limit:,} bytes" in str(error), error
        assert await client.list_sessions() == []
        print(peak() - before)

anyio.run(main, backend=sys.argv[1])
"""


@pytest.mark.parametrize("backend", ["trio", "asyncio"])
@pytest.mark.parametrize("limit", [4096, 16 * 1024 * 1024, 256 * 1024 * 1024])
@pytest.mark.requirement("T02")
def test_of_a_line_of_300_megabytes_no_more_is_kept_than_the_limit_allows(limit: int, backend: str) -> None:
    """Nothing of what is skipped stays, whatever the limit; in a process of its own, whose memory is its own."""
    runtime = ["-I", "-S", str(PROGRAM), CONTRACT_VERSION, "create", "longanswer:300000000"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, backend, str(limit), *runtime],
        capture_output=True, text=True, check=False, timeout=LIMIT * 4,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # A buffer that grows takes an eighth more than is in it.
    assert int(done.stdout) < limit * 9 / 8 + 4 * 1024 * 1024


# Half a line, or none at all, and then nothing


@pytest.mark.parametrize("faults", [["mute"], ["half", "mute"]], ids="-".join)
@pytest.mark.requirement("T07")
async def test_silence_before_it_is_ready(faults: list[str]) -> None:
    client = misbehaving("register", "stderr:10", *faults, connect_timeout=1.0)

    @client.tool
    async def nothing() -> None:
        """Do nothing."""

    with bounded(), pytest.raises(RuntimeStartError, match="within 1 seconds") as caught:
        await client.connect()
    assert "last words" in str(caught.value)
    assert await background_tasks() == []


@pytest.mark.parametrize("faults", [["mute"], ["half", "mute"]], ids="-".join)
@pytest.mark.requirement("C02", "T08")
async def test_silence_in_a_call(faults: list[str]) -> None:
    async with talking("call", *faults, timeout=0.2) as client:
        for _ in range(2):
            with pytest.raises(DeadlineExceededError, match=r"session/list: no answer within 0\.2 seconds"):
                await client.list_sessions()
        with pytest.raises(DeadlineExceededError, match=r"within 0\.1 seconds"):
            await client.call("session/list", timeout=0.1)
        with pytest.raises(DeadlineExceededError, match=r"within 0\.1 seconds"):
            await client.with_timeout(0.1).list_sessions()
        assert client.return_code is None


@pytest.mark.parametrize("faults", [["mute"], ["half", "mute"]], ids="-".join)
@pytest.mark.parametrize("moment", ["stream", "turn"])
@pytest.mark.requirement("C02", "S06", "T08")
async def test_silence_in_a_turn(moment: str, faults: list[str], shorten: Callable[..., None]) -> None:
    shorten(Grace.CANCEL)
    async with talking(moment, *faults) as client:
        session = client.session(SESSION)
        with anyio.move_on_after(0.2) as scope:
            async with session.stream("x") as events:
                async for _ in events:
                    pass
        assert scope.cancelled_caught
        # The turn was cancelled, and nothing answers that either: who comes next has a deadline of its own.
        with pytest.raises(DeadlineExceededError):
            await client.with_timeout(0.1).call("session/list", timeout=0.1)


def test_the_program_speaks_the_contract_of_this_package() -> None:
    assert CONTRACT_VERSION in misbehaving("never")._args
