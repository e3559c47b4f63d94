"""The line reader: any chunking gives the same frames, and no line can stop it."""

from __future__ import annotations

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meerkat._core.framing import NO_VALUE, BadLine, Batch, Frame, LineReader

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def answer(key: int, result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": key, "result": result}).encode()


def notification(name: str, params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": name, "params": params}).encode()


answers = st.builds(answer, st.integers(1, 99), json_values)
notifications = st.builds(notification, st.text(max_size=10), json_values)
garbage = st.sampled_from(
    [b"\xff\xfe{}", b"12", b'"text"', b"[1]", b"null", b"{", b"INFO starting", b'{"id":1', b'{"method":5}', b"true"]
)


def plain(frame: Frame | BadLine | Batch) -> object:
    """A frame as a comparable value."""
    assert not isinstance(frame, Batch)  # nobody asked for them
    if isinstance(frame, BadLine):
        return ("bad", frame.text)
    values = [None if raw is NO_VALUE else msgspec.json.decode(raw) for raw in (frame.params, frame.result)]
    return (frame.id if frame.id is not msgspec.UNSET else None, frame.method, *values)


def chunks_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@given(
    lines=st.lists(answers | notifications | garbage, max_size=12),
    cuts=st.lists(st.integers(0, 10_000), max_size=20),
    newline=st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"]),
)
@pytest.mark.requirement("T01", "T03")
def test_chunking_does_not_matter(lines: list[bytes], cuts: list[int], newline: bytes) -> None:
    data = b"".join(line + newline for line in lines)
    whole = [plain(frame) for frame in LineReader(10_000).feed(data)]
    reader = LineReader(10_000)
    parts = [plain(frame) for chunk in chunks_of(data, cuts) for frame in reader.feed(chunk)]
    assert parts == whole
    assert len(whole) == len(lines)
    assert reader.end() == []


@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=8),
    cuts=st.lists(st.integers(0, 10_000), max_size=20),
)
@pytest.mark.requirement("T02")
def test_lines_over_the_limit_are_reported_and_reading_goes_on(sizes: list[int], cuts: list[int]) -> None:
    limit = 200
    lines = [json.dumps({"id": number, "result": "x" * size}).encode() for number, size in enumerate(sizes)]
    reader = LineReader(limit)
    frames = [f for chunk in chunks_of(b"\n".join(lines) + b"\n", cuts) for f in reader.feed(chunk)]
    assert len(frames) == len(lines)
    for number, (frame, line) in enumerate(zip(frames, lines, strict=True)):
        # The newline counts or not, depending on where the line was cut; the limit is not that sharp.
        if len(line) > limit + 1:
            assert isinstance(frame, BadLine)
            assert frame.answers == number
            assert frame.too_long in (len(line), len(line) + 1)
        elif len(line) < limit:
            assert isinstance(frame, Frame)
            assert frame.id == number


def test_last_line_without_newline_is_a_line() -> None:
    reader = LineReader(1000)
    assert reader.feed(b'{"id":7,"result":null}') == []
    (frame,) = reader.end()
    assert isinstance(frame, Frame)
    assert frame.id == 7
    assert frame.result is not NO_VALUE


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        (b'{"id":5,"error":"a string"}', 5),
        (b'{"id":5,"error":{"code":"x"}}', 5),
        (b'{"id":5,"method":"m","error":7}', None),
        (b'{"result":{"id":9},"id":', None),
        (b'{"jsonrpc":"2.0","id":5,"result":{"a":[01]}}', 5),
        (b'{"jsonrpc":"2.0","id":5,"result":{"text":"cut o', 5),
        (b'{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"\xff"}}', 5),
        (b'{"jsonrpc":"2.0","id":5,"result":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 5),
        (b'{"jsonrpc":"2.0","id":5,"error":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 5),
        (b'{"jsonrpc":"2.0","id":5,"method":"m","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
        (b"[" * 100_000 + b"]" * 100_000, None),
        (b'INFO {"id":5} was answered', None),
    ],
)
@pytest.mark.requirement("T03", "T04")
def test_a_bad_answer_says_whose_it_is(line: bytes, answers: int | None) -> None:
    (frame,) = LineReader(1_000_000).feed(line + b"\n")
    assert isinstance(frame, BadLine)
    assert frame.answers == answers


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        (b'{"jsonrpc":"2.0","id":31,"result":"' + b"y" * 5000, 31),
        (b'{"jsonrpc":"2.0","result":{"id":4,"x":"' + b"y" * 5000, None),
        (b'{"note":"\\"id\\":8","id":12,"result":"' + b"y" * 5000, 12),
        (b'{"jsonrpc":"2.0","id":31,"method":"tool/execute","params":"' + b"y" * 5000, None),
        (b"y" * 5000, None),
    ],
)
@pytest.mark.requirement("T02")
def test_owner_of_an_overlong_line_is_guessed_from_its_top_level_only(line: bytes, answers: int | None) -> None:
    (frame,) = LineReader(1000).feed(line + b"\n")
    assert isinstance(frame, BadLine)
    assert frame.answers == answers


@pytest.mark.requirement("T01")
def test_a_large_line_costs_linear_work() -> None:
    """20 MiB in 64 KiB chunks: parts are kept as they are and joined once."""
    line = b'{"id":1,"result":"' + b"z" * (20 * 1024 * 1024) + b'"}\n'
    reader = LineReader(64 * 1024 * 1024)
    out = [f for start in range(0, len(line), 65536) for f in reader.feed(line[start : start + 65536])]
    (frame,) = out
    assert isinstance(frame, Frame)
    assert len(memoryview(frame.result)) == 20 * 1024 * 1024 + 2
