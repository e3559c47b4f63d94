"""A cancellation that must wait until the runtime can obey it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meerkat._core.errors import NotConnectedError
from meerkat._core.protocol import Protocol

if TYPE_CHECKING:
    from meerkat._core.call import Call

pytestmark = pytest.mark.requirement("C01")


def held() -> tuple[Protocol, Call]:
    """A call that has gone out and must not be cancelled yet."""
    protocol = Protocol(probe="probe")
    call = protocol.call("run", b"{}", cancellable=True)
    call.cancel_held = True
    assert [line["method"] for line in sent(protocol)] == ["run"]
    return protocol, call


def sent(protocol: Protocol) -> list[dict[str, Any]]:
    return [json.loads(line) for line in protocol.data_to_send().splitlines()]


def test_it_goes_out_when_it_may() -> None:
    protocol, call = held()
    protocol.abandon(call)
    assert sent(protocol) == []
    protocol.may_cancel(call)
    assert [(line["method"], line["params"]) for line in sent(protocol)] == [("cancel", {"request_id": call.key})]
    protocol.may_cancel(call)
    assert sent(protocol) == []


def test_it_goes_out_at_once_after_that() -> None:
    protocol, call = held()
    protocol.may_cancel(call)
    assert sent(protocol) == []
    protocol.abandon(call)
    assert [line["method"] for line in sent(protocol)] == ["cancel"]


def test_nothing_is_cancelled_that_is_answered() -> None:
    protocol, call = held()
    protocol.abandon(call)
    protocol.receive(b'{"jsonrpc":"2.0","id":%d,"result":{}}\n' % call.key)
    protocol.may_cancel(call)
    assert sent(protocol) == []


def test_it_goes_out_when_the_connection_is_closed() -> None:
    """The runtime ends then, and may be told at any time."""
    protocol, call = held()
    protocol.abandon(call)
    protocol.cancel_all()
    assert [line["method"] for line in sent(protocol)] == ["cancel"]
    protocol.fail(NotConnectedError(message="closed"))
    assert protocol.unanswered == {call.key}
