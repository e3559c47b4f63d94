"""A bump of the contract as a person would do it: edits of the YAML files, and what the new package is used for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Edit(NamedTuple):
    """One edit of a file of the contract.

    Attributes:
        file: Name without suffix.
        old: Text that stands there once.
        new: What takes its place.
    """

    file: str
    old: str
    new: str


VERSION = Edit("info", "  version: 0.6.5\n", "  version: 0.6.6\n")

NEW_METHOD = Edit(
    "session",
    "\ncomponents:\n  schemas:\n",
    """
  - name: session/rename
    summary: Give a session another title.
    x-python: {name: rename_session, positional: [locale]}
    x-params-type: RenameSessionParams
    x-mutates: true
    params:
      - name: session_id
        required: true
        description: Session to rename.
        schema: {$ref: '#/components/schemas/SessionId'}
      - name: title
        required: true
        description: Its new title.
        schema: {type: string, minLength: 1}
      - name: locale
        description: Language of the title.
        schema: {type: string, default: en}
    result:
      name: session
      description: The session under its new title.
      schema: {$ref: '#/components/schemas/SessionSummary'}
    errors:
      - {$ref: '#/components/errors/InvalidParams'}
      - {$ref: '#/components/errors/SessionNotFound'}

components:
  schemas:
""",
)

NEW_FIELD = Edit(
    "session",
    "          description: Tokens that it has used so far.\n",
    "          description: Tokens that it has used so far.\n"
    "        title: {type: string, default: '', description: Its title.}\n",
)

NEW_VALUE = Edit("content", "content_filter, cancelled]", "content_filter, cancelled, paused]")

NEW_EVENT = (
    Edit(
        "events",
        "        - $ref: '#/components/schemas/StreamTruncated'\n",
        "        - $ref: '#/components/schemas/StreamTruncated'\n"
        "        - $ref: '#/components/schemas/SessionRenamed'\n",
    ),
    Edit(
        "events",
        "          stream_truncated: '#/components/schemas/StreamTruncated'\n",
        "          stream_truncated: '#/components/schemas/StreamTruncated'\n"
        "          session_renamed: '#/components/schemas/SessionRenamed'\n",
    ),
    Edit(
        "events",
        "    StreamTruncated:\n",
        """    SessionRenamed:
      description: The session has another title.
      type: object
      required: [type, title]
      properties:
        type: {const: session_renamed}
        title: {type: string, description: The new title.}

    StreamTruncated:
""",
    ),
)

ADDITIONS = (NEW_METHOD, NEW_FIELD, NEW_VALUE, *NEW_EVENT)

REMOVAL = (
    Edit("events", "required: [type, skills, injection_bytes]", "required: [type, skills]"),
    Edit(
        "events",
        "        injection_bytes: {type: integer, minimum: 0, description: Bytes of text that were put in.}\n",
        "",
    ),
)


def make(edits: Iterable[Edit], contract: Path) -> None:
    """Make edits in a contract."""
    for edit in edits:
        path = contract / f"{edit.file}.yaml"
        text = path.read_text("utf-8")
        assert text.count(edit.old) == 1, f"{edit.file}.yaml has {text.count(edit.old)} times: {edit.old}"
        path.write_text(text.replace(edit.old, edit.new), "utf-8")


# What a program does with the new package; run by itself, with the package on its path.
PROGRAM = """
import json
import sys

import trio

import meerkat
from meerkat import AgentEvent, MeerkatClient, SessionRenamed, SessionSummary, SkillsResolved, StopReason
from meerkat._core.codec import Decoder
from meerkat._core.method import Calls
from meerkat._generated.calls.session import SessionCalls
from meerkat._generated.methods.session import SESSION_LIST

assert meerkat.__file__.startswith(sys.argv[1]), meerkat.__file__
assert meerkat.CONTRACT_VERSION == "0.6.6"

# The new method: sent as the contract says, checked before it is sent, decoded to its type.
ANSWER = {
    "session_id": "s", "created_at": 1, "updated_at": 2, "message_count": 3, "is_active": False, "total_tokens": 4,
    "title": "Moons", "colour": "unknown to all",
}


class Recorder(SessionCalls):
    async def _call(self, method, params=None):
        self.sent = method.name, json.loads(method.encode_params(params))
        return method.decode(json.dumps(ANSWER).encode())


recorder = Recorder()
renamed = trio.run(recorder.rename_session, "s", "Moons", "de")
assert recorder.sent == ("session/rename", {"session_id": "s", "title": "Moons", "locale": "de"}), recorder.sent
assert isinstance(renamed, SessionSummary)
try:
    trio.run(recorder.rename_session, "s", "")
except meerkat.InvalidArgumentError as error:
    assert "title" in str(error), error
else:
    raise AssertionError("an empty title was sent")

# The new field: there when it is sent, with its default when an older runtime leaves it out.
assert renamed.title == "Moons"
without = {key: value for key, value in ANSWER.items() if key != "title"}
(older,) = SESSION_LIST.decode(json.dumps({"sessions": [without]}).encode()).sessions
assert older.title == ""

# The new value is a member now, and what is newer still keeps its text.
assert StopReason("paused") is StopReason.PAUSED
assert StopReason("dreaming") == "dreaming"

# The new event is a class; the removed field is ignored where an older runtime sends it.
events = Decoder(AgentEvent, "test")
assert events.decode(b'{"type":"session_renamed","title":"Moons"}') == SessionRenamed(title="Moons")
resolved = events.decode(b'{"type":"skills_resolved","skills":[],"injection_bytes":7}')
assert isinstance(resolved, SkillsResolved)
assert not hasattr(resolved, "injection_bytes")


async def talk():
    async with MeerkatClient(runtime="embedded") as client:
        assert client.server_info.name == "meerkat-embedded"
        session = await client.create_session(json.dumps({"script": [{"text": "It works."}]}))
        (summary,) = await client.list_sessions()
        assert summary.session_id == session.id
        try:
            await client.rename_session(session.id, "Moons")
        except meerkat.MethodNotFoundError as error:
            assert error.method == "session/rename"
        else:
            raise AssertionError("the embedded runtime cannot know the method yet")
        return session.text


print(trio.run(talk))
"""
