"""The course of a soak: workers and faults at the same time, and at intervals a rest at which all is measured."""

from __future__ import annotations

import logging
import random
import tempfile
import time
import traceback
import warnings
from collections import Counter
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from tests.soak import calls, measure, model, strangers, turns
from tests.soak.host import LIMIT, Host
from tests.soak.work import KINDS, Surroundings, Worker
from tests.support import runtime as runtimes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence

    from tests.soak.measure import Sample
    from tests.soak.work import Kind

MODULES: Final = (calls, strangers, turns)
"""Where the kinds of work are; importing a module adds its kinds."""

KEPT_FAILURES: Final = 20


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        seconds: How long the work goes on, rests included.
        interval: Seconds between two rests.
        warm_up: Seconds of work before the first rest that counts.
        seed: Decides everything that is left to chance but for the order in which the system lets tasks run.
        runtimes: The shared runtimes.
        workers: How many work at each shared runtime.
        strangers: How many work with runtimes that come and go.
        only: Names of the kinds of work to do; all when empty.
        piece: Seed of one piece of work that is done again and again instead of all others.
        faults: Whether shared runtimes are struck.
        settle: Seconds that may pass at a rest until what is over is over everywhere.
        rests: How many rests there are at least, however long that takes.
    """

    seconds: float
    interval: float
    warm_up: float
    seed: int
    runtimes: Sequence[runtimes.Kind] = ("embedded",)
    workers: int = 6
    strangers: int = 3
    only: frozenset[str] = frozenset()
    piece: str = ""
    faults: bool = True
    settle: float = 20.0
    rests: int = 2


@dataclass
class Course:
    """What has been done and seen so far.

    Attributes:
        samples: What was held at the rests that count.
        done: Pieces of work that went well, by kind.
        interrupted: Pieces of work whose runtime was struck, by kind.
        strikes: Faults injected into shared runtimes.
        noticed: What happened that is allowed and that people should know of.
        failures: What went wrong, with what repeats it; only the first ones are kept.
        failed: How often something went wrong.
    """

    samples: list[Sample] = field(default_factory=list["Sample"])
    done: Counter[str] = field(default_factory=Counter[str])
    interrupted: Counter[str] = field(default_factory=Counter[str])
    strikes: Counter[str] = field(default_factory=Counter[str])
    noticed: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])
    failed: int = 0

    @property
    def pieces(self) -> int:
        """How many pieces of work have ended."""
        return self.done.total() + self.interrupted.total()

    def fail(self, what: str, error: BaseException | None = None) -> None:
        """Note something that went wrong."""
        self.failed += 1
        if len(self.failures) < KEPT_FAILURES:
            trace = "".join(traceback.format_exception(error)) if error is not None else ""
            self.failures.append(f"{what}\n{trace}")


class Gate:
    """Lets many be at work at the same time, and holds all of them between two pieces of it."""

    def __init__(self) -> None:
        self._opened = anyio.Event()
        self._opened.set()
        self._busy = 0
        self._idle = anyio.Event()

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[None]:
        """Be at work; waits while the gate is closed."""
        while not self._opened.is_set():
            await self._opened.wait()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    @asynccontextmanager
    async def closed(self) -> AsyncGenerator[None]:
        """Hold everybody; the block begins when nobody is at work any more."""
        self._opened = anyio.Event()
        while self._busy:
            self._idle = anyio.Event()
            await self._idle.wait()
        try:
            yield
        finally:
            self._opened.set()


async def run(plan: Plan, on_sample: Callable[[Sample], None] = lambda _: None) -> Course:
    """Do what is planned; ``on_sample`` is told of each sample at once."""
    course = Course()
    with ExitStack() as outer, _watching(course):
        directory = Path(outer.enter_context(tempfile.TemporaryDirectory(prefix="meerkat-soak-")))
        port = int(outer.enter_context(model.serving("tests.soak.listener")))
        surroundings = Surroundings(directory, port)
        async with AsyncExitStack() as stack:
            hosts = [await stack.enter_async_context(_host(kind, directory, outer)) for kind in plan.runtimes]
            await _Work(plan, course, hosts, surroundings, on_sample).go_on()
            for host in hosts:
                course.strikes += host.strikes
                course.noticed += host.noticed
    return course


def _host(kind: runtimes.Kind, directory: Path, outer: ExitStack) -> Host:
    state = directory / f"state-{kind}"
    if kind == "embedded":
        return Host(kind, runtimes.Runtime(kind, kind, {}, state))
    program = runtimes.find_real()
    if isinstance(program, str):
        raise SystemExit(program)
    runtime = runtimes.Runtime(kind, str(program), {"RUST_LOG": "error"}, state)
    return Host(kind, runtime, outer.enter_context(model.serving()))


class _Work:
    """Everybody at work."""

    def __init__(
        self,
        plan: Plan,
        course: Course,
        hosts: list[Host],
        surroundings: Surroundings,
        on_sample: Callable[[Sample], None],
    ) -> None:
        self._plan = plan
        self._course = course
        self._hosts = hosts
        self._on_sample = on_sample
        self._gate = Gate()
        self._scope = anyio.CancelScope()
        self._began = time.monotonic()
        self._workers = [
            Worker(f"{host.name} {number}", host, surroundings) for host in hosts for number in range(plan.workers)
        ]
        self._workers += [Worker(f"stranger {number}", None, surroundings) for number in range(plan.strangers)]

    async def go_on(self) -> None:
        """Work and rest until the time is over."""
        with self._scope:
            await self._work_and_rest()

    async def _work_and_rest(self) -> None:
        async with anyio.create_task_group() as group:
            for worker in self._workers:
                group.start_soon(self._work, worker)
            if self._plan.faults:
                for host in self._hosts:
                    group.start_soon(self._strike, host)
            await anyio.sleep(self._plan.warm_up)
            await self._rest()
            while self._seconds() < self._plan.seconds or len(self._course.samples) < self._plan.rests:
                await anyio.sleep(self._plan.interval)
                await self._rest()
            group.cancel_scope.cancel()

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    # Work

    async def _work(self, worker: Worker) -> None:
        kinds = _kinds(self._plan, shared=worker.shared)
        if not kinds:
            return
        number = 0
        while True:
            number += 1
            seed = self._plan.piece or f"{self._plan.seed}/{worker.name}/{number}"
            worker.rng = random.Random(seed)
            (kind,) = worker.rng.choices(kinds, [kind.weight for kind in kinds])
            generation = await worker.ready()
            async with self._gate.work():
                await self._piece(worker, kind, seed, generation)
            await anyio.lowlevel.checkpoint()

    async def _piece(self, worker: Worker, kind: Kind, seed: str, generation: int) -> None:
        try:
            with anyio.fail_after(LIMIT):
                await kind.piece(worker)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is looked at in the end
            worker.drop()
            if worker.excuses(error, generation):
                self._course.interrupted[kind.name] += 1
            else:
                where = f"{kind.name}, at {self._seconds():.1f} s (--piece {seed!r} does it again){worker.state()}"
                self._course.fail(where, error)
        else:
            self._course.done[kind.name] += 1

    async def _strike(self, host: Host) -> None:
        rng = random.Random(f"{self._plan.seed}/{host.name}/strikes")
        while True:
            await anyio.sleep(rng.uniform(0.3, min(6.0, self._plan.interval)))
            async with self._gate.work():
                try:
                    await host.strike(rng)
                except Exception as error:  # noqa: BLE001  # likewise
                    self._course.fail(f"a strike at the runtime {host.name}, at {self._seconds():.1f} s", error)
                    self._scope.cancel()  # without that runtime there is nothing more to see

    # Rest

    async def _rest(self) -> None:
        """Stop all work, wait until what is over is over everywhere, and measure."""
        course = self._course
        with anyio.fail_after(2 * LIMIT):
            async with self._gate.closed():
                for worker in self._workers:
                    await worker.put_away()
                await self._settle()
                sample = measure.take(self._seconds(), course.pieces, self._excess())
                course.samples.append(sample)
                self._on_sample(sample)

    async def _settle(self) -> None:
        """Wait until all is as it was at the first rest; who left something behind makes this wait in vain."""
        deadline = time.monotonic() + self._plan.settle
        before: dict[str, int] = {}
        while time.monotonic() < deadline:
            now = measure.counts()
            usual = self._course.samples[0].counts if self._course.samples else before
            quiet = not any(host.unsettled for host in self._hosts) and not self._excess()
            if quiet and now == usual:
                return
            before = now
            for host in self._hosts:
                await host.client.call("runtime/health")  # what is over is put away with the next thing read
            await anyio.sleep(0.02)

    def _excess(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for host in self._hosts:
            total += host.excess()
            total += Counter({"unanswered calls": host.client.diagnostics.pending_calls})
        return dict(+total)


def _kinds(plan: Plan, *, shared: bool) -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.shared is shared and (not plan.only or kind.name in plan.only)]


@contextmanager
def _watching(course: Course) -> Generator[None]:
    """Take for a failure what is only logged or warned of: tasks that failed, what was never awaited or closed."""
    handler = _Faults(course)
    loggers = [logging.getLogger(name) for name in ("meerkat", "asyncio", "trio")]
    for logger in loggers:
        logger.addHandler(handler)
    before = warnings.showwarning
    warnings.showwarning = lambda message, *_: course.fail(f"a warning: {message!r}")  # pyright: ignore[reportUnknownLambdaType]
    try:
        yield
    finally:
        warnings.showwarning = before
        for logger in loggers:
            logger.removeHandler(handler)


class _Faults(logging.Handler):
    """Notes what is logged as an error."""

    def __init__(self, course: Course) -> None:
        super().__init__(logging.ERROR)
        self._course = course

    def emit(self, record: logging.LogRecord) -> None:
        """Note it, unless it tells of a tool that was made to fail."""
        if record.name != "meerkat.tools":
            self._course.fail(f"logged by {record.name}: {record.getMessage()}", record.exc_info and record.exc_info[1])
