"""The embedded runtime as a process: command line, lines, pipes, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat._generated import contract
from meerkat.embedded.dispatch import handlers
from tests.embedded.driver import COMMAND, LIMIT, environment, started, write_config
from tests.embedded.helpers import SLOW, create, script, texts, turn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.embedded.driver import Peer


@pytest.fixture
async def peer() -> AsyncGenerator[Peer]:
    """A process whose state is temporary."""
    async with started(COMMAND, {"MEERKAT_EMBEDDED_RETRY_SCALE": "0"}) as peer:
        yield peer


def run(*arguments: str, text: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
        env=environment(env),
    )


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["--bogus"], 2, "error: unexpected argument '--bogus' found"),
        (["extra"], 2, "error: unexpected argument 'extra' found"),
        (["--realm"], 2, "error: a value is required for '--realm <REALM>' but none was supplied"),
        (["--realm", "--isolated"], 2, "error: a value is required for '--realm <REALM>'"),
        (["--realm", "a", "--realm", "b"], 2, "error: the argument '--realm <REALM>' cannot be used multiple times"),
        (["--isolated=yes"], 2, "error: unexpected value 'yes' for '--isolated'"),
        (["--realm-backend", "x"], 2, "error: invalid value 'x' for '--realm-backend <REALM_BACKEND>'"),
        (["--live-ws-scheme", "x"], 2, "[possible values: ws, wss]"),
        (["--realm", "a", "--isolated"], 1, "--realm and --isolated exclude each other"),
        (["--realm", "a:b"], 1, "invalid realm ID 'a:b'"),
        (["--realm", ""], 1, "invalid realm ID ''"),
        (["--realm", "x" * 65], 1, "invalid realm ID"),
        (["--tcp", "127.0.0.1:0"], 1, "--tcp is not supported by the embedded runtime"),
        (["--tcp", "[::1]:0"], 1, "--tcp is not supported by the embedded runtime"),
        (["--tcp", "0.0.0.0:0"], 1, "which --allow-remote alone permits"),
        (["--tcp", "host:0", "--allow-remote"], 1, "--tcp is not supported by the embedded runtime"),
        (["--live-ws", "127.0.0.1:0"], 1, "it has no live channels"),
    ],
)
def test_bad_command_lines_are_refused(arguments: list[str], status: int, complaint: str) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (status, "")
    assert complaint in result.stderr


def test_help_and_version() -> None:
    for flag in ("-V", "--version"):
        assert run(flag).stdout == "meerkat-embedded 0.6.5\n"
    for flag in ("-h", "--help"):
        result = run(flag)
        assert result.returncode == 0
        for name in (
            "--realm", "--isolated", "--instance", "--realm-backend", "--state-root", "--context-root",
            "--user-config-root", "--tcp", "--allow-remote", "--live-ws", "--live-ws-scheme",
        ):  # fmt: skip
            assert f"{name} " in result.stdout.replace("\n", " \n")


def test_all_flags_that_mean_nothing_here_are_taken(tmp_path: Path) -> None:
    arguments = ["--instance", "i", "--realm-backend=jsonl", "--context-root", "/c", "--user-config-root", "/u"]
    arguments += ["--state-root", str(tmp_path), "--realm", "r1", "--allow-remote", "--live-ws-scheme", "wss"]
    request = '{"jsonrpc":"2.0","id":1,"method":"runtime/host_info"}\n'

    result = run(*arguments, text=request)

    info = json.loads(result.stdout)["result"]
    assert info["host_id"] == "realm-instance:r1:i"
    assert info["realm"] == {
        "realm_id": "r1",
        "instance_id": "i",
        "backend": "jsonl",
        "state_root": str(tmp_path / "r1"),
        "context_root": "/c",
    }
    again = json.loads(run("--state-root", str(tmp_path), "--realm", "r1", text=request).stdout)["result"]
    assert again["realm"]["backend"] == "jsonl"


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ({"MEERKAT_EMBEDDED_SCRIPT": "/no/such/file"}, "No such file"),
        ({"MEERKAT_EMBEDDED_RETRY_SCALE": "x"}, "must be a number, 0 or more, not 'x'"),
        ({"MEERKAT_EMBEDDED_RETRY_SCALE": "-1"}, "must be a number, 0 or more, not '-1'"),
    ],
)
def test_bad_settings_are_refused(env: dict[str, str], complaint: str) -> None:
    result = run(env=env)
    assert (result.returncode, result.stdout) == (1, "")
    assert complaint in result.stderr


def test_a_contradictory_configuration_is_refused_and_an_unreadable_one_is_not(tmp_path: Path) -> None:
    request = '{"jsonrpc":"2.0","id":1,"method":"config/get"}\n'
    arguments = ["--state-root", str(tmp_path), "--realm", "r1"]

    write_config(tmp_path, "r1", '[self_hosted.models.m]\nserver = "none"\n')
    result = run(*arguments, text=request)
    assert (result.returncode, result.stdout) == (1, "")
    assert "self_hosted.models.m references unknown server 'none'" in result.stderr

    for text in ("no toml", "[agent]\nmodel = 5\n"):
        write_config(tmp_path, "r1", text)
        result = run(*arguments, text=request)
        assert json.loads(result.stdout)["result"]["config"]["agent"]["model"] == "echo"


def test_requests_before_the_end_of_input_are_answered_even_the_last_without_a_newline() -> None:
    lines = [json.dumps({"jsonrpc": "2.0", "id": n, "method": "runtime/health"}) for n in range(100)]

    result = run(text="\r\n\n  \n".join(lines))

    assert result.returncode == 0
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == list(range(100))


async def test_the_end_of_input_ends_a_run_at_once(peer: Peer) -> None:
    await peer.ask("session/create", prompt=SLOW)
    await peer.wait_for(lambda line: line.get("method") == "session/event", 3)

    with anyio.fail_after(4):
        assert await peer.finish() == 0

    assert not [line for line in peer.lines if "method" not in line]


async def test_nothing_is_left_of_a_temporary_state(tmp_path: Path) -> None:
    async with started([*COMMAND, "--realm", "r1"], {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}) as peer:
        await create(peer)
        root = (await peer.call("config/patch", patch={}))["resolved_paths"]["root"]
        assert root == str(tmp_path / "meerkat" / "realms" / "r1")
    assert [path async for path in anyio.Path(tmp_path).iterdir()] == []


async def read_to_the_end(peer: Peer) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(peer.read)
        assert await peer.finish() == 0


async def test_input_is_read_while_nobody_reads_the_output() -> None:
    async with started(COMMAND, reading=False) as peer:
        with anyio.fail_after(LIMIT):
            # Questions and answers are more than both pipes hold: this ends only if the runtime goes on reading.
            for _ in range(2000):
                await peer.ask("no/such/" + "x" * 1000)
        await read_to_the_end(peer)
    # Every line was whole JSON, or reading had failed.
    assert [line["id"] for line in peer.lines] == list(range(1, 2001))
    assert {line["error"]["code"] for line in peer.lines} == {-32601}


async def test_a_run_waits_for_its_reader_and_loses_nothing() -> None:
    count = 40_000
    result: dict[str, Any] = {}
    async with started(COMMAND, reading=False) as peer:
        request = await peer.ask("session/create", prompt=script({"deltas": count}))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.read)
            result.update((await peer.answer(request))["result"])
            assert await peer.finish() == 0
        seqs = [event["seq"] for event in peer.events(result["session_id"])]
        assert seqs == list(range(1, count + 6))


async def test_it_ends_when_nobody_can_read_any_more() -> None:
    reading, writing = os.pipe()
    try:
        process = await anyio.open_process(
            COMMAND, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE, env=environment(None)
        )
    finally:
        os.close(writing)
        os.close(reading)
    async with process:
        assert process.stdin is not None
        assert process.stderr is not None
        await process.stdin.send(b'{"jsonrpc":"2.0","id":1,"method":"runtime/health"}\n')
        with anyio.fail_after(LIMIT):
            assert await process.wait() == 1
            assert b"cannot write the output" in await process.stderr.receive()


async def test_large_lines_are_taken_in_either_direction(peer: Peer) -> None:
    text = "äöü " * 300_000
    session = await create(peer, script({"reason": text}, {"text": "read"}))
    thought = await peer.wait_event(session, "reasoning_complete")
    assert thought["content"] == text


async def test_ids_come_back_as_they_were(peer: Peer) -> None:
    for request_id in (0, -1, 2**63 - 1, -(2**63), "", "s", "ä"):
        await peer.send({"jsonrpc": "2.0", "id": request_id, "method": "runtime/health"})
        assert (await peer.answer(request_id))["result"]["status"] == "ok"


async def test_requests_without_an_id_are_not_executed_but_for_one(peer: Peer) -> None:
    await peer.notify("session/create", prompt="hi")
    await peer.notify("tools/register", tools=[{"name": "t", "description": "d", "input_schema": {}}])
    assert (await peer.answer(None))["result"] == {"registered": 1}
    assert (await peer.call("session/list"))["sessions"] == []


@pytest.mark.parametrize("method", ["session/external_event", "session/peer_response_terminal"])
async def test_some_methods_forget_the_id_of_requests_that_do_not_fit(peer: Peer, method: str) -> None:
    await peer.send({"jsonrpc": "2.0", "id": 7, "method": method})
    await peer.send({"jsonrpc": "2.0", "id": 8, "method": method, "params": {}})
    await peer.wait_for(lambda line: line["id"] is None, 2)
    messages = [line["error"]["message"] for line in peer.lines]
    assert messages[0] == "Missing params"
    assert messages[1].startswith("Invalid params: missing field `")
    unknown = "018f0000-0000-7000-8000-000000000009"
    params: dict[str, Any] = {"kind": "generic_json", "event_type": "e", "payload": 1}
    if method == "session/peer_response_terminal":
        params = {"peer_id": unknown, "request_id": unknown, "status": "failed", "result": None}
    error = await peer.fault(method, session_id=unknown, **params)
    assert error == {"code": -32001, "message": f"session not found: {unknown}"}


@pytest.mark.parametrize(
    ("method", "params", "detail"),
    [
        ("session/read", None, "Missing params"),
        ("session/read", {}, "Invalid params: missing field `session_id`"),
        ("session/read", {"session_id": 5}, "Invalid params: "),
        ("session/read", 5, "Invalid params: invalid type: integer `5`, expected struct ReadSessionParams"),
        ("session/read", [], "Invalid params: missing field `session_id`"),
        ("session/list", {"limit": -1}, "Invalid params: invalid value: integer `-1`"),
        ("session/create", {"prompt": [{"type": "nope"}]}, "Invalid params: data did not match any variant"),
        ("session/create", {"prompt": "x", "keep_alive": None}, "Invalid params: "),
        ("session/create", {"prompt": "x", "structured_output_retries": None}, "Invalid params: "),
        ("session/create", {"prompt": "x", "initial_turn": "x"}, "Invalid params: "),
        ("session/create", {"prompt": "x", "skill_references": None}, "Invalid params: skill_references is retired"),
        ("session/create", {"prompt": "x", "app_context": {"meerkat": 1}}, "app_context key 'meerkat' is reserved"),
        ("session/create", {"prompt": "x", "provider": "x"}, "unknown provider 'x'"),
        ("session/create", {"prompt": "x", "model": "x", "provider": "self_hosted"}, "self-hosted provider requires"),
        ("session/create", {"prompt": "x", "model": "echo", "provider": "openai"}, "model 'echo' is registered for"),
        ("session/stream_open", {"session_id": "x", "more": 1}, "Invalid params: unknown field `more`"),
        ("events/latest_cursor", {"scope": {"type": "runtime"}}, "Invalid params: "),
        ("events/latest_cursor", {"scope": {"type": "session", "session_id": "x"}}, "Invalid params: "),
        ("session/read", {"session_id": "x"}, "Invalid session_id 'x': "),
        ("session/read", {"session_id": ":018f0000-0000-7000-8000-000000000009"}, "Invalid session_id "),
        ("help/ask", {"question": " "}, "help question cannot be empty"),
        (
            "session/external_event",
            {"session_id": "x", "kind": "generic_json", "event_type": "", "payload": 1},
            "event_type cannot be empty",
        ),
    ],
)
async def test_bad_parameters(peer: Peer, method: str, params: Any, detail: str) -> None:
    await peer.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    error = (await peer.answer(1))["error"]
    assert error["code"] == -32602
    assert error["message"].startswith(detail)


async def test_unknown_parameters_and_nulls_are_ignored(peer: Peer) -> None:
    session = await create(peer, model=None, labels=None, nonsense=1, external_tools=None)
    assert (await turn(peer, session, "x", nonsense=1, keep_alive=None, flow_tool_overlay=None))["text"] == "echo: x"


async def test_every_other_method_of_the_contract_says_that_it_is_not_there(peer: Peer) -> None:
    others = sorted(contract.METHODS.keys() - handlers().keys())
    assert "mob/create" in others
    for method in others:
        assert await peer.fault(method) == {"code": -32601, "message": f"Method not found: {method}"}


async def test_every_handler_belongs_to_a_method_of_the_contract() -> None:
    assert handlers().keys() <= contract.METHODS.keys()


async def test_questions_about_the_runtime_run_in_a_session_of_their_own(peer: Peer) -> None:
    result = await peer.call("help/ask", question="how?", prompt="more", execution_mode="plan_execution")
    asked = (await texts(peer, result["session_id"]))[0]
    for part in ("how?", "more", "plan_execution"):
        assert part in asked


async def test_any_model_name_is_taken(peer: Peer) -> None:
    for model, provider in (("claude-x", "anthropic"), ("gpt-x", "openai"), ("gemini-x", "gemini"), ("x", "other")):
        session = await create(peer, model=model)
        described = await peer.call("session/read", session_id=session)
        assert (described["model"], described["provider"]) == (model, provider)
        assert ("resolved_capabilities" in described) == (provider != "other")


async def test_a_rate_limit_is_waited_for_as_long_as_it_says_but_for_the_scale(peer: Peer) -> None:
    request = await peer.ask("session/create", prompt=script({"status": 429}))
    answer = await peer.answer(request)
    assert answer["error"]["message"].endswith("Terminal failure: Failed (RetryExhausted): retry exhausted")
    retries = [line for line in peer.lines if "retrying" in json.dumps(line)]
    assert [line["params"]["event"]["payload"]["delay_ms"] for line in retries] == [30_000] * 3


async def test_a_script_that_cannot_be_obeyed_fails_the_run(peer: Peer) -> None:
    error = await peer.fault("session/create", prompt='{"script": [{"txt": "x"}]}')
    assert error["code"] == -32603


async def test_a_script_file_says_what_each_turn_plays(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps([[{"text": "one"}], {"script": [{"text": "two"}]}]))
    async with started(COMMAND, {"MEERKAT_EMBEDDED_SCRIPT": str(path)}) as peer:
        for _ in range(2):
            session = await create(peer)
            await turn(peer, session, "second")
            await turn(peer, session, script({"text": "own"}))
            await turn(peer, session, "fourth")
            assert (await texts(peer, session))[1::2] == ["one", "two", "own", "echo: fourth"]


async def test_the_test_client_says_ok_to_everything() -> None:
    async with started(COMMAND, {"RKAT_TEST_CLIENT": "1"}) as peer:
        result = await peer.call("session/create", prompt=script({"text": "no"}))
    assert (result["text"], result["usage"]["total_tokens"]) == ("ok", 0)


async def test_a_tool_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from meerkat.embedded import callbacks

    monkeypatch.setattr(callbacks, "TIMEOUT", 0)
    sent: list[dict[str, Any]] = []
    waiting = callbacks.Callbacks(sent.append)

    text, is_error = await waiting.call("call_1", "late", {})

    assert is_error
    assert json.loads(text)["message"] == "Tool execution failed: Callback tool 'late' timed out after 0s"
    assert [message["id"] for message in sent] == ["srv-0"]
