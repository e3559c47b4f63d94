"""Connecting, closing, and everything that can be wrong with a runtime at its start."""

from __future__ import annotations

import os
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from meerkat import (
    CONTRACT_VERSION,
    AlreadyConnectedError,
    CapabilityUnavailableError,
    ContractMismatchError,
    MeerkatClient,
    MeerkatError,
    NotConnectedError,
    RuntimeExitedError,
    RuntimeNotFoundError,
    RuntimeStartError,
)
from tests.e2e.conftest import LIMIT, connect, make_client
from tests.support.leaks import Holdings, leaks_since

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runtime import Runtime

PEER = Path(__file__).resolve().parent.parent / "support" / "peer.py"


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., str]:
    """Make an executable that plays the steps of ``tests/support/peer.py`` whatever its arguments are."""

    def make(*steps: str) -> str:
        path = tmp_path / f"runtime-{len(list(tmp_path.iterdir()))}"
        quoted = " ".join(f"'{step}'" for step in steps)
        path.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{PEER}' {quoted}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


def hello(version: str) -> list[str]:
    """Steps that answer the handshake's two requests, speaking a contract version."""
    info = f'{{"server_info":{{"name":"peer","version":"1"}},"contract_version":"{version}","methods":[]}}'
    caps = '{"contract_version":{"major":0,"minor":6,"patch":5},"capabilities":[]}'
    return [
        "read:2",
        f'out:{{"jsonrpc":"2.0","id":1,"result":{info}}}',
        f'out:{{"jsonrpc":"2.0","id":2,"result":{caps}}}',
    ]


@pytest.mark.requirement("T14")
async def test_connect_and_close(runtime: Runtime) -> None:
    client = make_client(runtime)
    assert client.pid is None
    with pytest.raises(NotConnectedError):
        _ = client.diagnostics
    assert await connect(client, runtime) is client
    async with client:
        assert client.server_info.version == CONTRACT_VERSION
        assert client.pid is not None
        assert client.return_code is None
        assert client.has_capability("sessions")
        client.require_capability("sessions")
        assert {c.id for c in client.capabilities} >= {"sessions", "streaming"}
        with pytest.raises(CapabilityUnavailableError, match="time_travel") as caught:
            client.require_capability("time_travel")
        assert caught.value.capability_hint == "time_travel"
        assert not client.has_capability("time_travel")
    assert client.pid is None
    assert client.return_code == 0
    assert client.diagnostics.pending_calls == client.diagnostics.bad_lines == 0
    await client.close()


async def test_the_real_one_says_so_and_the_embedded_one_too(client: MeerkatClient, runtime: Runtime) -> None:
    name = client.server_info.name
    assert name == ("meerkat-embedded" if runtime.kind == "embedded" else "meerkat-rpc")


async def test_state_outlives_the_runtime(runtime: Runtime) -> None:
    client = make_client(runtime)
    await connect(client, runtime)
    session = await client.create_session("remember me")
    await client.close()
    async with await connect(client, runtime):
        assert (await client.read_session(session.id)).last_assistant_text == "echo: remember me"


@pytest.mark.requirement("T09")
async def test_connecting_twice(runtime: Runtime) -> None:
    client = make_client(runtime)
    failures: list[BaseException] = []
    before = Holdings.now().children.keys()

    async def try_connect() -> None:
        try:
            await connect(client, runtime)
        except AlreadyConnectedError as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(try_connect)
        group.start_soon(try_connect)
    assert len(failures) == 1
    async with client:
        with pytest.raises(AlreadyConnectedError, match="close it first"):
            await connect(client, runtime)
        assert await client.list_sessions() == []
        # There never was a second child, and the refusals left nothing that would end later.
        assert Holdings.now().children.keys() - before == {client.pid}


@pytest.mark.requirement("C03")
async def test_calls_before_connect_and_after_close(embedded_runtime: Runtime) -> None:
    client = make_client(embedded_runtime)
    with pytest.raises(NotConnectedError, match="connect"):
        await client.list_sessions()
    with pytest.raises(NotConnectedError, match="connect"):
        await client.create_session("x")
    with pytest.raises(NotConnectedError, match="connect"):
        await client.create_session_streaming("x").collect()
    with pytest.raises(NotConnectedError, match="connect"):
        await client.call("session/list")
    with pytest.raises(NotConnectedError):
        _ = client.capabilities
    async with await connect(client, embedded_runtime):
        session = await client.create_session("x")
    with pytest.raises(NotConnectedError, match="closed") as caught:
        await session.turn("y")
    assert caught.value.method == "turn/start"


async def test_async_with_connects(tmp_path: Path) -> None:
    env = {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    async with MeerkatClient(runtime="embedded", env=env) as client:
        assert (await client.create_session("x")).text == "echo: x"


async def test_the_environment_can_choose_the_embedded_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEERKAT_RUNTIME", "embedded")
    async with await MeerkatClient().connect(state_root=tmp_path, realm_id="r") as client:
        assert client.server_info.name == "meerkat-embedded"


@pytest.mark.requirement("T07")
async def test_no_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MEERKAT_RUNTIME", raising=False)
    monkeypatch.delenv("MEERKAT_BIN_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeNotFoundError, match="embedded"):
        await MeerkatClient().connect()
    with pytest.raises(RuntimeNotFoundError, match="no-such-runtime"):
        await MeerkatClient(str(tmp_path / "no-such-runtime")).connect()
    monkeypatch.setenv("MEERKAT_RUNTIME", "imaginary")
    with pytest.raises(RuntimeNotFoundError, match="imaginary"):
        await MeerkatClient().connect()


@pytest.mark.parametrize("spoken", ["0.7.0", "1.0.0", "0.5.9", "nonsense"])
@pytest.mark.requirement("C10")
async def test_another_contract_version(program: Callable[..., str], spoken: str) -> None:
    with pytest.raises(ContractMismatchError) as caught:
        await MeerkatClient(program(*hello(spoken), "mute")).connect()
    assert spoken in str(caught.value)
    assert CONTRACT_VERSION in str(caught.value)


@pytest.mark.requirement("C10")
async def test_a_patch_version_does_not_matter(program: Callable[..., str]) -> None:
    async with await MeerkatClient(program(*hello("0.6.99"), "mute")).connect() as client:
        assert client.server_info.name == "peer"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (["err:40", "exit:3"], "exited with status 3"),
        (["kill"], "SIGKILL"),
        (["read:1", "exit:0"], "exited with status 0"),
        (["close"], "closed its output"),
    ],
)
@pytest.mark.requirement("T07")
async def test_a_runtime_that_dies_at_its_start(program: Callable[..., str], steps: list[str], words: str) -> None:
    with anyio.fail_after(LIMIT), pytest.raises(RuntimeStartError, match=words) as caught:
        await MeerkatClient(program(*steps)).connect()
    if steps[0].startswith("err"):
        assert "end" in caught.value.stderr_tail
        assert "end" in str(caught.value)


@pytest.mark.requirement("T07")
async def test_a_runtime_that_says_nothing(program: Callable[..., str]) -> None:
    client = MeerkatClient(program("err:40", "mute"), connect_timeout=0.5, shutdown_grace=1.0)
    with anyio.fail_after(LIMIT), pytest.raises(RuntimeStartError, match=r"within 0\.5 seconds") as caught:
        await client.connect()
    assert "end" in caught.value.stderr_tail


async def test_a_runtime_that_talks_nonsense(program: Callable[..., str]) -> None:
    nonsense = program("read:2", 'out:{"jsonrpc":"2.0","id":1,"result":{"contract_version":5}}', "mute")
    with pytest.raises(MeerkatError, match="initialize"):
        await MeerkatClient(nonsense, shutdown_grace=1.0).connect()


@pytest.mark.requirement("T05", "T14")
async def test_ten_megabytes_of_stderr_before_the_first_answer(program: Callable[..., str]) -> None:
    async with await MeerkatClient(program("err:10485760", *hello(CONTRACT_VERSION), "mute")).connect() as client:
        assert client.stderr_tail.endswith("end\n")


@pytest.mark.requirement("T07")
async def test_a_cancelled_connect_leaves_nothing(program: Callable[..., str]) -> None:
    before = Holdings.now()
    client = MeerkatClient(program("mute"), shutdown_grace=1.0)
    with anyio.move_on_after(0.2) as scope:
        await client.connect()
    assert scope.cancelled_caught
    assert leaks_since(before) == []
    with pytest.raises(NotConnectedError):
        await client.list_sessions()


@pytest.mark.requirement("T07")
async def test_fifty_failed_connects_leave_nothing(program: Callable[..., str]) -> None:
    before = Holdings.now()
    path = program("exit:1")
    for _ in range(50):
        with pytest.raises(RuntimeStartError):
            await MeerkatClient(path).connect()
    assert leaks_since(before) == []


@pytest.mark.requirement("T06", "T14")
async def test_the_death_of_the_runtime_in_a_stream(client: MeerkatClient) -> None:
    session = await client.create_session("x")
    assert client.pid is not None
    with anyio.fail_after(LIMIT), pytest.raises(RuntimeExitedError, match="SIGKILL") as caught:  # noqa: PT012
        async with session.stream('{"script": [{"text": "begun"}, {"sleep": 50}]}') as events:
            await anext(events)
            os.kill(client.pid, signal.SIGKILL)
            async for _ in events:
                pass
    assert caught.value.return_code == -signal.SIGKILL
    with pytest.raises(RuntimeExitedError, match="SIGKILL"):
        await client.list_sessions()
    assert client.return_code == -signal.SIGKILL


@pytest.mark.requirement("T08")
async def test_close_does_not_hide_the_error_of_the_block(runtime: Runtime) -> None:
    client = make_client(runtime)
    with pytest.raises(ZeroDivisionError):
        async with await connect(client, runtime):
            raise ZeroDivisionError


@pytest.mark.requirement("T12")
async def test_arguments_environment_and_directory_reach_the_runtime(tmp_path: Path) -> None:
    script = tmp_path / "runtime.sh"
    script.write_text('#!/bin/sh\necho "$SECRET_WORD $PWD $*" >&2\nexit 4\n')
    script.chmod(0o755)
    client = MeerkatClient(script, args=["--flag"], env={"SECRET_WORD": "xyzzy"}, cwd=tmp_path)
    with pytest.raises(RuntimeStartError) as caught:
        await client.connect(
            realm_id="r", instance_id="i", realm_backend="jsonl", state_root=tmp_path / "s", context_root="c",
            user_config_root="u", live_ws=True,
        )  # fmt: skip
    options = (
        f"--realm r --instance i --realm-backend jsonl --state-root {tmp_path}/s --context-root c "
        "--user-config-root u --live-ws 127.0.0.1:0 --flag"
    )
    assert caught.value.stderr_tail == f"xyzzy {tmp_path} {options}\n"
    assert "xyzzy" not in repr(client)


async def test_a_client_that_was_not_closed_warns(program: Callable[..., str]) -> None:
    client = await MeerkatClient(program(*hello(CONTRACT_VERSION), "mute")).connect()
    link = client._state.link
    assert link is not None
    with pytest.warns(ResourceWarning, match="was not closed"):
        client._state.__del__()
    await client.close()
