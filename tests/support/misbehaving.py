"""A runtime that does everything right but for one fault, at one moment; for tests of what users see then.

Run as a program: ``misbehaving.py VERSION MOMENT FAULT[:VALUE]...``. It speaks contract version ``VERSION``, knows two
sessions, and commits its faults in order when the moment comes, once. A turn of the other session ends when something
else is answered, so that an older request can wait while a fault is committed.

========= ======================================================================
moment    when
========= ======================================================================
start     before it has read anything
handshake in place of the answer to ``initialize``
register  in place of the answer to ``tools/register``
idle      after the answer to ``runtime/health``, when nothing is asked
call      in place of the answer to ``session/list``
create    in place of the answer to ``session/create``, all events being out
subscribe in place of the answer to ``session/stream_open`` or ``mob/stream_open``
queue     in place of the run of ``turn/start``
stream    in the middle of the events of a run
turn      in place of the answer to ``turn/start``, all events being out
close     when its input ends
always    at each of these, as often as it comes
never     not at all
========= ======================================================================

A fault that gives no answer and does not end the program is followed by the proper one. `FAULTS` lists them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

TYPE_CHECKING = False  # it is started for every test: what only types need is not imported
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

SESSION = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000003"
STREAM = "00000000-0000-4000-8000-000000000002"
USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
GREETING = {"server_info": {"name": "misbehaving", "version": "1"}, "methods": list[str]()}
RESULT = {"session_id": SESSION, "text": "one two", "turns": 1, "tool_calls": 0, "usage": USAGE}


def write(data: bytes) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def send(**message: Any) -> None:
    """Write a message."""
    write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def sleep_for_ever() -> NoReturn:
    """Live on and do nothing."""
    while True:
        signal.pause()


class Misbehaving:
    """The runtime.

    Args:
        version: Contract version that it speaks.
        moment: When it misbehaves.
        faults: What it does then.
    """

    def __init__(self, version: str, moment: str, faults: list[str]) -> None:
        self.version = version
        self.moment = moment
        self.faults = faults
        self.key: Any = None  # id of the request that is being answered
        self.answered = False
        self.times = 1  # how often the next answer is given
        self.last: Any = None  # what was answered last
        self.late: list[tuple[Any, Any]] = []  # answers that go out behind the next one, with their ids
        self.seq = 0
        self.replies: list[Any] = []  # answers of the client to requests of the runtime
        self.waiting: list[tuple[Any, Any]] = []  # ids and prompts of turns that have not run
        self.held_back = False  # whether they wait for the next one
        self.silent = False  # no events until the next request
        self.held: list[dict[str, Any]] | None = None  # events that are let go in reverse order behind the answer

    def run(self) -> None:
        """Serve until the input ends."""
        self.at("start")
        for line in sys.stdin.buffer:
            self.take(json.loads(line))
        self.at("close")

    def take(self, message: dict[str, Any]) -> None:
        """Answer one request."""
        if "method" not in message:
            self.replies.append(message)
            return
        if "id" not in message:
            self.take_back(message)
            return
        self.key = message["id"]
        self.answered = self.silent = False
        method = message["method"]
        params: Any = message.get("params") or {}
        handler = HANDLERS.get(method)
        if handler is None:
            self.answer({"method": method, "params": params})
        else:
            handler(self, params)

    def take_back(self, notification: dict[str, Any]) -> None:
        """Give up a request that waits for another, when it is cancelled."""
        params: dict[str, Any] = notification.get("params") or {}
        key = params.get("request_id")
        if notification["method"] == "cancel" and key in [late for late, _ in self.late]:
            self.late = [(late, result) for late, result in self.late if late != key]
            send(id=key, error={"code": -32005, "message": "request cancelled"})

    def at(self, moment: str) -> None:
        """Misbehave, if this is the moment."""
        if self.moment != "always":
            if moment != self.moment:
                return
            self.moment = "over"
        for fault in self.faults:
            name, _, value = fault.partition(":")
            FAULTS[name](self, value)

    def answer(self, result: Any) -> None:
        """Answer the request, unless a fault did so."""
        if not self.answered:
            for _ in range(self.times):
                send(id=self.key, result=result)
            self.times = 1
            self.last = result
            late, self.late = self.late, []
            for key, other in late:
                send(id=key, result=other)
        self.answered = True
        held, self.held = self.held or [], None
        for payload in reversed(held):
            self.event(**payload)

    def event(self, **payload: Any) -> None:
        """Write an event of the session."""
        if self.silent:
            return
        if self.held is not None:
            self.held.append(payload)
            return
        self.seq += 1
        envelope = {
            "event_id": f"e{self.seq}",
            "source_id": f"session:{SESSION}",
            "source": {"type": "session", "session_id": SESSION},
            "seq": self.seq,
            "timestamp_ms": 1_700_000_000_000 + self.seq,
            "payload": payload,
        }
        send(method="session/event", params={"session_id": SESSION, "event": envelope})

    def scoped(self, method: str, **params: Any) -> None:
        """Write a notification of the subscription."""
        send(method=method, params={"session_id": SESSION, "stream_id": STREAM, **params})


# What it answers


def _initialize(self: Misbehaving, params: Any) -> None:
    self.at("handshake")
    self.answer(GREETING | {"contract_version": self.version})


def _capabilities(self: Misbehaving, params: Any) -> None:
    major, minor, patch = map(int, self.version.split("."))
    version = {"major": major, "minor": minor, "patch": patch}
    self.answer({"contract_version": version, "capabilities": []})


def _health(self: Misbehaving, params: Any) -> None:
    self.last = {"replies": self.replies}
    send(id=self.key, result=self.last)  # also a probe, and no occasion for late answers
    self.answered = True
    self.at("idle")


def _list(self: Misbehaving, params: Any) -> None:
    self.at("call")
    self.answer({"sessions": []})


def _register(self: Misbehaving, params: Any) -> None:
    self.at("register")
    self.answer({"registered": len(params["tools"])})


def _run(self: Misbehaving, prompt: Any) -> None:
    self.event(type="run_started", session_id=SESSION, prompt=prompt)
    self.event(type="turn_started", turn_number=0)
    self.event(type="text_delta", delta="one ")
    self.at("stream")
    self.event(type="text_delta", delta="two")
    self.event(type="text_complete", content="one two")
    self.event(type="turn_completed", stop_reason="end_turn", usage=USAGE)
    self.event(type="run_completed", session_id=SESSION, result="one two", usage=USAGE, extraction_required=False)


def _create(self: Misbehaving, params: Any) -> None:
    if params.get("initial_turn") == "deferred":
        self.at("create")
        self.answer({"session_id": SESSION, "session_ref": f"r:{SESSION}", "status": "deferred"})
    else:
        _run(self, params["prompt"])
        self.at("create")
        self.answer(RESULT)


def _turn(self: Misbehaving, params: Any) -> None:
    if params["session_id"] == OTHER:
        self.late.append((self.key, {**RESULT, "session_id": OTHER}))
        return
    self.waiting.append((self.key, params["prompt"]))
    self.at("queue")
    if self.held_back:
        self.held_back = False
        return
    for key, prompt in self.waiting:
        self.key = key
        self.answered = False
        _run(self, prompt)
        self.at("turn")
        self.answer(RESULT)
    self.waiting = []


def _stream_open(self: Misbehaving, params: Any) -> None:
    self.at("subscribe")
    self.answer({"stream_id": STREAM, "session_id": SESSION, "opened": True})


def _stream_close(self: Misbehaving, params: Any) -> None:
    self.scoped("session/stream_end", ended=True, outcome="explicit_close")
    self.answer({"stream_id": STREAM, "closed": True, "already_closed": False})


def _mob_stream_open(self: Misbehaving, params: Any) -> None:
    self.at("subscribe")
    self.answer({"stream_id": STREAM, "opened": True})


def _mob_stream_close(self: Misbehaving, params: Any) -> None:
    send(method="mob/stream_end", params={"stream_id": STREAM, "ended": True, "outcome": "explicit_close"})
    self.answer({"stream_id": STREAM, "closed": True, "already_closed": False})


HANDLERS: dict[str, Callable[[Misbehaving, Any], None]] = {
    "initialize": _initialize,
    "capabilities/get": _capabilities,
    "mob/stream_open": _mob_stream_open,
    "mob/stream_close": _mob_stream_close,
    "runtime/health": _health,
    "session/list": _list,
    "session/create": _create,
    "session/stream_open": _stream_open,
    "session/stream_close": _stream_close,
    "tools/register": _register,
    "turn/start": _turn,
}


# What it does wrong: the end, or something like it


def _close(self: Misbehaving, value: str) -> None:
    os.close(1)
    sys.stdin.buffer.read()
    os._exit(0)


def _shut(self: Misbehaving, value: str) -> None:
    os.close(0)
    sleep_for_ever()


def _mute(self: Misbehaving, value: str) -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _deaf(self: Misbehaving, value: str) -> None:
    sleep_for_ever()  # see where the program begins


def _grandchild(self: Misbehaving, value: str) -> None:
    child = os.fork()
    if not child:
        sleep_for_ever()
    os.write(2, b"grandchild %d\n" % child)
    os._exit(int(value))


def _daemon(self: Misbehaving, value: str) -> None:
    ready, told = os.pipe()
    child = os.fork()
    if not child:
        os.setsid()
        os.close(told)
        signal.alarm(60)  # nobody else would end it if the test does not
        sleep_for_ever()
    os.close(told)
    os.read(ready, 1)
    os.write(2, b"daemon %d\n" % child)
    os._exit(int(value))


# What it does wrong: lines


def _raw(*lines: bytes) -> Callable[[Misbehaving, str], None]:
    def emit(self: Misbehaving, value: str) -> None:
        write(b"".join(line + b"\n" for line in lines))

    return emit


def _slowly(self: Misbehaving, value: str) -> None:
    for byte in b'{"jsonrpc":"2.0","method":"novel/notification","params":{}}\n':
        os.write(1, bytes([byte]))


def _long(self: Misbehaving, value: str) -> None:
    piece = b"x" * 1024 * 1024
    rest = int(value)
    while rest > 0:
        write(piece[:rest])
        rest -= len(piece)
    write(b"\n")


def _long_answer(self: Misbehaving, value: str) -> None:
    write(b'{"jsonrpc":"2.0","id":%d,"result":"' % self.key)
    _long(self, value)
    self.answered = True


def _flood(self: Misbehaving, value: str) -> None:
    write(b"noise\n" * int(value))


def _stderr(self: Misbehaving, value: str) -> None:
    left = int(value)
    while left > 0:
        left -= os.write(2, b"e" * min(left, 65536))
    os.write(2, b"\nlast words\n")


# What it does wrong: answers


def _line(text: str) -> Callable[[Misbehaving, str], None]:
    """Write a line in place of the answer; ``KEY`` in it stands for the id of the request."""

    def emit(self: Misbehaving, value: str) -> None:
        write(text.replace("KEY", json.dumps(self.key)).encode() + b"\n")
        self.answered = True

    return emit


def _twice(self: Misbehaving, value: str) -> None:
    if self.answered:
        send(id=self.key, result=self.last)
    else:
        self.times = 2


def _late(self: Misbehaving, value: str) -> None:
    """Let the proper answer go out behind the next one."""
    self.late.append((self.key, GREETING | {"contract_version": self.version}))
    self.answered = True


def _result(self: Misbehaving, value: str) -> None:
    self.answer(json.loads(value))


def _error(self: Misbehaving, value: str) -> None:
    send(id=self.key, error={"code": int(value), "message": "wrong"})
    self.answered = True


def _stray(self: Misbehaving, value: str) -> None:
    send(id=None, error={"code": int(value), "message": "wrong"})
    self.answered = True


def _nobody(self: Misbehaving, value: str) -> None:
    for key in (0, -1, 2**53, "KEY"):
        send(id=key, result={})
    send(id=10**9, error={"code": -32603, "message": "wrong"})


def _forget(self: Misbehaving, value: str) -> None:
    self.answered = True


# What it does wrong: events


def _event(self: Misbehaving, value: str) -> None:
    self.event(**json.loads(value))


def _notify(self: Misbehaving, value: str) -> None:
    send(**json.loads(value))


def _hold(self: Misbehaving, value: str) -> None:
    self.held_back = True


def _foreign(self: Misbehaving, value: str) -> None:
    """Begin a run of somebody else, and end it after so many seconds."""
    self.event(type="run_started", session_id=SESSION, prompt="of somebody else")
    time.sleep(float(value))
    self.event(type="run_completed", session_id=SESSION, result="", usage=USAGE, extraction_required=False)


def _gap(self: Misbehaving, value: str) -> None:
    self.seq += int(value)


def _early(self: Misbehaving, value: str) -> None:
    self.answer(RESULT)


def _unfinished(self: Misbehaving, value: str) -> None:
    self.answer(RESULT)
    self.silent = True


def _backwards(self: Misbehaving, value: str) -> None:
    self.held = []


def _end_stream(self: Misbehaving, value: str) -> None:
    error = {"code": "overrun", "message": "the reader was too slow"}
    self.scoped("session/stream_end", ended=True, outcome="terminal_error", error=error)


FAULTS: dict[str, Callable[[Misbehaving, str], object]] = {
    # ends
    "exit": lambda _, value: os._exit(int(value)),
    "stop": lambda _, value: os.kill(os.getpid(), signal.SIGSTOP),
    "kill": lambda _, value: os.kill(os.getpid(), signal.Signals[value]),
    "close": _close,
    "shut": _shut,
    "mute": _mute,
    "deaf": _deaf,
    "grandchild": _grandchild,
    "daemon": _daemon,
    # lines
    "half": lambda _, value: write(b'{"jsonrpc":"2.0","id":1,"res'),
    "noise": _raw(b"2026-01-01 INFO starting", b"warning: {", b"\x1b[31mred\x1b[0m"),
    "scalars": _raw(b"17", b"-1.5e3", b"null", b"true", b'"text"'),
    "arrays": _raw(b"[]", b"[1,2]", b'[{"jsonrpc":"2.0","id":1,"result":{}}]'),
    "utf8": _raw(b"\xff\xfe", b'{"jsonrpc":"2.0","method":"\xc3","params":{}}', b"\xed\xa0\x80"),
    "blank": _raw(b"", b"   ", b"\r"),
    "objects": _raw(b"{}", b'{"jsonrpc":"2.0"}', b'{"method":7}', b'{"jsonrpc":"2.0","method":"session/event"}'),
    "nulls": _raw(b'{"jsonrpc":"2.0","method":"session/event","params":null}', b'{"id":null,"result":null}'),
    "slowly": _slowly,
    "long": _long,
    "longanswer": _long_answer,
    "flood": _flood,
    "stderr": _stderr,
    # answers
    "neither": _line('{"jsonrpc":"2.0","id":KEY}'),
    "both": _line('{"jsonrpc":"2.0","id":KEY,"result":{},"error":{"code":-32603,"message":"wrong"}}'),
    "stringerror": _line('{"jsonrpc":"2.0","id":KEY,"error":"boom"}'),
    "coded": _line('{"jsonrpc":"2.0","id":KEY,"error":{"code":"E1","message":"boom"}}'),
    "textid": _line('{"jsonrpc":"2.0","id":"KEY","result":{}}'),
    "twice": _twice,
    "late": _late,
    "result": _result,
    "error": _error,
    "stray": _stray,
    "nobody": _nobody,
    "forget": _forget,
    # events
    "event": _event,
    "notify": _notify,
    "hold": _hold,
    "foreign": _foreign,
    "gap": _gap,
    "early": _early,
    "unfinished": _unfinished,
    "backwards": _backwards,
    "endstream": _end_stream,
}


if __name__ == "__main__":
    if "deaf" in sys.argv:
        # From the beginning: the moment may come when TERM is on its way.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Misbehaving(sys.argv[1], sys.argv[2], sys.argv[3:]).run()
