"""Bytes to lines to frames: one JSON value a line, whatever the sizes of the chunks. No I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIX_SIZE: Final = 4096  # how much of an overlong line is kept, to tell which call it answers
NO_VALUE: Final = msgspec.Raw()  # marks an absent key; a null is Raw(b"null")


class ErrorBody(msgspec.Struct, gc=False):
    """The ``error`` of an answer."""

    code: int
    message: str = ""
    data: msgspec.Raw = NO_VALUE


class Frame(msgspec.Struct, gc=False):
    """One line: a request, a notification or an answer. Values stay undecoded until their type is known."""

    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    method: str | None = None
    params: msgspec.Raw = NO_VALUE
    result: msgspec.Raw = NO_VALUE
    error: ErrorBody | None = None


class BadLine(msgspec.Struct, gc=False):
    """A line that is no frame.

    Attributes:
        reason: What is wrong with it.
        text: Its beginning.
        answers: Id of the call that it seems to answer, if it can be told.
        too_long: Its length in bytes when it was over the limit, else 0.
        is_request: Whether it is a request or a notification of the runtime for sure, and so nobody's answer.
    """

    reason: str
    text: str
    answers: int | None = None
    too_long: int = 0
    is_request: bool = False


class Batch(msgspec.Struct, gc=False):
    """Lines of one kind that came together, decoded to the end at once.

    Attributes:
        lines: What the decoder of `LineReader.decode_at_once` made of them.
        size: How many bytes they had.
    """

    lines: list[Any]
    size: int


MARK_WITHIN: Final = 64  # bytes of a line in which its method is looked for

_frames = msgspec.json.Decoder(Frame)


class LineReader:
    """Cuts a byte stream into frames.

    Lines are decoded a block at a time, since one call of the decoder for many lines is much faster; only when a block
    has a bad line is it decoded line by line. Cost is linear in the size of a line.

    Args:
        limit: Longest line in bytes that is kept; a longer one becomes a `BadLine` and reading goes on behind it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._begun = bytearray()  # of the line that is not complete yet; growing it copies nothing that is large
        self._size = 0
        self._skipping = False  # the line is over the limit: only its size and its beginning are of interest
        self._mark = b""
        self._decode_marked: Callable[[bytes | bytearray], list[Any]] | None = None

    def decode_at_once(self, mark: bytes, decode: Callable[[bytes | bytearray], list[Any]]) -> None:
        """Try a decoder on blocks that begin with a line of one kind; they become a `Batch` if all of it fits.

        Decoding such lines in one step instead of two, without a look at each of them, is several times faster. A
        block with anything else in it takes the usual way.

        Args:
            mark: Bytes near the beginning of a line that tell its kind.
            decode: Decodes a block of lines; raises when it cannot decode every single one.
        """
        self._mark = mark
        self._decode_marked = decode

    def feed(self, chunk: bytes) -> list[Frame | BadLine | Batch]:
        """Take the next bytes; return what became complete with them, in order."""
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._keep(chunk)
            return []
        out: list[Frame | BadLine | Batch] = []
        start = 0
        if self._begun and self._size + len(chunk) > self._limit:
            start = chunk.index(b"\n") + 1
            self._keep(chunk[:start])
            self._finish(out)
        if self._begun:
            # One block: what began before, and what is whole of this chunk.
            self._begun += memoryview(chunk)[:end]
            self._decode(self._take_begun(), out)
        elif start < end:
            self._decode(chunk[start:end], out)
        if end < len(chunk):
            self._keep(chunk[end:])
        return out

    def end(self) -> list[Frame | BadLine | Batch]:
        """Take the end of the stream; a line without its newline is still a line."""
        out: list[Frame | BadLine | Batch] = []
        if self._begun:
            self._finish(out)
        return out

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._skipping:
            return
        self._begun += part
        if self._size > self._limit:
            self._skipping = True
            del self._begun[PREFIX_SIZE:]

    def _take_begun(self) -> bytearray:
        # What is decoded refers to it, so it must not change any more.
        begun, self._begun = self._begun, bytearray()
        self._size, self._skipping = 0, False
        return begun

    def _finish(self, out: list[Frame | BadLine | Batch]) -> None:
        size, skipped = self._size, self._skipping
        line = self._take_begun()
        if skipped:
            out.append(_too_long(line, size, self._limit))
        else:
            self._decode(line, out)

    def _decode(self, block: bytes | bytearray, out: list[Frame | BadLine | Batch]) -> None:
        if len(block) <= self._limit:
            if self._decode_marked is not None and block.find(self._mark, 0, MARK_WITHIN) >= 0:
                try:
                    out.append(Batch(self._decode_marked(block), len(block)))
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    pass
                else:
                    return
            try:
                frames = _frames.decode_lines(block)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
            else:
                out.extend(frames)
                return
        for line in block.split(b"\n"):
            if len(line) > self._limit:
                out.append(_too_long(line[:PREFIX_SIZE], len(line), self._limit))
            elif line.strip():
                out.append(_decode_line(line))


def _decode_line(line: bytes | bytearray) -> Frame | BadLine:
    try:
        return _frames.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = line[:PREFIX_SIZE].decode(errors="replace")
        return BadLine(f"not a JSON-RPC message: {error}", text, _answered_id(line))


def _too_long(prefix: bytes | bytearray, size: int, limit: int) -> BadLine:
    reason = f"a line of {size:,} bytes is over the limit of {limit:,} bytes"
    answers, is_request = _guess(prefix)
    return BadLine(reason, prefix.decode(errors="replace"), answers, size, is_request)


class _Answer(msgspec.Struct):
    id: int
    method: msgspec.Raw = NO_VALUE


def _answered_id(line: bytes | bytearray) -> int | None:
    """Id of the call that a line answers which is no proper answer, so that its caller does not wait in vain."""
    try:
        answer = msgspec.json.decode(line, type=_Answer)
    except msgspec.ValidationError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        begin = line[:PREFIX_SIZE]
        return _guess(begin)[0] if b'"result":' in begin or b'"error":' in begin else None
    return answer.id if answer.method is NO_VALUE else None


def _guess(prefix: bytes | bytearray) -> tuple[int | None, bool]:
    """Read the beginning of a line that cannot be decoded, up to the big value.

    Returns:
        Id of the call that it answers, if that can be told; and whether it answers nobody, being a request or a
        notification.
    """
    answers = None
    for name, end in _names(prefix):
        if name == b"method":
            return None, True
        if name == b"id":
            digits = prefix[end:].lstrip().split(b",", 1)[0].strip(b" }")
            answers = int(digits) if digits.isdigit() else None
        elif name in {b"result", b"error"}:
            break
    return answers, False


def _names(prefix: bytes | bytearray) -> Iterator[tuple[bytes, int]]:
    """Names of the outermost object in the beginning of a line, each with where its value begins."""
    depth = 0
    for token in _TOKEN.finditer(prefix):
        if token[0] in {b"{", b"["}:
            depth += 1
        elif token[0] in {b"}", b"]"}:
            depth -= 1
        elif depth == 1 and token["name"] is not None:
            yield bytes(token["name"]), token.end()


# A string with a colon behind it, another string, or a bracket.
_TOKEN: Final = re.compile(rb'"(?P<name>(?:[^"\\]|\\.)*)"\s*:|"(?:[^"\\]|\\.)*"?|[{}\[\]]', re.DOTALL)
