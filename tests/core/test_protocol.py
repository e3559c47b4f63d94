"""The protocol as a state machine: every call ends exactly once, whatever the runtime does."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meerkat._core.errors import (
    InvalidResponseError,
    MeerkatError,
    MessageTooLargeError,
    ProtocolViolationError,
    RequestLostError,
)
from meerkat._core.flow import RESENDS
from meerkat._core.framing import NO_VALUE, ErrorBody
from meerkat._core.protocol import Protocol

if TYPE_CHECKING:
    from meerkat._core.call import Call

PROBE = "runtime/health"


def make(**options: Any) -> Protocol:
    return Protocol(probe=PROBE, **options)


def sent(protocol: Protocol) -> list[dict[str, Any]]:
    """What may be written now, decoded; whole lines only."""
    data = protocol.data_to_send()
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def answer(protocol: Protocol, key: int, result: object = None) -> None:
    protocol.receive(json.dumps({"jsonrpc": "2.0", "id": key, "result": result}).encode() + b"\n")


def stray(protocol: Protocol, code: int = -32700) -> None:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "Parse error"}}
    protocol.receive(json.dumps(body).encode() + b"\n")


def result(call: Call) -> Any:
    assert call.done
    assert call.error is None, call.error
    return json.loads(bytes(call.result))


def test_a_call_goes_out_and_its_answer_comes_back() -> None:
    protocol = make()
    call = protocol.call("session/list", b'{"limit":3}')
    assert sent(protocol) == [{"jsonrpc": "2.0", "id": call.key, "method": "session/list", "params": {"limit": 3}}]
    answer(protocol, call.key, {"sessions": []})
    assert result(call) == {"sessions": []}
    assert protocol.pending == 0


def test_a_call_that_is_over_needs_no_garbage_collector() -> None:
    protocol = make()
    told: list[bool] = []

    def one_call() -> None:
        call = protocol.call("session/read", b"{}")
        call.on_done += (lambda: told.append(call.done),)
        sent(protocol)
        answer(protocol, call.key, {"large": "x" * 1000})

    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            one_call()
        assert told == [True] * 100
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.requirement("C07")
def test_null_is_a_result_and_nothing_is_not() -> None:
    protocol = make()
    first, second = protocol.call("a", b"{}"), protocol.call("b", b"{}")
    answer(protocol, first.key, None)
    protocol.receive(b'{"jsonrpc":"2.0","id":%d}\n' % second.key)
    assert result(first) is None
    assert isinstance(second.error, InvalidResponseError)


@pytest.mark.requirement("T03")
def test_an_answer_that_is_no_answer_fails_its_call() -> None:
    protocol = make()
    call = protocol.call("a", b"{}")
    protocol.receive(b'{"jsonrpc":"2.0","id":%d,"error":"boom"}\n' % call.key)
    assert isinstance(call.error, InvalidResponseError)
    assert call.error.method == "a"


@pytest.mark.requirement("C01")
def test_leaving_a_call_that_did_not_go_out_sends_nothing() -> None:
    protocol = make()
    call = protocol.call("turn/start", b"{}", cancellable=True)
    protocol.abandon(call)
    assert sent(protocol) == []
    assert call.done
    assert protocol.pending == 0


@pytest.mark.requirement("C01")
def test_leaving_a_call_cancels_it_and_takes_the_late_answer() -> None:
    protocol = make()
    call = protocol.call("turn/start", b"{}", cancellable=True)
    sent(protocol)
    protocol.abandon(call)
    assert sent(protocol) == [{"jsonrpc": "2.0", "method": "cancel", "params": {"request_id": call.key}}]
    body = {"id": call.key, "error": {"code": -32005, "message": "request cancelled"}}
    protocol.receive(json.dumps(body).encode() + b"\n")
    assert protocol.pending == 0
    assert protocol.counters.late_answers == 0


@pytest.mark.requirement("C01")
def test_leaving_a_call_that_cannot_be_cancelled_sends_nothing() -> None:
    protocol = make()
    call = protocol.call("session/list", b"{}")
    sent(protocol)
    protocol.abandon(call)
    assert sent(protocol) == []
    answer(protocol, call.key)
    assert protocol.pending == 0


@pytest.mark.requirement("T06")
def test_the_first_fault_is_kept() -> None:
    protocol = make()
    call = protocol.call("a", b"{}")
    protocol.fail(MeerkatError(message="first"))
    protocol.fail(MeerkatError(message="second"))
    assert isinstance(call.error, MeerkatError)
    assert call.error.message == "first"
    with pytest.raises(MeerkatError, match="first"):
        protocol.call("b", b"{}")


def test_an_answer_to_nobody_is_counted() -> None:
    protocol = make()
    answer(protocol, 4711)
    assert protocol.counters.late_answers == 1


@pytest.mark.requirement("T03")
def test_noise_is_skipped_until_there_is_too_much_of_it() -> None:
    protocol = make(max_bad_lines=50)
    call = protocol.call("a", b"{}")
    protocol.receive(b"INFO hello\n" * 50)
    assert protocol.counters.bad_lines == 50
    assert not call.done
    protocol.receive(b"INFO hello\n")
    assert isinstance(call.error, ProtocolViolationError)


@pytest.mark.requirement("T02")
def test_a_line_over_the_limit_fails_the_call_that_it_answers() -> None:
    protocol = make(max_line=1000)
    small, large = protocol.call("a", b"{}"), protocol.call("b", b"{}")
    protocol.receive(b'{"jsonrpc":"2.0","id":%d,"result":"%b"}\n' % (large.key, b"x" * 2000))
    assert isinstance(large.error, MessageTooLargeError)
    assert "1,000" in str(large.error)
    assert not small.done
    answer(protocol, small.key, 1)
    assert result(small) == 1


@pytest.mark.requirement("S03")
def test_notifications_keep_their_place_among_the_answers() -> None:
    protocol = make()
    call = protocol.call("a", b"{}")
    order: list[object] = []
    call.on_done += (lambda: order.append("answer"),)
    lines = [
        b'{"jsonrpc":"2.0","method":"before","params":{}}',
        b'{"jsonrpc":"2.0","id":%d,"result":{}}' % call.key,
        b'{"jsonrpc":"2.0","method":"behind","params":{}}',
    ]
    assert protocol.receive(b"\n".join(lines) + b"\n", lambda request: order.append(request.method)) == []
    assert order == ["before", "answer", "behind"]


@pytest.mark.requirement("T02")
@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","method":"n","params":{"text":"%b"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"n","params":{"text":"%b"}}',
        b'{ "id" : 1 , "jsonrpc" : "2.0" , "method" : "n", "params":{"text":"%b"}}',
    ],
)
def test_a_request_or_notification_over_the_limit_is_nobodys_answer(line: bytes) -> None:
    protocol = make(max_line=1000)
    call = protocol.call("a", b"{}")
    assert protocol.data_to_send()
    protocol.receive(line % (b"x" * 9000) + b"\n")
    assert not call.done
    assert protocol.counters.bad_lines == 1


@pytest.mark.requirement("T02")
def test_a_line_over_the_limit_that_may_be_anybodys_fails_all_and_the_connection_lives_on() -> None:
    protocol = make(max_line=1000)
    first, second = protocol.call("a", b"{}"), protocol.call("b", b"{}")
    assert protocol.data_to_send()
    unsent = protocol.call("not out yet", b"{}")
    protocol.receive(b'{"result":"%b","id":%d}\n' % (b"x" * 9000, first.key))
    assert not unsent.done
    assert isinstance(first.error, MessageTooLargeError)
    assert isinstance(second.error, MessageTooLargeError)
    later = protocol.call("c", b"{}")
    answer(protocol, later.key, 5)
    assert result(later) == 5


@pytest.mark.parametrize("code", [-32602, -32700])
@pytest.mark.requirement("T04")
def test_an_error_without_id_ends_the_oldest_call_that_it_can_belong_to(code: int) -> None:
    protocol = make()
    turn = protocol.call("turn/start", b"{}", cancellable=True)
    sent(protocol)
    answer(protocol, 10**6)  # proves nothing about the turn
    first = protocol.call("comms/send", b"{}", null_id_errors=True)
    sent(protocol)
    protocol.receive(b'{"id":%d,"result":1}\n' % protocol.call("x", b"{}").key)
    stray(protocol, code)
    assert isinstance((first if code == -32602 else turn).error, ErrorBody)


@pytest.mark.requirement("T04")
def test_an_error_without_id_ends_a_turn_where_nothing_else_waits() -> None:
    """Its request was read; a line that was not may have been an answer of the client, and no turn ends for that."""
    protocol = make()
    turn = protocol.call("turn/start", b"{}", cancellable=True)
    sent(protocol)
    proof = protocol.call("x", b"{}")
    sent(protocol)
    answer(protocol, proof.key)
    stray(protocol, -32700)
    assert not turn.done
    stray(protocol, -32603)
    assert isinstance(turn.error, ErrorBody)
    assert protocol.pending == 0
    stray(protocol, -32603)
    assert protocol.counters.strays == 3


# Flow control


@pytest.mark.requirement("T15")
def test_no_more_than_the_window_is_unread() -> None:
    protocol = make(window=2000)
    calls = [protocol.call("session/list", b'{"labels":{"k":"%b"}}' % (b"v" * 100)) for _ in range(40)]
    out: list[int] = []
    for _ in range(200):
        lines = protocol.data_to_send()
        assert len(lines) <= 2000
        keys = [json.loads(line)["id"] for line in lines.splitlines()]
        if not keys:
            break
        out += keys
        # Only the last one is answered: it proves that all were read.
        answer(protocol, keys[-1], keys[-1])
    assert [call.key for call in calls if call.key not in out] == []


@pytest.mark.requirement("T15")
def test_a_full_window_without_an_answer_is_probed() -> None:
    protocol = make(window=2000)
    turns = [protocol.call("turn/start", b'{"prompt":"%b"}' % (b"p" * 400), cancellable=True) for _ in range(6)]
    lines = sent(protocol)
    assert [line["method"] for line in lines][-1] == PROBE
    assert len(lines) < len(turns) + 1
    answer(protocol, lines[-1]["id"], {"status": "ok"})
    more = sent(protocol)
    assert more[0]["id"] not in {line["id"] for line in lines}


@pytest.mark.requirement("T15")
def test_a_long_line_goes_alone_with_a_probe_behind_it() -> None:
    protocol = make()
    small = protocol.call("session/list", b"{}")
    long = protocol.call("session/create", b'{"prompt":"%b"}' % (b"p" * 20_000))
    after = protocol.call("session/list", b"{}")
    first = sent(protocol)
    assert first[0]["id"] == small.key
    assert first[-1]["method"] == PROBE
    answer(protocol, first[-1]["id"])
    second = sent(protocol)
    assert [line["method"] for line in second] == ["session/create", PROBE]
    assert sent(protocol) == []
    answer(protocol, second[1]["id"])
    assert [line["id"] for line in sent(protocol)] == [after.key]
    assert not long.done


@pytest.mark.parametrize("losses", [1, 3, RESENDS])
@pytest.mark.requirement("T15")
def test_a_lost_long_line_is_sent_again(losses: int) -> None:
    protocol = make()
    call = protocol.call("session/create", b'{"prompt":"%b"}' % (b"p" * 20_000))
    for _ in range(losses):
        lines = sent(protocol)
        assert [line["method"] for line in lines] == ["session/create", PROBE]
        stray(protocol)
        answer(protocol, lines[1]["id"])
    lines = sent(protocol)
    assert lines[0]["id"] == call.key
    answer(protocol, lines[1]["id"])
    assert sent(protocol) == []
    answer(protocol, call.key, "done")
    assert result(call) == "done"
    assert protocol.resent == losses


@pytest.mark.requirement("T15")
def test_a_line_that_is_lost_for_ever_is_a_typed_error() -> None:
    protocol = make()
    call = protocol.call("session/create", b'{"prompt":"%b"}' % (b"p" * 20_000))
    for _ in range(RESENDS + 1):
        lines = sent(protocol)
        stray(protocol)
        answer(protocol, lines[1]["id"])
    assert isinstance(call.error, RequestLostError)
    assert sent(protocol) == []
    assert protocol.pending == 0


@pytest.mark.requirement("T15")
def test_a_lost_probe_is_not_taken_for_a_lost_line() -> None:
    protocol = make()
    call = protocol.call("session/create", b'{"prompt":"%b"}' % (b"p" * 20_000))
    sent(protocol)
    stray(protocol)  # the probe's: the line itself was read
    protocol.probe_again()
    (probe,) = sent(protocol)
    answer(protocol, probe["id"])
    (another,) = sent(protocol)  # the stray may be the line's, and the first probe just slow
    answer(protocol, another["id"])
    assert sent(protocol) == []
    assert protocol.resent == 0
    answer(protocol, call.key, 1)
    assert result(call) == 1


@pytest.mark.requirement("T15")
def test_both_line_and_probe_lost_is_a_lost_line() -> None:
    protocol = make()
    call = protocol.call("session/create", b'{"prompt":"%b"}' % (b"p" * 20_000))
    sent(protocol)
    stray(protocol)
    stray(protocol)
    protocol.probe_again()
    (probe,) = sent(protocol)
    answer(protocol, probe["id"])
    assert sent(protocol)[0]["id"] == call.key


@pytest.mark.requirement("C01", "T15")
def test_a_long_line_that_nobody_waits_for_is_not_sent_again() -> None:
    protocol = make()
    call = protocol.call("session/create", b'{"prompt":"%b"}' % (b"p" * 20_000), cancellable=True)
    lines = sent(protocol)
    protocol.abandon(call)
    stray(protocol)
    answer(protocol, lines[1]["id"])
    assert [line["method"] for line in sent(protocol)] == ["cancel"]
    assert protocol.pending == 0


@pytest.mark.requirement("C01", "T15")
def test_a_lost_line_whose_caller_leaves_before_it_goes_out_again_is_over() -> None:
    protocol = make()
    call = protocol.call("session/create", b'{"prompt":"%b"}' % (b"p" * 20_000))
    lines = sent(protocol)
    stray(protocol)
    answer(protocol, lines[1]["id"])
    protocol.abandon(call)
    assert sent(protocol) == []
    assert isinstance(call.error, RequestLostError)
    assert protocol.pending == 0


def with_one_probe_unread(protocol: Protocol) -> tuple[list[Call], dict[str, Any]]:
    """Calls of which the first ones were read, and the one that has just gone out behind a probe."""
    calls = [protocol.call("session/list", b'{"labels":{"k":"%b"}}' % (b"v" * 400)) for _ in range(4)]
    *_, newest, probe = sent(protocol)
    assert probe["method"] == PROBE
    answer(protocol, newest["id"])
    (line,) = sent(protocol)
    return calls, line


@pytest.mark.requirement("T15")
def test_an_answer_makes_room_before_the_probe_is_answered() -> None:
    calls, line = with_one_probe_unread(make(window=2000))
    assert line["id"] == calls[-1].key


@pytest.mark.requirement("T15")
def test_a_long_line_that_is_withdrawn_lets_the_next_one_go() -> None:
    protocol = make()
    first, long, after = (protocol.call("m", b'{"p":"%b"}' % (b"p" * size)) for size in (10, 20_000, 10))
    assert sent(protocol)[0]["id"] == first.key
    protocol.abandon(long)
    assert [line["id"] for line in sent(protocol)] == [after.key]


@pytest.mark.requirement("T04", "T15")
def test_a_parse_error_is_the_call_s_that_is_not_known_to_be_read() -> None:
    protocol = make(window=2000)
    calls, _ = with_one_probe_unread(protocol)
    stray(protocol)
    assert isinstance(calls[-1].error, ErrorBody)
    assert [call.done for call in calls] == [False, False, True, True]


@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=20), st.data())
@pytest.mark.requirement("T15")
def test_nothing_runs_twice_and_nothing_is_lost_with_a_lossy_runtime(sizes: list[int], data: st.DataObject) -> None:
    """A runtime that loses long lines at will, and reports each loss as the real one does."""
    protocol = make()
    calls = [protocol.call("m", b'{"p":"%b"}' % (b"x" * size)) for size in sizes]
    ran: dict[int, int] = {}
    for _ in range(50 * len(sizes)):
        lines = protocol.data_to_send().splitlines(keepends=True)
        if not lines:
            break
        for line in lines:
            request = json.loads(line)
            if len(line) > 8192 and data.draw(st.booleans()):
                stray(protocol)
                continue
            if request["method"] != PROBE:
                ran[request["id"]] = ran.get(request["id"], 0) + 1
            answer(protocol, request["id"], request["id"])
    assert ran == {call.key: 1 for call in calls}
    assert all(call.result is not NO_VALUE for call in calls)
