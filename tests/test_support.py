"""The test support itself: a guard that cannot fail guards nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import runtime as runtimes
from tests.support.leaks import Holdings, leaks_since
from tests.support.model_server import ModelServer

if TYPE_CHECKING:
    from pathlib import Path


def test_leak_guard_sees_a_descriptor(tmp_path: Path) -> None:
    before = Holdings.now()
    descriptor = os.open(tmp_path / "left", os.O_CREAT | os.O_RDWR)
    try:
        (leak,) = leaks_since(before, grace=0)
    finally:
        os.close(descriptor)
    assert leak.startswith(f"file descriptor {descriptor}: ")
    assert leaks_since(before, grace=0) == []


def test_leak_guard_sees_a_child() -> None:
    before = Holdings.now()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        leaks = leaks_since(before, grace=0)
    assert any(leak.startswith(f"child process {child.pid}: ") for leak in leaks)
    assert leaks_since(before, grace=0) == []


def ask(server: ModelServer, *messages: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
    """Send a conversation; return the chunks of the answer."""
    data = json.dumps({"model": "fake-1", "stream": True, "messages": list(messages), **body}).encode()
    request = urllib.request.Request(f"{server.url}/v1/chat/completions", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        lines = response.read().decode().splitlines()
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    return [json.loads(event) for event in events[:-1]]


def prompt(*steps: dict[str, Any]) -> dict[str, Any]:
    """A user message whose text is a script."""
    return {"role": "user", "content": json.dumps({"script": list(steps)})}


def test_model_server_echoes() -> None:
    with ModelServer() as server:
        *deltas, last = ask(server, {"role": "user", "content": "a b"})
    assert "".join(delta["choices"][0]["delta"]["content"] for delta in deltas) == "echo: a b"
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"] == {"prompt_tokens": 3, "completion_tokens": len(deltas)}


def test_model_server_plays_a_script() -> None:
    call = prompt({"reason": "hm"}, {"tool": "add", "args": {"a": 1}})
    with ModelServer() as server:
        thought, calls = ask(server, call)
        (tool_call,) = calls["choices"][0]["delta"]["tool_calls"]
        after = ask(server, call, {"role": "tool", "tool_call_id": tool_call["id"], "content": "2"})
    assert thought["choices"][0]["delta"] == {"reasoning": "hm"}
    assert calls["choices"][0]["finish_reason"] == "tool_calls"
    assert tool_call["function"] == {"name": "add", "arguments": '{"a": 1}'}
    assert after[0]["choices"][0]["delta"] == {"reasoning": "hm"}
    assert after[-1]["choices"][0]["finish_reason"] == "stop"


def test_model_server_fails_as_often_as_the_script_says() -> None:
    with ModelServer() as server:
        failing = prompt({"status": 503, "times": 2}, {"text": "at last"})
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError) as caught:
                ask(server, failing)
            assert caught.value.code == 503
            caught.value.close()
        *deltas, _ = ask(server, failing)
        assert "".join(delta["choices"][0]["delta"]["content"] for delta in deltas) == "at last"
        assert len(server.requests) == 3


def test_model_server_refuses_a_wrong_script() -> None:
    with ModelServer() as server, pytest.raises(urllib.error.HTTPError) as caught:
        ask(server, prompt({"dance": True}))
    assert caught.value.code == 400
    assert "dance" in caught.value.read().decode()
    caught.value.close()


def test_a_named_program_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEERKAT_BIN_PATH", str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError, match="nothing"):
        runtimes.find_real()


def test_a_missing_runtime_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MEERKAT_BIN_PATH", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "make runtime" in str(runtimes.find_real())
