"""Callers that leave before the answer: what the runtime is told, and what is kept of them."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from meerkat._core.framing import ErrorBody
from meerkat._core.protocol import Protocol

if TYPE_CHECKING:
    from meerkat._core.call import Call

OUTCOMES: dict[str, dict[str, Any]] = {
    "a late answer": {"result": {"large": "x" * 1000}},
    "an error": {"error": {"code": -32603, "message": "too late"}},
    "cancelled": {"error": {"code": -32005, "message": "request cancelled"}},
}


def left(protocol: Protocol, *, cancellable: bool, params: bytes = b"{}") -> Call:
    """A call that went out, and whose caller has left."""
    call = protocol.call("m", params, cancellable=cancellable)
    protocol.data_to_send()
    protocol.abandon(call)
    return call


@pytest.mark.requirement("C01")
@pytest.mark.parametrize("cancellable", [True, False])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_comes_late_is_taken_silently(outcome: str, cancellable: bool, caplog: pytest.LogCaptureFixture) -> None:
    protocol = Protocol(probe="probe")
    call = left(protocol, cancellable=cancellable)
    told = protocol.data_to_send()
    cancel = b'{"jsonrpc":"2.0","method":"cancel","params":{"request_id":%d}}\n' % call.key
    assert told == (cancel if cancellable else b"")
    protocol.abandon(call)
    assert protocol.data_to_send() == b""  # once is enough
    assert protocol.pending == 1
    protocol.receive(json.dumps({"jsonrpc": "2.0", "id": call.key, **OUTCOMES[outcome]}).encode() + b"\n")
    assert protocol.pending == 0
    assert protocol.counters.late_answers == protocol.counters.bad_lines == 0
    assert caplog.records == []
    # A second one is nobody's.
    protocol.receive(b'{"jsonrpc":"2.0","id":%d,"result":1}\n' % call.key)
    assert protocol.counters.late_answers == 1


@pytest.mark.requirement("C01")
def test_an_error_without_an_id_may_be_that_of_a_call_that_was_left() -> None:
    """Whoever asked later must not get it."""
    protocol = Protocol(probe="probe")
    first = protocol.call("comms/send", b"{}", null_id_errors=True)
    protocol.data_to_send()
    protocol.abandon(first)
    second = protocol.call("comms/send", b"{}", null_id_errors=True)
    protocol.data_to_send()
    protocol.receive(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"wrong"}}\n')
    assert not second.done
    assert protocol.pending == 1
    protocol.receive(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"wrong"}}\n')
    assert isinstance(second.error, ErrorBody)


@pytest.mark.requirement("C01")
@pytest.mark.parametrize("cancellable", [True, False])
@pytest.mark.parametrize("window", [8192, None])
def test_silence_keeps_nothing_of_a_request(window: int | None, cancellable: bool) -> None:
    """A runtime that takes 200 large requests and answers none of them, though it answers the probes between them."""
    protocol = Protocol(probe="probe", window=window)
    params = b'{"text":"%b"}' % (b"x" * 100_000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(200):
            left(protocol, cancellable=cancellable, params=params)
            while (key := protocol.probe_out) is not None:
                protocol.receive(b'{"jsonrpc":"2.0","id":%d,"result":{}}\n' % key)
                protocol.data_to_send()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # So that their answers would be known for what they are; some are left before they have gone out.
    assert protocol.pending >= 100
    assert after - before < 1_000_000
