"""Plays the fault matrix: every fault, in every phase, on both backends, and then looks for what is left."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    DeadlineExceededError,
    MeerkatError,
    MessageTooLargeError,
    NotConnectedError,
    SessionNotFoundError,
    TextDelta,
)
from meerkat._core.errors import TransportError
from tests.faults.clients import LIMIT, SHORT, Stock, bounded, misbehaving, stock
from tests.faults.table import CELLS, COUNTERS, LENGTHS, MATRIX, Cell, Grace, Row, read
from tests.faults.table import FAULTS as NAMED
from tests.support.misbehaving import FAULTS, OTHER, SESSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meerkat import Diagnostics, EventSubscription, MeerkatClient

ROWS = read()
METHODS = {
    "start": "initialize",
    "handshake": "initialize",
    "call": "session/list",
    "stream": "turn/start",
    "turn": "turn/start",
}
TEXT = "one two"
EVENTS = 7  # of a turn


def cells() -> list[Any]:
    """Every cell that can be played; turns are waited for in two ways."""
    return [
        pytest.param(row, phase, how, id=f"{row.name}-{how}", marks=pytest.mark.requirement(*row.keeps))
        for row in ROWS
        for phase, cell in row.cells.items()
        if not cell.impossible
        for how in ([phase, "result"] if phase == "turn" else [phase])
    ]


@pytest.mark.parametrize(("row", "phase", "how"), cells())
async def test_cell(
    row: Row, phase: str, how: str, shorten: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    shorten(*row.cells[phase].waits)
    with stock() as before:
        play = Play(row, phase, how, before)
        try:
            with bounded():
                await (play.connecting() if phase in {"start", "handshake"} else play.connected())
        finally:
            with bounded():
                await play.client.close()
            end_daemons(before)
        await before.check()
    warnings = [record.getMessage() for record in caplog.records]
    assert [words for words in warnings if not re.search(expected_warnings(row, play.cell), words)] == []


def expected_warnings(row: Row, cell: Cell) -> str:
    """What the log may say: something was skipped, or a runtime did not end when it was told to."""
    words: list[str] = []
    if Grace.SHUTDOWN in cell.waits:
        words.append(r"did not end in time, sending SIG")
    if "bad" in row.counts or {"half", "flood"} & {*re.split(r"\W", row.name)}:
        words.append(r"^line [\d,]+ from the runtime .*was skipped")
    if "late" in row.counts or cell.kind is MessageTooLargeError or "stray" in row.counts:
        words.append(r"which is not pending, was skipped")
    if "stray" in row.counts:
        words.append(r"^an error that answers no request was skipped")
    return "|".join(words) or "^$"


def end_daemons(before: Stock) -> None:
    """End what has left the runtime's process group, so that the client cannot find it: it was not its to end."""
    for runtime in before.started:
        for pid in re.findall(r"daemon (\d+)", runtime.stderr_tail):
            os.kill(int(pid), signal.SIGKILL)


class Play:
    """A cell that is being played.

    Attributes:
        cell: What the user must see.
        client: The client.
        saw: What each call gave, its error included: ``own`` is that of the user, ``pending`` that of somebody else.
    """

    def __init__(self, row: Row, phase: str, how: str, before: Stock) -> None:
        self.row = row
        self.phase = phase
        self.how = how
        self.before = before
        self.cell = row.cells[phase]
        faults = [*(["stderr:20"] if row.ends else []), *row.faults]
        self.client = misbehaving(phase, *faults, **row.options)
        self.impatient = self.client
        self.saw: dict[str, Any] = {}
        self.text = ""  # what a stream showed

    async def connecting(self) -> None:
        """The fault comes before there is a connection."""
        await self.attempt("own", self.client.connect)
        if self.cell.harm == "nobody":
            assert self.saw["own"] is self.client
            self.check_counts()
            await self.goes_on(self.client)
            return
        self.check_error("own")
        assert self.client.pid is None
        assert self.client._state.link is None

    async def connected(self) -> None:
        """The fault comes while somebody else's turn is under way."""
        await self.client.connect()
        events = None
        if self.phase == "idle" and not self.cell.dumb:
            events = await self.client.subscribe_session_events(SESSION)
        if self.cell.kind is not None and Grace.DEADLINE in self.cell.waits:
            self.impatient = self.client.with_timeout(SHORT)
        async with anyio.create_task_group() as group:
            if not self.row.alone:
                other = self.impatient if self.cell.dumb else self.client
                group.start_soon(self.attempt, "pending", lambda: other.start_turn(OTHER, "x"))
                await self.until(lambda: self.client.diagnostics.pending_calls > 0 or "pending" in self.saw)
            if events is not None:
                await self.following(events)
            else:
                await SCENES[self.how](self)
            if self.phase == "close":
                return
            await self.aftermath()

    async def attempt(self, name: str, call: Callable[[], Awaitable[Any]]) -> None:
        """Make a call and keep what it gives; nothing but a result or a typed error may leave it."""
        try:
            self.saw[name] = await call()
        except MeerkatError as error:
            self.saw[name] = error

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let others run until something is so."""
        while not condition():
            await anyio.lowlevel.checkpoint()

    # What the user does

    async def following(self, events: EventSubscription[Any]) -> None:
        """Follow a subscription, and ask nothing."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.attempt, "own", lambda: anext(events))
            await self.client.call("runtime/health")
            if self.cell.harm in {"own", "everybody"}:
                await self.until(lambda: "own" in self.saw)
            elif self.cell.harm == "waiting":
                await self.until(lambda: "pending" in self.saw)
            else:
                await self.until(lambda: self.counted() == self.expected_counts())
            group.cancel_scope.cancel()
        await events.close()

    async def idle(self) -> None:
        """Ask something when the runtime has gone silent."""
        await self.client.call("runtime/health")
        await self.attempt("own", self.impatient.list_sessions)

    async def call(self) -> None:
        """Wait for an answer."""
        await self.attempt("own", self.impatient.list_sessions)

    async def result(self) -> None:
        """Wait for the result of a turn."""
        await self.attempt("own", lambda: self.impatient.start_turn(SESSION, "x"))

    async def stream(self) -> None:
        """Iterate over the events of a turn."""

        async def iterate() -> object:
            async with self.impatient.stream_turn(SESSION, "x") as events:
                async for event in events:
                    self.text += event.delta if isinstance(event, TextDelta) else ""
            return events.result

        await self.attempt("own", iterate)
        if self.cell.harm == "everybody":
            # What came with the last straw is shown, too.
            assert self.text in {"one " if self.phase == "stream" else TEXT, TEXT if "flood" in self.row.name else ""}
        elif self.cell.harm == "nobody" and "backwards" not in self.row.faults:
            assert self.text == ("one " if Grace.RUNNING in self.cell.waits else TEXT)
        else:
            assert TEXT.startswith(self.text)

    async def close(self) -> None:
        """Close the client, again, and from several tasks at once."""
        await self.client.call("runtime/health")
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(self.client.close)
        await self.client.close()
        await self.until(lambda: "pending" in self.saw or self.row.alone)
        if not self.row.alone:
            error = self.saw["pending"]
            assert isinstance(error, NotConnectedError)
            assert "the client was closed" in str(error)
        status = self.row.status if self.row.status is not None else 0
        assert self.client.return_code == (status if self.cell.end is None else self.cell.end)
        assert self.client.pid is None
        assert self.client.diagnostics.pending_calls == 0

    # What must be so then

    async def aftermath(self) -> None:
        """Look at who was harmed, and whether the others were not."""
        harmed = {"nobody": [], "own": ["own"], "waiting": ["own", "pending"], "everybody": ["own", "pending"]}
        names = harmed[self.cell.harm] + (["pending"] if self.cell.dumb else [])
        if self.phase == "idle" and self.cell.harm == "waiting":
            names.remove("own")  # a subscription waits for no answer
        await self.until(lambda: self.saw.keys() >= {*names})
        for name in names:
            self.check_error(name)
        if self.cell.harm == "everybody":
            await self.is_over()
        elif self.cell.dumb:
            assert self.client.return_code is None
            await self.attempt("next", self.impatient.list_sessions)
            assert type(self.saw["next"]) is self.cell.kind
        else:
            await self.goes_on(self.client)
            await self.until(lambda: "pending" in self.saw or self.row.alone)
            assert self.client.diagnostics.pending_calls == (self.cell.kind is DeadlineExceededError)
            if not self.row.alone and "pending" not in names:
                assert self.saw["pending"].text == TEXT
            if "own" not in names and self.phase != "idle":
                assert self.saw["own"] == [] if self.phase == "call" else self.saw["own"].text == TEXT
            self.check_counts()

    def check_error(self, name: str) -> None:
        """It is of the right class, says what happened and to which call, and is nobody else's."""
        error = self.saw[name]
        assert type(error) is self.cell.kind, repr(error)
        assert re.search(self.row.says, str(error), re.DOTALL), str(error)
        assert all(other is not error for key, other in self.saw.items() if key != name)
        if name == "own" and self.phase in METHODS and not isinstance(error, TransportError):
            assert error.method == METHODS[self.phase]
            assert METHODS[self.phase] in str(error)
        if self.row.ends:
            assert isinstance(error, TransportError)
            assert error.return_code == self.row.status
            assert error.stderr_tail.startswith("e" * 20)
            assert "last words" in str(error)

    async def is_over(self) -> None:
        """Whatever is asked later gets the same error, at once."""
        assert self.client.diagnostics.pending_calls == 0
        started = time.monotonic()
        await self.attempt("later", self.client.list_sessions)
        await self.attempt("later turn", lambda: self.client.start_turn(SESSION, "x"))
        assert time.monotonic() - started < LIMIT / 10
        self.check_error("later")
        self.check_error("later turn")

    async def goes_on(self, client: MeerkatClient) -> None:
        """Calls are answered and streams are whole, as if nothing had been."""
        assert await client.list_sessions() == []
        session = client.session(SESSION)
        assert (await session.stream("y").collect_text())[0] == TEXT
        assert (await session.turn("z")).text == TEXT

    def counted(self) -> dict[str, int]:
        """What was counted until now."""
        found: Diagnostics = self.client.diagnostics
        return {name: getattr(found, name) for name in COUNTERS.values()}

    def expected_counts(self) -> dict[str, int]:
        """What must have been counted in the end."""
        expected = dict.fromkeys(COUNTERS.values(), 0)
        for word, number in self.row.counts.items():
            if word != "homeless" or self.phase not in {"stream", "turn"}:
                expected[COUNTERS[word]] += number
        if self.cell.harm == "waiting":
            # Who was told that the answer may have been lost is answered all the same.
            expected["late_answers"] += 1 if self.phase == "idle" else 2
        return expected

    def check_counts(self) -> None:
        found, expected = self.counted(), self.expected_counts()
        if self.cell.kind is SessionNotFoundError and self.phase in {"stream", "turn"}:
            # Events of a session that is not there, by what the runtime says, are anybody's.
            assert found.pop("unclaimed_events") in {0, EVENTS}
            expected.pop("unclaimed_events")
        assert found == expected


SCENES: dict[str, Callable[[Play], Awaitable[None]]] = {
    "idle": Play.idle,
    "call": Play.call,
    "stream": Play.stream,
    "turn": Play.stream,
    "result": Play.result,
    "close": Play.close,
}


# The matrix itself

ELSEWHERE = {"hold", "foreign"}
"""Faults that are about when a turn is started; see `test_stalled`."""


def test_every_fault_that_the_runtime_can_commit_is_in_the_matrix() -> None:
    committed = {fault.partition(":")[0] for row in ROWS for fault in row.faults}
    assert committed | ELSEWHERE == FAULTS.keys()
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_every_word_is_used_and_every_row_says_what_it_is_about() -> None:
    used = {word for line in MATRIX.splitlines() for word in line.split()}
    assert CELLS.keys() <= used
    assert NAMED.keys() <= {row.name for row in ROWS}
    for row in ROWS:
        assert row.keeps
        assert any(cell.harm != "nobody" for cell in row.cells.values()) == bool(row.says), row.name
        assert set(row.counts) <= COUNTERS.keys()


def test_the_graces_are_as_long_as_the_matrix_says() -> None:
    assert {grace: grace.value[2] for grace in Grace} == LENGTHS


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("fault  ", "faults ", "columns"),
        ("exit:3             dies", "exit:3             lives", "exit:3: no such cell: lives"),
        ("exit:3             dies     dies ", "exit:3             dies ", "exit:3"),
        ("exited with status 3", "", "not in columns"),
    ],
)
def test_a_line_that_is_no_row_is_refused(old: str, new: str, complaint: str) -> None:
    assert old in MATRIX
    with pytest.raises(ValueError, match=complaint):
        read(MATRIX.replace(old, new, 1))
