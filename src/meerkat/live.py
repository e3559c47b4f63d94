"""Live channels: speech, text and pictures in real time, on a session.

A channel is steered over the connection of the client. What the model says comes over the WebSocket whose address
`LiveChannel.open` returns, and as events of the session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meerkat._core.codec import is_mapping
from meerkat._core.errors import InvalidArgumentError, MeerkatError, StreamNotOpenError
from meerkat._generated import contract
from meerkat._generated.methods import AllCalls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from meerkat._arguments import LiveModality
    from meerkat._generated.types.live import (
        LiveCloseResult,
        LiveCommitInputResult,
        LiveInterruptResult,
        LiveOpenResult,
        LiveRefreshResult,
        LiveSendInputResult,
        LiveStatusResult,
        LiveTruncateResult,
        RealtimeTurningMode,
    )
    from meerkat.client import MeerkatClient


class LiveMethods(AllCalls):
    """What a client does with live channels beyond the generated wrappers: it builds the pieces of input."""

    async def live_send_input_text(self, channel_id: str, text: str) -> LiveSendInputResult:
        """Send a piece of text into a live channel.

        Args:
            channel_id: Channel to send into; it has to be ready.
            text: The text.

        Raises:
            InvalidParamsError: There is no such channel.
            InternalError: The channel is not ready.
            MethodNotFoundError: The runtime has no live listener; see ``connect(live_ws=...)``.

        RPC: ``live/send_input``.
        """
        return await self._live_send(channel_id, {"kind": "text", "text": text})

    async def live_send_input_audio(
        self, channel_id: str, data_base64: str, sample_rate_hz: int, channels: int
    ) -> LiveSendInputResult:
        """Send a stretch of sound into a live channel.

        Args:
            channel_id: Channel to send into; it has to be ready.
            data_base64: 16-bit little-endian PCM samples in base64.
            sample_rate_hz: Samples a second and channel, such as 24000.
            channels: Number of sound channels, such as 1.

        Raises:
            InvalidParamsError: There is no such channel, or the data are not base64.
            InternalError: The channel is not ready.
            MethodNotFoundError: The runtime has no live listener; see ``connect(live_ws=...)``.

        RPC: ``live/send_input``.
        """
        chunk = {"kind": "audio", "data": data_base64, "sample_rate_hz": sample_rate_hz, "channels": channels}
        return await self._live_send(channel_id, chunk)

    async def live_send_input_image(self, channel_id: str, mime: str, data_base64: str) -> LiveSendInputResult:
        """Send a picture into a live channel.

        Success means that it is queued; a provider that takes no pictures says so over the WebSocket.

        Args:
            channel_id: Channel to send into; it has to be ready.
            mime: Media type such as ``image/png``.
            data_base64: The picture in base64.

        Raises:
            InvalidParamsError: There is no such channel, or the data are not base64.
            InternalError: The channel is not ready.
            MethodNotFoundError: The runtime has no live listener; see ``connect(live_ws=...)``.

        RPC: ``live/send_input``.
        """
        return await self._live_send(channel_id, {"kind": "image", "mime": mime, "data": data_base64})

    async def live_send_input_video_frame(
        self, channel_id: str, codec: str, data_base64: str, timestamp_ms: int
    ) -> LiveSendInputResult:
        """Send one frame of a video into a live channel.

        Success means that it is queued; a provider that takes no video says so over the WebSocket.

        Args:
            channel_id: Channel to send into; it has to be ready.
            codec: Encoding of the frame.
            data_base64: The frame in base64.
            timestamp_ms: Place of the frame in the video, in milliseconds.

        Raises:
            InvalidParamsError: There is no such channel, or the data are not base64.
            InternalError: The channel is not ready.
            MethodNotFoundError: The runtime has no live listener; see ``connect(live_ws=...)``.

        RPC: ``live/send_input``.
        """
        chunk = {"kind": "video_frame", "codec": codec, "data": data_base64, "timestamp_ms": timestamp_ms}
        return await self._live_send(channel_id, chunk)

    async def live_commit_input(
        self, channel_id: str, response_modality: LiveModality | None = None
    ) -> LiveCommitInputResult:
        """Declare the input so far complete and ask for an answer.

        Needed with turning mode ``explicit_commit``; a channel in the other mode may be closed by it.

        Args:
            channel_id: Channel to commit.
            response_modality: Form of this one answer, ``"text"`` or ``"audio"``, or the typed object; by default the
                usual one of the channel.

        Raises:
            InvalidParamsError: There is no such channel.
            MethodNotFoundError: The runtime has no live listener; see ``connect(live_ws=...)``.

        RPC: ``live/commit_input``.
        """
        if isinstance(response_modality, str):
            response_modality = {"modality": response_modality}
        params = {"channel_id": channel_id, "response_modality": response_modality}
        committed: LiveCommitInputResult = await self._call(contract.method("live/commit_input"), params)
        return committed

    @staticmethod
    def parse_live_observation(raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """Check that a message of a live channel's WebSocket is an observation, and return it as it is.

        The contract does not describe observations, so that they stay plain JSON; ``raw["observation"]`` tells the
        kind.

        Args:
            raw: The decoded message.

        Raises:
            InvalidArgumentError: It is no JSON object with an ``observation``, such as the ``{"error": ...}`` with
                which a token is refused.
        """
        decoded: object = raw  # callers pass on what came, whatever it is
        if not is_mapping(decoded) or not isinstance(decoded.get("observation"), str):
            raise InvalidArgumentError(message="an observation is an object with a string - at `$.observation`")
        return raw

    async def _live_send(self, channel_id: str, chunk: Mapping[str, Any]) -> LiveSendInputResult:
        params = {"channel_id": channel_id, "chunk": chunk}
        sent: LiveSendInputResult = await self._call(contract.method("live/send_input"), params)
        return sent


class LiveChannel:
    """A live channel of a session; it remembers the channel's id from `open` on.

    The runtime needs a live listener (``connect(live_ws=True)``) and the session a model that works in real time.

    Args:
        client: A connected client.
        session_id: Session to open the channel on, a bare UUID.
        turning_mode: Who decides that the user has finished: ``"provider_managed"`` (the runtime's default) or
            ``"explicit_commit"``.

    Example:
        ::

            async with LiveChannel.session(client, session.id, turning_mode="explicit_commit") as channel:
                await channel.send_input_text("hello")
                await channel.commit_input("text")
    """

    def __init__(
        self, client: MeerkatClient, session_id: str, *, turning_mode: RealtimeTurningMode | None = None
    ) -> None:
        self._client = client
        self._session_id = session_id
        self._turning_mode: RealtimeTurningMode | None = turning_mode
        self._channel_id: str | None = None
        self._closed = False

    @classmethod
    def session(
        cls, client: MeerkatClient, session_id: str, *, turning_mode: RealtimeTurningMode | None = None
    ) -> Self:
        """Return a handle for a channel of a session; nothing is opened yet."""
        return cls(client, session_id, turning_mode=turning_mode)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of session {self._session_id} ({self._channel_id or 'not open'})>"

    @property
    def client(self) -> MeerkatClient:
        """The client that steers the channel."""
        return self._client

    @property
    def session_id(self) -> str:
        """The session that the channel belongs to."""
        return self._session_id

    @property
    def channel_id(self) -> str | None:
        """Id of the channel; ``None`` before `open`. It stays after `close`, so that `status` can still tell."""
        return self._channel_id

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._closed:
            return
        try:
            await self.close()
        except MeerkatError:
            if error is None:
                raise

    async def open(self) -> LiveOpenResult:
        """Open the channel; see `MeerkatClient.live_open`.

        The result holds the address of the WebSocket on which the model answers, and a token; both are secret.

        RPC: ``live/open``.
        """
        opened = await self._client.live_open(self._session_id, self._turning_mode)
        self._channel_id = opened.channel_id
        self._closed = False
        return opened

    async def close(self) -> LiveCloseResult:
        """Close the channel; see `MeerkatClient.live_close`.

        RPC: ``live/close``.
        """
        closed = await self._client.live_close(self._opened())
        self._closed = True
        return closed

    async def status(self) -> LiveStatusResult:
        """Tell how the channel is doing, for a minute after its end too; see `MeerkatClient.live_status`.

        RPC: ``live/status``.
        """
        return await self._client.live_status(self._opened())

    async def refresh(self) -> LiveRefreshResult:
        """Hand the session's present state to the provider again; see `MeerkatClient.live_refresh`.

        RPC: ``live/refresh``.
        """
        return await self._client.live_refresh(self._opened())

    async def send_input_text(self, text: str) -> LiveSendInputResult:
        """Send a piece of text; see `MeerkatClient.live_send_input_text`.

        RPC: ``live/send_input``.
        """
        return await self._client.live_send_input_text(self._opened(), text)

    async def send_input_audio(self, data_base64: str, sample_rate_hz: int, channels: int) -> LiveSendInputResult:
        """Send a stretch of sound; see `MeerkatClient.live_send_input_audio`.

        RPC: ``live/send_input``.
        """
        return await self._client.live_send_input_audio(self._opened(), data_base64, sample_rate_hz, channels)

    async def send_input_image(self, mime: str, data_base64: str) -> LiveSendInputResult:
        """Send a picture; see `MeerkatClient.live_send_input_image`.

        RPC: ``live/send_input``.
        """
        return await self._client.live_send_input_image(self._opened(), mime, data_base64)

    async def send_input_video_frame(self, codec: str, data_base64: str, timestamp_ms: int) -> LiveSendInputResult:
        """Send one frame of a video; see `MeerkatClient.live_send_input_video_frame`.

        RPC: ``live/send_input``.
        """
        return await self._client.live_send_input_video_frame(self._opened(), codec, data_base64, timestamp_ms)

    async def commit_input(self, response_modality: LiveModality | None = None) -> LiveCommitInputResult:
        """Declare the input complete and ask for an answer; see `MeerkatClient.live_commit_input`.

        RPC: ``live/commit_input``.
        """
        return await self._client.live_commit_input(self._opened(), response_modality)

    async def interrupt(self) -> LiveInterruptResult:
        """Stop the answer that the model is giving; see `MeerkatClient.live_interrupt`.

        RPC: ``live/interrupt``.
        """
        return await self._client.live_interrupt(self._opened())

    async def truncate(self, item_id: str, content_index: int, audio_played_ms: int) -> LiveTruncateResult:
        """Cut an answer down to what the user has heard; see `MeerkatClient.live_truncate`.

        RPC: ``live/truncate``.
        """
        return await self._client.live_truncate(self._opened(), item_id, content_index, audio_played_ms)

    def _opened(self) -> str:
        if self._channel_id is None:
            raise StreamNotOpenError(message="open the channel first: `await channel.open()`, or use `async with`")
        return self._channel_id
