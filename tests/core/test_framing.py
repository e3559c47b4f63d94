"""The line reader: any chunking gives the same frames, and no line can stop it."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meerkat._core import framing
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


class Counted(bytearray):
    """A buffer that counts the bytes that are looked through for something."""

    looked_at = 0

    def _look(self, *bounds: Any) -> None:
        start, end, _ = slice(*(bounds or (None,))).indices(len(self))
        Counted.looked_at += end - start

    def find(self, sub: Any, *bounds: Any) -> int:
        self._look(*bounds)
        return super().find(sub, *bounds)

    def rfind(self, sub: Any, *bounds: Any) -> int:
        self._look(*bounds)
        return super().rfind(sub, *bounds)

    def index(self, sub: Any, *bounds: Any) -> int:
        self._look(*bounds)
        return super().index(sub, *bounds)

    def count(self, sub: Any, *bounds: Any) -> int:
        self._look(*bounds)
        return super().count(sub, *bounds)

    def __contains__(self, sub: Any) -> bool:
        self._look()
        return super().__contains__(sub)


def work(lines: list[bytes], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Frame | BadLine | Batch], float]:
    """Read lines in pieces of 64 KiB; return the frames, and the bytes allocated and searched for each byte read."""
    data = b"".join(line + b"\n" for line in lines)
    chunks = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    monkeypatch.setattr(framing, "bytearray", Counted, raising=False)
    Counted.looked_at = 0
    reader = LineReader(64 * 1024 * 1024)
    out: list[Frame | BadLine | Batch] = []
    allocated = 0
    tracemalloc.start()
    try:
        for chunk in chunks:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            out += reader.feed(chunk)
            _, peak = tracemalloc.get_traced_memory()
            allocated += peak - before
    finally:
        tracemalloc.stop()
    return out, (allocated + Counted.looked_at) / len(data)


@pytest.mark.parametrize("size", [70 * 1024, 20 * 1024 * 1024])
@pytest.mark.requirement("T01")
def test_a_large_line_costs_linear_work(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte of a line is copied and searched a few times, however long it is."""
    out, effort = work([b'{"id":1,"result":"' + b"z" * size + b'"}'], monkeypatch)
    (frame,) = out
    assert isinstance(frame, Frame)
    assert len(memoryview(frame.result)) == size + 2
    assert effort < 8


@pytest.mark.parametrize("count", [1_000, 50_000])
@pytest.mark.requirement("T01")
def test_many_lines_cost_linear_work(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line costs a frame, and no line more for those before it."""
    out, effort = work([answer(number, "text") for number in range(count)], monkeypatch)
    assert [frame.id for frame in out if isinstance(frame, Frame)] == list(range(count))
    assert effort < 16


def test_effort_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that looks from the beginning, or copies what it has, at each piece, would be noticed."""

    def looks(self: LineReader, chunk: bytes) -> list[Any]:
        held: Any = self._begun
        held += chunk
        held.find(b"\n")
        return []

    def copies(self: LineReader, chunk: bytes) -> list[Any]:
        self._begun = self._begun + chunk
        return []

    for wrong in (looks, copies):
        with monkeypatch.context() as patch:
            patch.setattr(LineReader, "feed", wrong)
            _, effort = work([b"z" * 4 * 1024 * 1024], monkeypatch)
            assert effort > 16, wrong
