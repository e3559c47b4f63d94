"""The runtime as a child process: its pipes, its end, its standard error."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Final

import anyio

from meerkat._core.errors import (
    InvalidArgumentError,
    RuntimeExitedError,
    RuntimeNotFoundError,
    RuntimeStartError,
    TransportError,
)
from meerkat._core.secrets import of_environment
from meerkat._core.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from meerkat._core.secrets import Secrets

logger = logging.getLogger("meerkat.process")

PIPE_SIZE: Final = 256 * 1024
STDERR_TAIL: Final = 16 * 1024
STDERR_READ: Final = 64 * 1024  # as much as the pipe can hold
SIGNAL_GRACE: Final = 2.0  # seconds to end after a signal
POLL_INTERVAL: Final = 0.05  # seconds between two looks whether it has ended, where nobody watches it
_F_SETPIPE_SZ: Final = 1031  # Linux


class RuntimeProcess(Transport):
    """A runtime that this process started, in a process group of its own. The pipes to it are the transport."""

    exit_grace = 1.0

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], cwd: str | None) -> None:
        """Start the program.

        Raises:
            RuntimeNotFoundError: There is no such program.
            RuntimeStartError: The system refused to start it.
            InvalidArgumentError: An argument or an environment variable is nothing that a process can be given.
        """
        super().__init__()
        if cwd is not None and not os.path.isdir(cwd):  # noqa: PTH112  # Popen blames the program for it
            raise RuntimeStartError(message=f"the working directory {cwd!r} does not exist")
        self._environment = env
        child_stdin, self.writer = os.pipe()
        self.reader, child_stdout = os.pipe()
        self._stderr, child_stderr = os.pipe()
        self._open = {self.reader, self.writer, self._stderr}
        # Without `release`, which needs an event loop, they are closed when nobody can use them any more.
        weakref.finalize(self, _close_all, self._open).atexit = False
        unfit = ""
        try:
            # Arguments are handed over as they are; no shell is involved.
            self._popen = subprocess.Popen(  # noqa: S603
                list(command),
                stdin=child_stdin,
                stdout=child_stdout,
                stderr=child_stderr,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            _close_all(self._open)
            kind = RuntimeNotFoundError if isinstance(error, FileNotFoundError) else RuntimeStartError
            raise kind(message=f"{command[0]!r} could not be started: {error.strerror}") from error
        except (TypeError, ValueError) as error:
            unfit = str(error)
        finally:
            for descriptor in (child_stdin, child_stdout, child_stderr):
                os.close(descriptor)
        if unfit:
            _close_all(self._open)
            # Without the error itself: it can hold the value, and that may be a secret.
            message = f"`args`, `env` or `cwd` has something that no process can be given: {unfit}"
            raise InvalidArgumentError(message=message)
        for descriptor in self._open:
            os.set_blocking(descriptor, False)
        self._tail = bytearray()
        self._input_watch: select.epoll | None = None  # Linux
        self._watch_ended = anyio.Event()
        _grow_pipe(self.reader)
        _LIVE.add(self)
        # Without its arguments, which can hold secrets.
        logger.info("%s was started: %s", self.describe(), command[0])

    @cached_property
    def _secrets(self) -> Secrets:
        return of_environment(self._environment)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._popen.pid

    @property
    def return_code(self) -> int | None:
        """Exit status, negative for a signal; ``None`` while it runs."""
        return self._popen.returncode

    @property
    def stderr_tail(self) -> str:
        """The end of what it wrote to its standard error, without the secrets of its environment."""
        self._read_stderr()  # the task that drains it may be a moment behind, behind its last words above all
        if not self._tail:
            return ""
        before = max(len(self._tail) - STDERR_TAIL, 0)
        return self._secrets.hide(self._tail.decode(errors="replace"), before)[-STDERR_TAIL:]

    def hide(self, text: str) -> str:
        """Return a text of the runtime without the secrets of its environment."""
        return self._secrets.hide(text)

    def describe(self) -> str:
        """Say which process it is."""
        return f"the runtime (pid {self.pid})"

    def fault(self, living: str) -> TransportError:
        """Make the error of a runtime that ended, or did what ``living`` says, with the end of its standard error."""
        code = self.return_code
        if code is None:
            how = living
        elif code < 0:
            how = f"was ended by {_signal_name(-code)}"
        else:
            how = f"exited with status {code}"
        tail = self.stderr_tail
        words = f"; its last words:\n{tail.strip()}" if tail.strip() else ""
        return RuntimeExitedError(message=f"{self.describe()} {how}{words}", return_code=code, stderr_tail=tail)

    def tasks(self) -> list[tuple[Callable[[], Awaitable[None]], str]]:
        """Drain its standard error."""
        return [(self._drain_stderr, "meerkat stderr")]

    async def _drain_stderr(self) -> None:
        """Read its standard error until it ends, keeping the tail; runs for the life of the process."""
        while self._read_stderr():
            await anyio.wait_readable(self._stderr)

    def _read_stderr(self) -> bool:
        """Keep the end of what is there; return whether more may come."""
        if self._stderr not in self._open:
            return False
        try:
            chunk = os.read(self._stderr, STDERR_READ)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        self._tail += chunk
        # As much more as a secret is long: one that is cut in two would not be known any more.
        del self._tail[: -STDERR_TAIL - self._secrets.longest]
        return True

    async def watch(self) -> None:
        """Wait for its end and reap it."""
        descriptor = _open_end_of(self._popen)
        self._open.add(descriptor)
        try:
            await anyio.wait_readable(descriptor)
        finally:
            self._close(descriptor)
        self._popen.wait()
        logger.info("%s ended with the status %s", self.describe(), self.return_code)
        self._watch_ended.set()

    def unwatched(self) -> None:
        """Take note that nobody will notice its end."""
        self._watch_ended.set()

    async def input_broken(self) -> None:
        """Wait until nobody reads its standard input any more, where the system can tell (Linux)."""
        if sys.platform != "linux":
            await anyio.sleep_forever()
        # Asked for nothing, epoll still tells of errors; its own descriptor can be waited for like any other.
        with select.epoll() as self._input_watch:
            self._input_watch.register(self.writer, 0)
            await anyio.wait_readable(self._input_watch.fileno())

    async def ended(self) -> None:
        """Wait until it has ended and its exit status is known, or nobody watches it any more."""
        await self._watch_ended.wait()

    def close_input(self) -> None:
        """Close its standard input, at whose end it ends."""
        self._close(self.writer)

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.discard(descriptor)
            os.close(descriptor)

    async def end(self, grace: float) -> None:
        """Wait, and end its whole process group by force if it takes longer than ``grace`` seconds."""
        if not self.ours:
            return
        for escalation in (signal.SIGTERM, signal.SIGKILL):
            if await self._ends_within(grace):
                return
            logger.warning("%s did not end in time, sending %s", self.describe(), escalation.name)
            self._signal(escalation)
            grace = SIGNAL_GRACE
        await self._ends_within(grace)

    async def _ends_within(self, seconds: float) -> bool:
        with anyio.move_on_after(seconds):
            await self._watch_ended.wait()
            while self._popen.poll() is None:  # noqa: ASYNC110  # nobody is left who could tell
                await anyio.sleep(POLL_INTERVAL)
            return True
        return False

    def _signal(self, number: signal.Signals) -> None:
        if self.ours:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def release(self) -> None:
        """Close its pipes and end what is left of its group. The tasks that use them must have ended."""
        self._read_stderr()  # for `stderr_tail`, which stays
        _close_all(self._open)
        self._signal(signal.SIGKILL)
        if self._popen.returncode is None:
            self._popen.wait()
        _LIVE.discard(self)

    def disown(self) -> None:
        """Close the copies of its descriptors that this process got when it was forked."""
        # All of them: the event loop of this process, when it ends, would have those that it knows not be watched any
        # more, neither here nor there.
        _close_all(self._open)
        if self._input_watch is not None:
            self._input_watch.close()
        self.reader = self.writer = -1  # no descriptor: these may soon be somebody else's

    def kill(self) -> None:
        """End it at once, without waiting for anything that needs an event loop; tasks may still use the pipes."""
        self._signal(signal.SIGKILL)
        self._popen.wait()
        _LIVE.discard(self)


_LIVE: set[RuntimeProcess] = set()


@atexit.register
def _end_all() -> None:
    """End every runtime that was not closed; a program that is killed ends them by closing their input."""
    for process in list(_LIVE):
        process.kill()


def _disown_all() -> None:
    """Give up what belongs to the process that this one was forked from: it could not close the input otherwise."""
    for process in _LIVE:
        process.disown()
    _LIVE.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)


def _close_all(descriptors: set[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())


def _grow_pipe(descriptor: int) -> None:
    # A larger pipe means fewer switches between the processes; the system may refuse it.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, _F_SETPIPE_SZ, PIPE_SIZE)


def _open_end_of(process: subprocess.Popen[bytes]) -> int:
    """Return a descriptor that becomes readable at the end of a process."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # an old kernel, or a sandbox that forbids it
            return os.pidfd_open(process.pid)
    readable, writable = os.pipe()

    def wait() -> None:
        process.wait()
        os.close(writable)

    # None of anyio's threads: a program would wait for it at its end, before it ends the runtime.
    thread = threading.Thread(target=wait, name="meerkat exit", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system allows no more of them
        os.close(readable)
        os.close(writable)
        raise
    return readable


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
