"""The calls of this package with the arguments of every recorded request write the lines that were recorded.

Each is answered as the real runtime answered it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from meerkat._core.errors import InvalidArgumentError, MeerkatError
from tests.contract.calls import CALLED, OF_THE_CLIENT, call, differences
from tests.contract.wire import run_of
from tests.support.recordings import REFUSALS, Exchange, scenarios
from tests.test_recordings import ACCEPTED_BUT_REFUSED_HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.wire import Wire

pytestmark = pytest.mark.anyio


def exchanges() -> Iterator[Exchange]:
    """Recorded requests that the runtime took, of methods that are called on their own."""
    for scenario in scenarios().values():
        for exchange in scenario.exchanges(">"):
            taken = exchange.answer is not None and exchange.error_code not in REFUSALS
            if exchange.method in CALLED and taken:
                yield exchange


RECORDED = {f"{exchange.request} {exchange.method}": exchange for exchange in exchanges()}


@pytest.mark.parametrize("name", RECORDED)
async def test_recorded_requests_are_written(wire: Wire, name: str) -> None:
    exchange = RECORDED[name]
    method = CALLED[exchange.method]
    given: dict[str, Any] = exchange.params or {}
    prepare(wire, exchange, given)
    failure: Exception | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            await call(wire.client, method.name, given)
        except (MeerkatError, TypeError) as error:
            failure = error
    if str(exchange.request) in ACCEPTED_BUT_REFUSED_HERE:
        assert isinstance(failure, InvalidArgumentError | TypeError)
        return
    assert getattr(failure, "code", failure) == exchange.error_code
    (sent,) = wire.requests(method.name)
    assert not list(differences(method, given, sent))


def prepare(wire: Wire, exchange: Exchange, given: dict[str, Any]) -> None:
    """Let the runtime answer as it did."""
    assert exchange.answer is not None
    message = exchange.answer.message
    outcome = {key: message[key] for key in ("result", "error") if key in message}
    before: list[dict[str, Any]] = []
    if exchange.method in {"session/create", "turn/start"}:
        session_id = given.get("session_id") or outcome.get("result", {}).get("session_id", "")
        before = run_of(session_id, given["prompt"])
    if exchange.method == "session/peer_response_terminal":
        wire.answer_validly(CALLED[exchange.method], given)
    if exchange.method in {"session/stream_open", "mob/stream_open"}:
        wire.ends_stream(outcome.get("result", {}).get("stream_id", ""))
    wire.told(exchange.method, outcome, *before)


def test_most_methods_were_recorded() -> None:
    recorded = {exchange.method for exchange in RECORDED.values()}
    assert len(recorded) > 0.7 * len(CALLED)
    assert recorded.isdisjoint(OF_THE_CLIENT)
