"""Live channels on the real runtime, as far as they can be had without a provider: the ways in which they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    InternalError,
    InvalidArgumentError,
    InvalidParamsError,
    LiveChannel,
    LiveResponseModalityText,
    MethodNotFoundError,
    StreamNotOpenError,
)
from tests.e2e.conftest import LIMIT, connect, make_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from meerkat import MeerkatClient
    from tests.support.runtime import Runtime

NOWHERE = "00000000-0000-0000-0000-000000000000"

CALLS: dict[str, tuple[Any, ...]] = {
    "live_status": (),
    "live_close": (),
    "live_send_input_text": ("hello",),
    "live_send_input_audio": ("AAAA", 24_000, 1),
    "live_send_input_image": ("image/png", "AAAA"),
    "live_send_input_video_frame": ("jpeg", "AAAA", 40),
    "live_commit_input": ("text",),
    "live_interrupt": (),
    "live_truncate": ("item", 0, 100),
    "live_refresh": (),
}


@pytest.fixture
async def live_client(real_runtime: Runtime) -> AsyncGenerator[MeerkatClient]:
    """A client of the real runtime with a live listener; the embedded one has none."""
    real_runtime.env["OPENAI_API_KEY"] = "sk-not-a-key"
    client = make_client(real_runtime)
    with anyio.fail_after(LIMIT):
        await connect(client, real_runtime, live_ws=True)
    try:
        yield client
    finally:
        with anyio.fail_after(LIMIT):
            await client.close()


@pytest.mark.parametrize("call", CALLS)
async def test_a_channel_that_is_not_there(live_client: MeerkatClient, call: str) -> None:
    with anyio.fail_after(LIMIT), pytest.raises(InvalidParamsError, match=NOWHERE) as caught:
        await getattr(live_client, call)(NOWHERE, *CALLS[call])
    assert caught.value.method is not None
    assert caught.value.method.startswith("live/")


async def test_a_modality_may_be_given_in_three_ways(live_client: MeerkatClient) -> None:
    for modality in (None, "audio", {"modality": "audio"}, LiveResponseModalityText()):
        # The runtime has accepted the parameters when it complains of the channel.
        with anyio.fail_after(LIMIT), pytest.raises(InvalidParamsError, match="not found"):
            await live_client.live_commit_input(NOWHERE, modality)


async def test_opening_needs_a_session_with_a_realtime_model(live_client: MeerkatClient) -> None:
    session = await live_client.create_session("hello")
    channel = LiveChannel.session(live_client, session.id, turning_mode="explicit_commit")
    with pytest.raises(InvalidParamsError, match="realtime"):
        await channel.open()
    assert channel.channel_id is None
    with pytest.raises(InvalidParamsError, match="realtime"):
        async with channel:
            raise AssertionError("the channel is not open")
    with pytest.raises(InvalidParamsError, match="not found"):
        await live_client.live_open(NOWHERE, "provider_managed")


async def test_opening_needs_the_provider(live_client: MeerkatClient) -> None:
    session = await live_client.create_deferred_session("hello", model="gpt-realtime-2")
    with anyio.fail_after(LIMIT), pytest.raises(InternalError) as caught:
        await live_client.live_open(session.id, "explicit_commit")
    assert caught.value.method == "live/open"


@pytest.mark.parametrize(
    ("call", "arguments", "fault"),
    [
        ("live_open", (NOWHERE, "sometimes"), r"`\$\.turning_mode`$"),
        ("live_commit_input", (NOWHERE, "smell"), r"\(allowed: .*text.*\) - at `\$\.response_modality\.modality`$"),
        ("live_send_input_text", (NOWHERE, 5), r"`\$\.chunk\.text`$"),
        ("live_send_input_audio", (NOWHERE, "AAAA", 24_000, -1), r"`\$\.chunk\.channels`$"),
        ("live_send_input_video_frame", (NOWHERE, "jpeg", "AAAA", None), r"`\$\.chunk\.timestamp_ms`$"),
        ("live_truncate", (NOWHERE, "item", -1, 0), r"`\$\.content_index`$"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    live_client: MeerkatClient, call: str, arguments: tuple[Any, ...], fault: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=fault):
        await getattr(live_client, call)(*arguments)


async def test_a_runtime_without_a_listener(real_client: MeerkatClient) -> None:
    with pytest.raises(MethodNotFoundError):
        await real_client.live_open(NOWHERE)
    for call, arguments in CALLS.items():
        with pytest.raises(MethodNotFoundError):
            await getattr(real_client, call)(NOWHERE, *arguments)


async def test_a_handle_that_was_not_opened(real_client: MeerkatClient) -> None:
    channel = LiveChannel(real_client, NOWHERE)
    for call, arguments in CALLS.items():
        with pytest.raises(StreamNotOpenError, match="open the channel first"):
            await getattr(channel, call.removeprefix("live_"))(*arguments)


def test_observations() -> None:
    from meerkat import MeerkatClient

    raw = {"observation": "assistant_text_delta", "delta": "x"}
    assert MeerkatClient.parse_live_observation(raw) is raw
    for other in ({"error": "invalid_token"}, {"observation": 5}, ["observation"]):
        with pytest.raises(InvalidArgumentError, match=r"\$\.observation"):
            MeerkatClient.parse_live_observation(other)  # type: ignore[arg-type]  # what a program may pass on
