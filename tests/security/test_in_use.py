"""Secrets that go through a client are in nothing that it writes or shows, whatever the runtime does with them."""

from __future__ import annotations

import logging
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    CONTRACT_VERSION,
    InvalidArgumentError,
    MeerkatClient,
    MeerkatError,
    NotConnectedError,
    RuntimeExitedError,
    RuntimeNotFoundError,
    RuntimeStartError,
)
from meerkat._core.background import Background
from meerkat._core.process import STDERR_TAIL, RuntimeProcess
from meerkat._core.secrets import HIDDEN
from meerkat._generated import contract
from tests.security.planted import found_in, logged, secret_for, shown, told
from tests.security.test_values import RECEIVED, SENT

if TYPE_CHECKING:
    from meerkat._core.method import Method
    from tests.support.runtime import Runtime

pytestmark = pytest.mark.requirement("T12")

LIMIT = 60  # seconds
GOSSIP = Path(__file__).parent / "gossip.py"

VARIABLES = {name: secret_for(name) for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "MY_SECRET")}
"""Environment variables that hold secrets, as their names say."""

ALL = {
    **VARIABLES,
    "args": secret_for("args"),
    "multiline": secret_for("multiline"),
    **{
        place: secret
        for values in (*SENT.values(), *RECEIVED.values())
        for v in values
        for place, secret in v.secrets.items()
    },
}


class Seen:
    """Collects all texts that can be seen while a client is used."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, "meerkat")
        self._caplog = caplog
        self._texts: list[str] = []

    def value(self, *values: object) -> None:
        """Note what is shown of values."""
        self._texts += map(shown, values)

    def error(self, error: BaseException) -> None:
        """Note what an exception tells."""
        self._texts.append(told(error))

    def client(self, client: MeerkatClient) -> None:
        """Note what a client shows of itself."""
        handles = [client.session("s"), client.mob("m"), client.mob("m").member("a"), client.with_timeout(1)]
        self.value(client, vars(client).keys(), *handles, client.stderr_tail)
        self.value(client.diagnostics)

    def check(self) -> str:
        """No secret may have been seen; returns all that was."""
        text = "\n".join([*self._texts, logged(self._caplog)])
        assert found_in(text, ALL) == {}
        return text


async def call_everything(client: MeerkatClient, seen: Seen, timeout: float) -> None:
    """Make every call that can carry a secret, in each way that there is; note the errors and the results."""

    async def call(method: str, params: Any, *, raw: bool) -> None:
        try:
            if raw:
                await client.call(method, params, timeout=timeout)  # plain JSON, which is the caller's own
            else:
                descriptor: Method[Any] = contract.method(method)
                result: object = await client.with_timeout(timeout)._call(descriptor, params)
                seen.value(result)
        except MeerkatError as error:
            seen.error(error)

    async with anyio.create_task_group() as group:
        for method, values in SENT.items():
            for made in values:
                seen.value(made.value)
                group.start_soon(partial(call, method, made.value, raw=False))
                group.start_soon(partial(call, method, made.plain, raw=True))


async def test_a_runtime_that_repeats_everything(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meerkat._core.protocol.LINES_LOGGED", 10**6)
    seen = Seen(caplog)
    env = {**VARIABLES, "HARMLESS": "in the open"}
    client = MeerkatClient(sys.executable, args=[str(GOSSIP), CONTRACT_VERSION, ALL["args"]], env=env)
    seen.value(client)
    with warnings.catch_warnings(record=True) as warned, anyio.fail_after(LIMIT):
        warnings.simplefilter("always")
        async with await client.connect():
            await call_everything(client, seen, timeout=LIMIT)
            seen.client(client)
            options = {key: value for key, value in SENT["session/create"][0].plain.items() if key != "initial_turn"}
            turn_options = SENT["turn/start"][0].plain
            for prompt in ("everywhere", "in the answer alone"):
                options["prompt"] = turn_options["prompt"] = prompt
                with pytest.raises(MeerkatError) as caught:
                    await client.create_session(**options)
                seen.error(caught.value)
                with pytest.raises(MeerkatError) as caught:
                    await client.create_deferred_session(**options)
                seen.error(caught.value)
                with pytest.raises(MeerkatError) as caught:
                    await client.start_turn(**turn_options)
                seen.error(caught.value)
                for stream in (client.create_session_streaming(**options), client.stream_turn(**turn_options)):
                    with pytest.raises(MeerkatError) as caught:
                        await stream.collect()
                    seen.error(caught.value)
                    seen.value(stream)
            with pytest.raises(RuntimeExitedError) as ended:
                await client.call("die")
            seen.error(ended.value)
            with pytest.raises(RuntimeExitedError) as again:
                await client.list_sessions()
            seen.error(again.value)
            seen.client(client)
        with pytest.raises(NotConnectedError) as closed:
            await client.list_sessions()
        seen.error(closed.value)
    seen.value(*(warning.message for warning in warned))
    text = seen.check()
    # Otherwise nothing was looked at.
    assert f"ANTHROPIC_API_KEY={HIDDEN}" in ended.value.stderr_tail
    assert f"ANTHROPIC_API_KEY={HIDDEN}" in str(ended.value)
    assert "HARMLESS=in the open" in client.stderr_tail
    assert "begins with 'WARN session/create was called with" in text
    assert f"begins with 'starting with GITHUB_TOKEN={HIDDEN}'" in text
    assert client.diagnostics.late_answers > 0
    assert client.diagnostics.strays > 0


async def test_a_runtime_that_is_used_and_dies(
    runtime: Runtime, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    seen = Seen(caplog)
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    client = runtime.client(env={**VARIABLES, **home, "RUST_LOG": "info"})
    with anyio.fail_after(LIMIT):
        async with await runtime.connect(client):
            await call_everything(client, seen, timeout=3)
            seen.client(client)
            session = await client.create_session("hello")
            seen.value(session, session.last_result)
            async with session.stream("and again") as events:
                seen.value(events, [event async for event in events])
            seen.value(events.result)
            async with await session.subscribe_events() as subscription:
                seen.value(subscription)
            seen.value(await client.get_config())
            assert client._state.link is not None
            client._state.link.connection.transport.kill()
            with pytest.raises(RuntimeExitedError) as ended:
                await client.list_sessions()
            seen.error(ended.value)
            seen.client(client)
    seen.check()


async def test_what_cannot_be_started(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen = Seen(caplog)
    script = tmp_path / "runtime"
    script.write_text('#!/bin/sh\nenv >&2; echo "$ANTHROPIC_API_KEY"; exit 4\n')
    script.chmod(0o755)
    mute = tmp_path / "mute"
    mute.write_text("#!/bin/sh\nenv >&2; exec cat >/dev/null\n")
    mute.chmod(0o755)
    no_program = tmp_path / "data"
    no_program.write_text(ALL["MY_SECRET"])
    no_program.chmod(0o755)
    secret = ALL["args"]
    attempts: list[tuple[type[MeerkatError], MeerkatClient]] = [
        (RuntimeStartError, MeerkatClient(script, args=[secret], env=VARIABLES)),
        (RuntimeStartError, MeerkatClient(mute, args=[secret], env=VARIABLES, connect_timeout=0.5)),
        (RuntimeStartError, MeerkatClient(no_program, args=[secret], env=VARIABLES)),
        (RuntimeNotFoundError, MeerkatClient(tmp_path / "nothing", args=[secret], env=VARIABLES)),
        (RuntimeStartError, MeerkatClient(script, args=[secret], env=VARIABLES, cwd=tmp_path / "nowhere")),
        (InvalidArgumentError, MeerkatClient(script, args=[f"{secret}\0"], env=VARIABLES)),
        (InvalidArgumentError, MeerkatClient(script, args=[f"{secret}\ud800"], env=VARIABLES)),
        (InvalidArgumentError, MeerkatClient(script, env={"MY_SECRET": f"{secret}\0"})),
        (InvalidArgumentError, MeerkatClient(script, env={f"MY=SECRET{secret}": secret})),
    ]
    no_options: list[dict[str, Any]] = [{"env": {"MY_SECRET": secret.encode()}}, {"args": secret}]
    for refused in no_options:
        with pytest.raises(InvalidArgumentError) as wrong:
            MeerkatClient(script, **refused)
        seen.error(wrong.value)
    for kind, client in attempts:
        with anyio.fail_after(LIMIT), pytest.raises(kind) as caught:
            await client.connect()
        seen.error(caught.value)
        seen.value(client)
    assert f"ANTHROPIC_API_KEY={HIDDEN}" in seen.check()


@pytest.mark.parametrize("noise", [0, *(STDERR_TAIL - kept for kept in (-3, 10, 20, 30, 35, 45, 60, 75, 90, 110))])
async def test_a_secret_at_the_edge_of_the_tail(noise: int) -> None:
    """What is cut off must not leave the rest of a secret behind."""
    env = {
        "A_TOKEN": ALL["args"],
        "PEM_SECRET": f"-----BEGIN-----\n{ALL['multiline']}\n-----END-----\n",
        "N": str(noise),
    }
    program = (
        'import os; e = os.environ; os.write(2, ((e["A_TOKEN"] + e["PEM_SECRET"]) * 3 + "x" * int(e["N"])).encode())'
    )
    process = RuntimeProcess([sys.executable, "-c", program], env=env, cwd=None)
    tasks = [Background(task, name) for task, name in [*process.tasks(), (process.watch, "watch")]]
    with anyio.fail_after(LIMIT):
        for background in tasks:
            await background.wait()
    process.release()
    tail = process.stderr_tail
    assert len(tail) <= STDERR_TAIL
    for secret in (ALL["args"], ALL["multiline"]):
        assert not any(secret[start : start + 12] in tail for start in range(len(secret) - 11))
    assert tail.endswith("x" * min(noise, STDERR_TAIL))
    assert HIDDEN in tail or noise
