"""The text of a stream is whole, whatever of its events is missing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import CONTRACT_VERSION, EventGap, MeerkatClient, RunCompleted, RunResult, TextComplete, TextDelta, Usage
from meerkat.streaming import _Text
from tests.support import misbehaving

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.requirement("S09")

USAGE = Usage(input_tokens=1, output_tokens=1)
END = RunCompleted(session_id="s", result="one two", usage=USAGE, extraction_required=False)
LIMIT = 30


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([TextDelta(delta="one "), TextDelta(delta="two"), END], "one two"),
        ([TextDelta(delta="one "), TextDelta(delta="two"), TextComplete(content="one two"), END], "one two"),
        ([TextDelta(delta="one "), EventGap(missing=1, after_seq=1), END], "one two"),
        ([TextDelta(delta="one ")], "one two"),
        ([TextDelta(delta="one "), TextDelta(delta="two")], "one two"),
        ([TextComplete(content="one two")], "one two"),
        ([TextComplete(content="before a tool "), TextDelta(delta="on")], "before a tool one two"),
        ([], "one two"),
    ],
)
def test_missing_events(events: Sequence[Any], text: str) -> None:
    result = RunResult(session_id="s", text="one two", turns=1, tool_calls=0, usage=USAGE)
    whole = _Text()
    for event in events:
        whole.add(event)
    assert whole.whole(result) == text


async def test_a_run_whose_end_is_missing() -> None:
    """The answer comes in the middle of it, and then no event any more."""
    args = ["-I", "-S", str(misbehaving.__file__), CONTRACT_VERSION, "stream", "unfinished"]
    async with MeerkatClient(sys.executable, args=args) as client:
        with anyio.fail_after(LIMIT):
            text, result = await client.session(misbehaving.SESSION).stream("x").collect_text()
    assert text == result.text == "one two"
