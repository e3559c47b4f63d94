"""Connected clients for the end-to-end tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import MeerkatClient, RunCompleted, RunStarted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from meerkat import EventSubscription
    from tests.support.runtime import Runtime

LIMIT = 60  # seconds: far more than any of these tests takes


def make_client(runtime: Runtime, **options: Any) -> MeerkatClient:
    """A client for one of the runtimes, not connected."""
    if runtime.kind == "embedded":
        return MeerkatClient(runtime="embedded", env=runtime.env, **options)
    return MeerkatClient(runtime.program, env=runtime.env, **options)


async def connect(client: MeerkatClient, runtime: Runtime, **options: Any) -> MeerkatClient:
    """Connect a client to the state of the runtime."""
    return await client.connect(realm_id=runtime.realm, state_root=runtime.state_root, **options)


async def run_of(events: EventSubscription[Any], *, member: str | None = None) -> tuple[str, str]:
    """Prompt and text of the next run that a subscription shows, of one member where it shows several."""
    prompt = ""
    with anyio.fail_after(LIMIT):
        async for item in events:
            event = item if member is None else item.envelope.payload
            if member is not None and item.source.identity != member:
                continue
            if isinstance(event, RunStarted):
                prompt = str(event.prompt)
            elif isinstance(event, RunCompleted):
                return prompt, event.result
    raise AssertionError("the subscription ended before the run")


@pytest.fixture
async def client(runtime: Runtime) -> AsyncGenerator[MeerkatClient]:
    """A connected client, on each runtime and each backend."""
    client = make_client(runtime)
    with anyio.fail_after(LIMIT):
        await connect(client, runtime)
    try:
        yield client
    finally:
        with anyio.fail_after(LIMIT):
            await client.close()


@pytest.fixture
async def real_client(real_runtime: Runtime) -> AsyncGenerator[MeerkatClient]:
    """A connected client of the real runtime alone: the embedded one does not serve these methods."""
    client = make_client(real_runtime)
    with anyio.fail_after(LIMIT):
        await connect(client, real_runtime)
    try:
        yield client
    finally:
        with anyio.fail_after(LIMIT):
            await client.close()
