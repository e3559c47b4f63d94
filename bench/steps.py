"""What a call costs apart from its event loop, step by step.

usage: python -m bench.steps

Each step is made again and again by itself, as it is when 100 calls are in flight; the least of some rounds counts.
Together with the row "on the bare event loop" they are what a call costs.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from meerkat import MeerkatClient
from meerkat._core.call import Call
from meerkat._core.deadlines import Deadlines
from meerkat._core.protocol import Protocol
from meerkat._generated.methods.runtime import RUNTIME_HEALTH
from meerkat._link import Link

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

TOGETHER = 100
TIMES = 300
ROUNDS = 7
RESULT = b'{"contract_version":{"major":0,"minor":6,"patch":5},"status":"ok","checks":{}}'
_ANSWERS = msgspec.json.Decoder(list[msgspec.Raw]).decode(b"[%b]" % RESULT)


def main() -> None:
    """Measure and print."""
    steps = asyncio.run(measure())
    print("| step | us |\n|---|--:|")
    for name, value in steps.items():
        print(f"| {name} | {value:.2f} |")
    print(f"| together | {sum(steps.values()):.2f} |")


async def measure() -> dict[str, float]:
    """Return the cost of each step in microseconds."""
    client = MeerkatClient("nothing")
    client._state.link = Link(_Answered(), None)  # type: ignore[arg-type]  # a connection where all is answered at once
    try:
        whole = await least(lambda: repeat(client.get_runtime_host_health))
    finally:
        client._state.link = None
    protocol = Protocol(probe=RUNTIME_HEALTH.name)
    deadlines = Deadlines(lambda: ())
    deadlines.set(call := Call(b"", 1), 0.0)
    made = await least(repeat_answers)
    decode = await least(lambda: repeat(_decode))
    nothing = await least(lambda: repeat(_nothing))
    try:
        return {
            "protocol: call, line, window, frame, answer, table": await least(lambda: exchange(protocol)) - made,
            "deadline: clock, comparison": await least(lambda: set_deadlines(deadlines, call)),
            "wrapper, state of the client, descriptor, two coroutines": whole - (decode - nothing),
            "the result to its type": decode - nothing,
        }
    finally:
        await deadlines.close()


async def least(run: Callable[[], Awaitable[None]]) -> float:
    """Return the least time of some rounds, in microseconds for each call."""
    times: list[float] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        await run()
        times.append(time.perf_counter() - begin)
    return min(times) / (TIMES * TOGETHER) * 1e6


async def repeat(function: Callable[[], Awaitable[object]]) -> None:
    for _ in range(TIMES * TOGETHER):
        await function()


async def exchange(protocol: Protocol) -> None:
    for _ in range(TIMES):
        calls = [protocol.call(RUNTIME_HEALTH.name, b"{}") for _ in range(TOGETHER)]
        protocol.data_to_send()
        protocol.receive(answers([call.key for call in calls]))
        protocol.data_to_send()  # what did not fit into the window


def answers(keys: Sequence[int]) -> bytes:
    return b"".join(b'{"jsonrpc":"2.0","id":%d,"result":%b}\n' % (key, RESULT) for key in keys)


async def repeat_answers() -> None:
    for _ in range(TIMES):
        answers(range(TOGETHER))


async def set_deadlines(deadlines: Deadlines, call: Call) -> None:
    for _ in range(TIMES * TOGETHER):
        deadlines.set(call, 60.0)


async def _decode() -> None:
    RUNTIME_HEALTH.decode(_ANSWERS[0])


async def _nothing() -> None:
    pass


class _Answered:
    """A connection whose calls are answered before anybody waits for them."""

    def __init__(self) -> None:
        self._call = Call(b"", 1)
        self._call.settle(_ANSWERS[0], None)

    def start(self, method: str, params: bytes, *, cancellable: bool, null_id_errors: bool) -> Call:
        del method, params, cancellable, null_id_errors
        return self._call

    def settled(self, call: Call, timeout: float | None) -> _Now:
        del call, timeout
        return _NOW


class _Now:
    def __await__(self) -> Generator[None, None, None]:
        return self  # type: ignore[return-value]  # it is its own iterator

    def __iter__(self) -> _Now:
        return self

    def __next__(self) -> None:
        raise StopIteration


_NOW = _Now()

if __name__ == "__main__":
    main()
