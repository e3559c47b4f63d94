"""A session: its settings, its history and what it has used."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from meerkat.embedded.content import Content  # noqa: TC001  # the decoder of stored sessions reads the hints
from meerkat.embedded.ids import timestamp, unix_seconds

if TYPE_CHECKING:
    from meerkat.embedded.realm import Realm

SYSTEM_PROMPT = "You are the deterministic model of Meerkat's embedded runtime."


@dataclass
class Settings:
    """What a session was created with.

    Attributes:
        model: Name of the model.
        provider: Provider of the model.
        system_prompt: Text of the system message.
        output_schema: JSON Schema of the final answer, or ``None``.
        structured_output_retries: How often a structured answer is asked for again.
        budget_limits: ``max_tokens`` and ``max_tool_calls``, where they are limited.
        external_tools: Definitions of the session's own tools, by name.
        labels: Labels.
        comms_name: Name towards peers; keeping alive needs one.
    """

    model: str
    provider: str
    system_prompt: str = SYSTEM_PROMPT
    output_schema: dict[str, Any] | None = None
    structured_output_retries: int = 2
    budget_limits: dict[str, int] = field(default_factory=dict[str, int])
    external_tools: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    labels: dict[str, str] = field(default_factory=dict[str, str])
    comms_name: str | None = None


@dataclass
class Transcript:
    """The history of a session and what it has used.

    A run works on a copy and hands it back only when it ends well, so that a run that fails or is cancelled leaves
    no trace.

    Attributes:
        messages: As ``session/history`` gives them.
        input_tokens: Tokens read so far.
        output_tokens: Tokens written so far.
        tool_calls: Tools called so far.
    """

    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    input_tokens: int = 0
    output_tokens: int = 0
    tool_calls: int = 0

    def copy(self) -> Transcript:
        """Return a copy that can grow by itself; messages are never changed in place."""
        return Transcript(list(self.messages), self.input_tokens, self.output_tokens, self.tool_calls)

    def add(self, message: dict[str, Any]) -> None:
        """Append a message, stamped with the time."""
        self.messages.append({**message, "created_at": timestamp()})

    def add_user(self, content: Content) -> None:
        """Append what the user says."""
        self.add({"role": "user", "content": content})

    def set_system(self, content: str) -> None:
        """Put the system message in its place, stamped with the time."""
        message = {"role": "system", "content": content, "created_at": timestamp()}
        if self.messages and self.messages[0]["role"] == "system":
            self.messages[0] = message
        else:
            self.messages.insert(0, message)

    @property
    def system(self) -> str | None:
        """Text of the system message, if there is one yet."""
        first = self.messages[0] if self.messages else None
        return first["content"] if first is not None and first["role"] == "system" else None

    @property
    def last_assistant_text(self) -> str | None:
        """Text of the last assistant message that has any."""
        for message in reversed(self.messages):
            texts = [block["data"]["text"] for block in message.get("blocks", []) if block["block_type"] == "text"]
            if texts:
                return "".join(texts)
        return None

    @property
    def total_tokens(self) -> int:
        """Tokens read and written so far."""
        return self.input_tokens + self.output_tokens


@dataclass
class Session:
    """A session.

    Attributes:
        id: Its identifier.
        settings: What it was created with; a turn may change the model.
        transcript: Its history.
        created_at: Unix seconds.
        updated_at: Unix seconds.
        staged_prompt: Prompt of a deferred creation, until the first run takes it.
        archived: Whether it can only be read any more.
        contexts: Injected texts by idempotency key, each with its source.
    """

    id: str
    settings: Settings
    transcript: Transcript = field(default_factory=Transcript)
    created_at: int = field(default_factory=unix_seconds)
    updated_at: int = field(default_factory=unix_seconds)
    staged_prompt: Content | None = None
    archived: bool = False
    contexts: dict[str, list[str | None]] = field(default_factory=dict[str, list[str | None]])

    def commit(self, transcript: Transcript) -> None:
        """Take over what a run did."""
        self.transcript = transcript
        self.updated_at = unix_seconds()

    def save(self, realm: Realm) -> None:
        """Write it down. A deferred session that has not run is not: the real runtime forgets it at its end too."""
        if self.staged_prompt is None:
            realm.write_json(_file(self.id), asdict(self))

    def forget(self, realm: Realm) -> None:
        """Remove what was written down."""
        realm.remove(_file(self.id))

    @classmethod
    def load_all(cls, realm: Realm) -> list[Session]:
        """Read all sessions of a realm."""
        files = (realm.read(f"{_FOLDER}/{name}") for name in realm.names(_FOLDER))
        return [msgspec.json.decode(content, type=cls) for content in files if content is not None]


_FOLDER = "embedded/sessions"


def _file(session_id: str) -> str:
    return f"{_FOLDER}/{session_id}.json"
