"""Messages between sessions and their peers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

from meerkat._generated import contract
from meerkat._generated.methods import AllCalls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meerkat._generated.types.basics import HandlingMode
    from meerkat._generated.types.comms import (
        CommsPeerLifecycleParams,
        CommsPeerRequestIntent,
        CommsPeerRequestParams,
        CommsPeerResponseResult,
        CommsSendResult,
        InputSource,
        InputStreamMode,
        PeerLifecycleKind,
        ResponseStatus,
    )
    from meerkat._generated.types.content import ContentBlock

CommsKind = Literal["input", "peer_message", "peer_lifecycle", "peer_request", "peer_response"]
"""What is sent: input for the session itself, or one of four things for a peer."""


class SendOptions(TypedDict, total=False):
    """What `Session.send` takes; which of it belongs to which kind is told by `MeerkatClient.send`."""

    kind: Required[CommsKind]
    to: str | None
    body: str | None
    blocks: Sequence[ContentBlock | Mapping[str, Any]] | None
    lifecycle_kind: PeerLifecycleKind | None
    intent: CommsPeerRequestIntent | None
    params: CommsPeerRequestParams | CommsPeerLifecycleParams | Mapping[str, Any] | None
    in_reply_to: str | None
    status: ResponseStatus | None
    result: CommsPeerResponseResult | Mapping[str, Any] | None
    source: InputSource | None
    stream: InputStreamMode | None
    allow_self_session: bool | None
    handling_mode: HandlingMode | str | None


class CommsMethods(AllCalls):
    """What a client does with peers beyond the generated wrappers."""

    async def send(
        self,
        session_id: str,
        *,
        kind: CommsKind,
        to: str | None = None,
        body: str | None = None,
        blocks: Sequence[ContentBlock | Mapping[str, Any]] | None = None,
        lifecycle_kind: PeerLifecycleKind | None = None,
        intent: CommsPeerRequestIntent | None = None,
        params: CommsPeerRequestParams | CommsPeerLifecycleParams | Mapping[str, Any] | None = None,
        in_reply_to: str | None = None,
        status: ResponseStatus | None = None,
        result: CommsPeerResponseResult | Mapping[str, Any] | None = None,
        source: InputSource | None = None,
        stream: InputStreamMode | None = None,
        allow_self_session: bool | None = None,
        handling_mode: HandlingMode | str | None = None,
    ) -> CommsSendResult:
        """Send something in the name of a session, to itself or to a peer.

        Each kind takes its own arguments (those in parentheses may be left out) and refuses all others:

        - ``input``: ``body`` and ``allow_self_session=True`` (``blocks``, ``source``, ``stream``, ``handling_mode``)
        - ``peer_message``: ``to``, ``body`` (``blocks``, ``handling_mode``)
        - ``peer_lifecycle``: ``to``, ``lifecycle_kind``, ``params``
        - ``peer_request``: ``to``, ``intent``, ``params`` (``blocks``, ``stream``, ``handling_mode``)
        - ``peer_response``: ``to``, ``in_reply_to``, ``status`` (``result``, ``blocks``, ``handling_mode``)

        Args:
            session_id: Session that sends.
            kind: What is sent.
            to: The peer that gets it (UUID), from `peers`.
            body: Text.
            blocks: Content that goes along with the text, or in place of it for ``input``.
            lifecycle_kind: The change in a mob that the peer is told about.
            intent: What is asked of the peer.
            params: Details, in a form that fits the kind and the intent.
            in_reply_to: The request that is answered (UUID).
            status: How far that request is.
            result: The answer to it, in a form that fits its intent.
            source: Where the input is said to come from.
            stream: Whether an event stream is reserved for the interaction.
            allow_self_session: Has to be true for ``input``.
            handling_mode: ``queue`` or ``steer``: whether it waits for the running turn or joins it.

        Returns:
            A receipt; its class depends on the kind.

        Raises:
            InvalidArgumentError: The arguments do not fit the kind; nothing was sent.
            InvalidParamsError: There is no such session, or it takes no part in communication.
            CommsCommandInvalidError: The runtime does not accept the arguments.
            CommsSendFailedError: There is no such peer, or it could not be reached.

        RPC: ``comms/send``.
        """
        values = {
            "to": to,
            "body": body,
            "blocks": blocks,
            "lifecycle_kind": lifecycle_kind,
            "intent": intent,
            "params": params,
            "in_reply_to": in_reply_to,
            "status": status,
            "result": result,
            "source": source,
            "stream": stream,
            "allow_self_session": allow_self_session,
            "handling_mode": handling_mode,
        }
        given = {name: value for name, value in values.items() if value is not None}
        message = {"kind": kind, "session_id": session_id, **given}
        receipt: CommsSendResult = await self._call(contract.method("comms/send"), message)
        return receipt
