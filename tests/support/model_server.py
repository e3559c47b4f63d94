"""A local OpenAI-compatible chat model for the real runtime, which obeys the embedded model's script language.

What the model says is decided by `meerkat.embedded.script`, so that one prompt makes both runtimes stream the same
answer. This module knows only how that answer travels: server-sent events of the chat-completions API.
"""

from __future__ import annotations

import itertools
import json
import socket
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from meerkat.embedded import script

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class ModelServer:
    """Serves on a free port of 127.0.0.1 while its context is open.

    Args:
        turns: What to play for turns whose prompts hold no script; such prompts are echoed when it is ``None``.

    Attributes:
        requests: Bodies of the chat-completion requests so far, oldest first.
        authorizations: The ``Authorization`` header of each, or ``None``.
    """

    def __init__(self, turns: script.Turns | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []
        self.closing = threading.Event()
        self.call_ids = itertools.count(1)
        self._turns = turns
        self._failures: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="model-server")

    @property
    def url(self) -> str:
        """Base URL of the server, without ``/v1``."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def answer(self, body: dict[str, Any], authorization: str | None) -> script.Reply:
        """Decide what to answer to a request body, and keep the body.

        Raises:
            ScriptError: The prompt holds a script that cannot be obeyed.
        """
        messages = cast("list[dict[str, Any]]", body["messages"])
        request = json.dumps(messages, sort_keys=True)
        last = messages[-1] if messages else {}
        with self._lock:
            self.requests.append(body)
            self.authorizations.append(authorization)
            reply = script.answer(
                [
                    text
                    for message in messages
                    if message["role"] == "user" and not _is_notice(text := _text(message["content"]))
                ],
                tool_result=_text(last["content"]) if last.get("role") == "tool" else None,
                # The runtime marks a request for structured output by nothing but the temperature, which is 0 then.
                structured=body.get("temperature") == 0,
                attempt=self._failures[request],
                turns=self._turns,
            )
            if reply.status is not None:
                self._failures[request] += 1
        return reply


class _Server(ThreadingHTTPServer):
    # Closing waits for the handlers, so that no thread and no socket outlives the context.
    daemon_threads = False
    block_on_close = True

    def __init__(self, model: ModelServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about a runtime that hung up, which cancelled turns do; tell of everything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Wake the handlers that wait for a request which will not come."""
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the peer was faster


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def model(self) -> ModelServer:
        """The model that the server belongs to."""
        return cast("_Server", self.server).model

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # named by the base class
        """Keep the test's output free of access logs."""

    def do_POST(self) -> None:
        """Answer a chat-completion request."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._fail(404, f"no {self.path} here")
            return
        try:
            reply = self.model.answer(body, self.headers.get("Authorization"))
        except script.ScriptError as error:
            self._fail(400, str(error))
            return
        if reply.status is not None:
            self._fail(reply.status, "scripted failure")
        else:
            self._stream(reply)

    def _fail(self, status: int, message: str) -> None:
        data = json.dumps({"error": {"message": message, "type": "server_error"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, reply: script.Reply) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for part in reply.parts():
            match part:
                case script.Text(text):
                    self._event({"choices": [{"delta": {"content": text}}]})
                case script.Reason(text):
                    self._event({"choices": [{"delta": {"reasoning": text}}]})
                case script.Sleep(seconds):
                    if self.model.closing.wait(seconds):
                        return
        delta: dict[str, Any] = {}
        if reply.tools:
            delta["tool_calls"] = [self._tool_call(index, tool) for index, tool in enumerate(reply.tools)]
        # The runtime reads no chunk after the first finish reason, so the usage comes with it.
        usage = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
        self._event({"choices": [{"delta": delta, "finish_reason": reply.finish}], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _tool_call(self, index: int, tool: script.Tool) -> dict[str, Any]:
        call_id = f"call_{next(self.model.call_ids)}"
        function = {"name": tool.name, "arguments": json.dumps(tool.args)}
        return {"index": index, "id": call_id, "function": function}

    def _event(self, chunk: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")


def _is_notice(text: str) -> bool:
    """Whether the runtime wrote a user message itself: it tells the model so of tools that came or went."""
    return text.startswith("[SYSTEM NOTICE]")


def _text(content: Any) -> str:
    """Text of a message, whose content is a string, ``null`` or a list of parts."""
    if isinstance(content, list):
        parts = cast("list[dict[str, Any]]", content)
        return " ".join(str(part.get("text", "")) for part in parts)
    return content or ""
