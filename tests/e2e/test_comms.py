"""Messages between sessions, on the real runtime: the embedded one serves neither mobs nor peers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meerkat import (
    CommsSendFailedError,
    CommsSendResultInputAccepted,
    CommsSendResultPeerLifecycleSent,
    CommsSendResultPeerMessageSent,
    CommsSendResultPeerRequestSent,
    InvalidArgumentError,
    InvalidParamsError,
    Session,
)
from tests.e2e.conftest import run_of
from tests.e2e.test_mobs import make_mob

if TYPE_CHECKING:
    from meerkat import MeerkatClient

NOBODY = "00000000-0000-0000-0000-000000000000"


async def two_peers(client: MeerkatClient) -> tuple[Session, Session]:
    """The sessions of two members that know each other."""
    mob = await make_mob(client, "ada", "bob")
    await mob.wire("ada", "bob")
    sessions: list[Session] = []
    for member in ("ada", "bob"):
        session_id = (await mob.member_status(member)).current_session_id
        assert session_id is not None
        sessions.append(client.session(session_id))
    return sessions[0], sessions[1]


async def test_peers_are_listed(real_client: MeerkatClient) -> None:
    ada, bob = await two_peers(real_client)
    (peer,) = await ada.peers()
    assert peer.name.endswith("bob")
    assert peer["reachability"] == peer.reachability == "reachable"
    assert "peer_message" in peer.sendable_kinds
    assert (await real_client.peers(bob.id)).peers[0].name.endswith("ada")


async def test_a_message_reaches_the_peer(real_client: MeerkatClient) -> None:
    ada, bob = await two_peers(real_client)
    (peer,) = await ada.peers()
    async with await bob.subscribe_events() as events:
        sent = await ada.send(kind="peer_message", to=peer.peer_id, body="good morning", handling_mode="queue")
        assert isinstance(sent, CommsSendResultPeerMessageSent)
        assert sent.envelope_id
        prompt, _ = await run_of(events)
    assert prompt.endswith("good morning")


async def test_every_kind_has_its_receipt(real_client: MeerkatClient) -> None:
    ada, _ = await two_peers(real_client)
    (peer,) = await ada.peers()
    request = await real_client.send(
        ada.id, kind="peer_request", to=peer.peer_id, intent="checksum_token", params={"subject": "x"}
    )
    assert isinstance(request, CommsSendResultPeerRequestSent)
    assert request.request_id
    news = await ada.send(
        kind="peer_lifecycle", to=peer.peer_id, lifecycle_kind="mob.peer_added", params={"peer": "carol"}
    )
    assert isinstance(news, CommsSendResultPeerLifecycleSent)
    own = await ada.send(kind="input", body="hello", source="rpc", stream="none", allow_self_session=True)
    assert isinstance(own, CommsSendResultInputAccepted)
    with pytest.raises(CommsSendFailedError) as caught:
        await ada.send(
            kind="peer_response",
            to=peer.peer_id,
            in_reply_to=NOBODY,
            status="completed",
            result={"request_intent": "checksum_token", "request_subject": "x", "token": "t"},
        )
    assert caught.value.method == "comms/send"


async def test_what_the_runtime_refuses(real_client: MeerkatClient) -> None:
    ada, _ = await two_peers(real_client)
    with pytest.raises(CommsSendFailedError, match=NOBODY):
        await ada.send(kind="peer_message", to=NOBODY, body="anybody?")
    with pytest.raises(CommsSendFailedError, match="allow_self_session"):
        await ada.send(kind="input", body="hello")
    alone = await real_client.create_session("hello")
    with pytest.raises(InvalidParamsError):
        await alone.peers()
    with pytest.raises(InvalidParamsError):
        await alone.send(kind="input", body="hello", allow_self_session=True)


async def test_a_session_with_a_name_and_no_peers(real_client: MeerkatClient) -> None:
    session = await real_client.create_session("hello", comms_name="alice")
    assert await session.peers() == []


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ({"kind": "input", "body": "x", "to": NOBODY}, r"`to` - at `\$`$"),
        ({"kind": "input"}, r"`body` - at `\$`$"),
        ({"kind": "peer_message", "body": "x"}, r"`to` - at `\$`$"),
        ({"kind": "peer_message", "to": NOBODY, "body": "x", "status": "failed"}, r"`status` - at `\$`$"),
        ({"kind": "peer_message", "to": NOBODY, "body": "x", "blocks": [{"type": "text"}]}, r"`\$\.blocks\[0\]`$"),
        ({"kind": "peer_message", "to": NOBODY, "body": "x", "handling_mode": 5}, r"`\$\.handling_mode`$"),
        ({"kind": "peer_lifecycle", "to": NOBODY, "lifecycle_kind": "gone", "params": {"peer": "x"}}, "lifecycle_kind"),
        ({"kind": "peer_lifecycle", "to": NOBODY, "lifecycle_kind": "mob.peer_added", "params": {}}, r"`\$\.params`$"),
        ({"kind": "peer_request", "to": NOBODY, "intent": "checksum_token", "params": {"x": 1}}, r"`\$\.params`$"),
        ({"kind": "peer_request", "to": NOBODY, "intent": "other", "params": {"subject": "x"}}, r"`\$\.intent`$"),
        ({"kind": "peer_response", "to": NOBODY, "in_reply_to": NOBODY, "status": "done"}, r"`\$\.status`$"),
        ({"kind": "letter", "body": "x"}, r"value \(allowed: input, .*, peer_response\) - at `\$\.kind`$"),
    ],
)
async def test_arguments_that_do_not_fit_the_kind_are_refused_before_anything_is_sent(
    real_client: MeerkatClient, message: dict[str, Any], fault: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=fault) as caught:
        await real_client.send(NOBODY, **message)
    assert caught.value.method == "comms/send"
