"""How much the runtime has not read yet: never more than it can lose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meerkat._core.flow import WINDOW
from meerkat._core.protocol import Protocol

if TYPE_CHECKING:
    from meerkat._core.call import Call

PROBE = "runtime/health"
PAGE = 4096


class Reading:
    """A runtime that reads all that was written when it wants to, and answers what it has read in any order."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.unread: list[bytes] = []
        self.unproved: list[bytes] = []  # not known to be read, as far as the client can tell
        self.open: list[int] = []

    def write(self) -> None:
        """Let the client write; look at what can be lost by then."""
        lines = self.protocol.data_to_send().splitlines(keepends=True)
        self.unread += lines
        self.unproved += lines
        sizes = [len(line) for line in self.unproved]
        assert sum(sizes) <= WINDOW or self.is_one_long_line(), sizes

    def is_one_long_line(self) -> bool:
        """Whether there is nothing but a line over the window, with probes around it."""
        methods: list[str] = [json.loads(line)["method"] for line in self.unproved]
        return sum(method != PROBE for method in methods) == 1

    def read(self) -> None:
        """Read everything."""
        for line in self.unread:
            message = json.loads(line)
            if "id" in message:
                self.open.append(message["id"])
        self.unread.clear()

    def answer(self, index: int) -> None:
        """Answer something, which proves that it was read, and all before it."""
        if not self.open:
            return
        key = self.open.pop(index % len(self.open))
        for place, line in enumerate(self.unproved):
            if json.loads(line).get("id") == key:
                del self.unproved[: place + 1]
                break
        self.protocol.receive(b'{"jsonrpc":"2.0","id":%d,"result":{}}\n' % key)


SIZES = st.one_of(st.integers(0, 3_000), st.integers(7_000, 9_000), st.integers(0, 30_000))
STEPS = st.one_of(
    st.tuples(st.just("calls"), st.lists(SIZES, min_size=1, max_size=12)),
    st.tuples(st.just("leave"), st.integers(0, 50)),
    st.tuples(st.just("answer"), st.integers(0, 50)),
    st.tuples(st.sampled_from(["read", "write"]), st.just(0)),
)


@pytest.mark.requirement("T15")
@settings(max_examples=200)
@given(steps=st.lists(STEPS, min_size=5, max_size=60))
def test_at_most_the_window_is_unread_or_one_long_line(steps: list[tuple[str, Any]]) -> None:
    """Calls of all sizes, callers that leave, answers in any order: in the end, all is sent."""
    protocol = Protocol(probe=PROBE)
    runtime = Reading(protocol)
    calls: list[Call] = []
    for step, value in steps:
        match step:
            case "calls":
                sizes: list[int] = value
                calls += [
                    protocol.call("m", b'{"p":"%b"}' % (b"x" * size), cancellable=size % 2 == 1) for size in sizes
                ]
            case "leave" if calls:
                index: int = value % len(calls)
                protocol.abandon(calls[index])
            case "answer":
                runtime.answer(value)
            case "read":
                runtime.read()
            case _:
                runtime.write()
    for _ in range(10 * len(calls) + 10):
        runtime.write()
        runtime.read()
        runtime.answer(0)
    assert all(call.done for call in calls)
    assert protocol.pending == 0
    assert not runtime.open


@pytest.mark.requirement("T15")
@given(text=st.text(max_size=50), size=st.integers(0, 3), around=st.integers(-100, 3), kind=st.sampled_from("cna"))
def test_whatever_is_left_of_a_line_that_is_lost_is_seen_and_understood(
    text: str, size: int, around: int, kind: str
) -> None:
    """No character of several bytes can be cut in two, and the newline never stands alone in a page of the pipe."""
    text += "p" * max(0, size * PAGE + around)
    protocol = Protocol(probe=PROBE)
    params = msgspec.json.encode({"text": text})
    if kind == "c":
        protocol.call("m", params)
    elif kind == "n":
        protocol.notify("m", params)
    else:
        protocol.answer("漢", params)
    line, *probe = protocol.data_to_send().splitlines(keepends=True)
    assert line.isascii()
    assert len(line) % PAGE != 1
    assert json.loads(line).get("params" if kind != "a" else "result") == {"text": text}
    assert len(probe) == (len(line) > WINDOW - 256)


@pytest.mark.requirement("T15")
@pytest.mark.parametrize("pages", [1, 2, 3])
def test_no_line_has_its_newline_alone_in_a_page(pages: int) -> None:
    protocol = Protocol(probe=PROBE)
    sizes: set[int] = set()
    for padding in range(pages * PAGE - 100, pages * PAGE):
        protocol.notify("m", b'{"text":"%b"}' % (b"p" * padding))
        line = protocol.data_to_send().splitlines(keepends=True)[0]
        assert json.loads(line)["params"] == {"text": "p" * padding}
        sizes.add(len(line) - pages * PAGE)
        protocol = Protocol(probe=PROBE)
    assert sizes.isdisjoint({1})
    assert sizes >= {-1, 0, 2, 3}


@pytest.mark.requirement("T15", "C01")
def test_a_probe_that_waits_is_not_held_up_by_a_cancellation() -> None:
    """A long line and the probe behind it were lost: only another probe can tell, and all else waits for that."""
    protocol = Protocol(probe=PROBE)
    call = protocol.call("m", b'{"p":"%b"}' % (b"x" * 2 * WINDOW), cancellable=True)
    assert len(protocol.data_to_send().splitlines()) == 2
    protocol.probe_again()  # while the pipe takes nothing
    protocol.abandon(call)
    (probe,) = map(json.loads, protocol.data_to_send().splitlines())
    assert probe["method"] == PROBE
    protocol.receive(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"lost"}}\n' * 2)
    protocol.receive(b'{"jsonrpc":"2.0","id":%d,"result":{}}\n' % probe["id"])
    (cancel,) = map(json.loads, protocol.data_to_send().splitlines())
    assert cancel["params"] == {"request_id": call.key}
    assert call.done
    assert protocol.pending == protocol.waiting == 0
