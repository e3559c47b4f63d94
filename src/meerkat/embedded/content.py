"""Prompts: text or blocks, and what the runtime makes of them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any, TypeAlias

from meerkat.embedded.faults import invalid_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meerkat.embedded.realm import Realm

Content: TypeAlias = str | list[dict[str, Any]]


def has_image(content: Content) -> bool:
    """Whether there is a picture, which alone keeps the blocks of a prompt apart."""
    return not isinstance(content, str) and any(block["type"] == "image" for block in content)


def flatten(content: Content) -> Content:
    """Return the content as it goes into a run: blocks without a picture become one string."""
    if isinstance(content, str) or has_image(content):
        return content
    return "\n".join(block.get("text", "") for block in content)


def refuse_video(content: Content, model: str, provider: str) -> None:
    """Raise when there is a video; no model here takes one."""
    if not isinstance(content, str) and any(block["type"] == "video" for block in content):
        raise invalid_params(
            f"inline video input is not supported by model '{model}' on provider '{provider}' "
            "(capability: inline_video, reason: capability_disabled)"
        )


def join(parts: Sequence[Content], separator: str) -> Content:
    """Make one prompt of several: strings with a separator, blocks one after the other."""
    if all(isinstance(part, str) for part in parts):
        return separator.join(str(part) for part in parts)
    blocks: list[dict[str, Any]] = []
    for part in parts:
        blocks += [{"type": "text", "text": part}] if isinstance(part, str) else part
    return blocks


def text_of(content: Content) -> str:
    """What the model reads of a prompt."""
    if isinstance(content, str):
        return content
    return " ".join(block.get("text", "") for block in content)


class Blobs:
    """Pictures by the digest of their content; a history refers to them."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._known: dict[str, dict[str, Any]] = {}

    def stored(self, content: Content) -> Content:
        """Return the content as a history keeps it: pictures by reference."""
        if isinstance(content, str):
            return content
        return [self._stored_block(block) for block in content]

    def get(self, blob_id: str) -> dict[str, Any] | None:
        """Return a blob with its data in base64, or ``None`` when there is none."""
        if blob_id in self._known:
            return self._known[blob_id]
        kind, _, digest = blob_id.partition(":")
        if kind != "sha256" or not digest.isalnum():
            return None
        blob: dict[str, Any] | None = self._realm.read_json(f"embedded/blobs/{digest}.json")
        return blob

    def _stored_block(self, block: dict[str, Any]) -> dict[str, Any]:
        if block["type"] != "image" or block["source"] != "inline":
            return block
        media_type, data = block["media_type"], block["data"]
        try:
            raw = base64.b64decode(data, validate=True)
        except binascii.Error:
            raw = data.encode()
        digest = hashlib.sha256(media_type.encode() + b"\0" + raw).hexdigest()
        blob = {"blob_id": f"sha256:{digest}", "media_type": media_type, "data": data}
        if blob["blob_id"] not in self._known:
            self._known[blob["blob_id"]] = blob
            self._realm.write_json(f"embedded/blobs/{digest}.json", blob)
        return {"type": "image", "media_type": media_type, "source": "blob", "blob_id": blob["blob_id"]}
