"""The whole state of the process, and what every handler needs of it."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meerkat._core.codec import encode
from meerkat.embedded.agent import Agent
from meerkat.embedded.callbacks import Callbacks
from meerkat.embedded.config import Configuration
from meerkat.embedded.content import Blobs
from meerkat.embedded.faults import invalid_params, session_not_found
from meerkat.embedded.ids import parse_uuid, uuid7
from meerkat.embedded.journal import Journal
from meerkat.embedded.model import OkModel, ScriptedModel
from meerkat.embedded.script import Turns
from meerkat.embedded.session import Session

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from meerkat.embedded.cli import Options
    from meerkat.embedded.model import Model
    from meerkat.embedded.pipes import Output
    from meerkat.embedded.realm import Realm
    from meerkat.embedded.session import Settings

SCRIPT_VARIABLE = "MEERKAT_EMBEDDED_SCRIPT"
RETRY_SCALE_VARIABLE = "MEERKAT_EMBEDDED_RETRY_SCALE"
TEST_CLIENT_VARIABLE = "RKAT_TEST_CLIENT"

_HEALTHY: dict[str, Any] = {
    "source_health": {
        "state": "healthy",
        "invalid_ratio": 0.0,
        "invalid_count": 0,
        "total_count": 0,
        "failure_streak": 0,
        "handshake_failed": False,
    },
    "quarantined": [],
}


class Runtime:
    """State of the process.

    Attributes:
        options: The command line.
        realm: Where state is kept.
        config: The realm's configuration.
        agents: Sessions by id, archived ones too.
        tools: Tools that the client registered, by name.
        closed_streams: Subscriptions that the client has closed.
        output: Lines to the client.
    """

    def __init__(self, options: Options, realm: Realm, output: Output, model: Model, retry_scale: float) -> None:
        self.options = options
        self.realm = realm
        self.output = output
        self.model = model
        self.retry_scale = retry_scale
        self.config = Configuration(realm, options.instance)
        self.blobs = Blobs(realm)
        self.callbacks = Callbacks(self.send)
        self.call_ids = itertools.count(1)
        self.tools: dict[str, dict[str, Any]] = {}
        self.agents: dict[str, Agent] = {}
        self.closed_streams: set[str] = set()
        self.tasks: TaskGroup = None  # type: ignore[assignment]  # set before the first line is read
        for session in Session.load_all(realm):
            self._add(session)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to the client."""
        self.output.put(encode(message))

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification to the client."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def create(self, settings: Settings) -> Agent:
        """Make a session."""
        return self._add(Session(uuid7(), settings))

    def adopt(self, session: Session) -> Agent:
        """Take in a session that was made from another one, and keep it."""
        session.save(self.realm)
        return self._add(session)

    def remove(self, agent: Agent) -> None:
        """Forget a session as if it had never been."""
        del self.agents[agent.session.id]
        agent.journal.end_streams()
        agent.journal.forget()
        agent.session.forget(self.realm)

    def find(self, locator: str) -> Agent:
        """Return the session that a locator names, ``<uuid>`` or ``<realm>:<uuid>``.

        Raises:
            RpcError: It is no locator, or there is no such session.
        """
        session_id = self.locate(locator)
        agent = self.agents.get(session_id)
        if agent is None:
            raise session_not_found(session_id)
        return agent

    def locate(self, locator: str) -> str:
        """Return the session id in a locator.

        Raises:
            RpcError: It is no locator of this realm.
        """
        realm, colon, text = locator.rpartition(":")
        session_id = parse_uuid(text)
        if session_id is None or (colon and not realm):
            raise invalid_params(
                f"Invalid session_id '{locator}': invalid session id in session locator: {text or locator}"
            )
        if colon and realm != self.realm.id:
            raise invalid_params(
                f"Session locator realm '{realm}' does not match active runtime realm '{self.realm.id}'"
            )
        return session_id

    def ids(self, session_id: str) -> dict[str, Any]:
        """Return how results name a session."""
        return {"session_id": session_id, "session_ref": f"{self.realm.id}:{session_id}"}

    def with_ids(self, session_id: str) -> dict[str, Any]:
        """Return what the result of every run has."""
        return {**self.ids(session_id), "skill_diagnostics": _HEALTHY}

    def _add(self, session: Session) -> Agent:
        agent = Agent(session, Journal(session.id, self.realm, self.notify), self)
        self.agents[session.id] = agent
        return agent


def model_from(environment: dict[str, str]) -> Model:
    """Return the model that the environment asks for.

    Raises:
        OSError: The script file cannot be read.
        ScriptError: It is no script.
    """
    if environment.get(TEST_CLIENT_VARIABLE) == "1":
        return OkModel()
    path = environment.get(SCRIPT_VARIABLE)
    return ScriptedModel(Turns.parse(Path(path).read_text(encoding="utf-8")) if path else None)


def retry_scale_from(environment: dict[str, str]) -> float:
    """Return the factor for the pauses between retries.

    Raises:
        ValueError: It is no number, or negative.
    """
    text = environment.get(RETRY_SCALE_VARIABLE) or "1"
    try:
        scale = float(text)
    except ValueError:
        scale = -1.0
    if not 0 <= scale < float("inf"):
        raise ValueError(f"{RETRY_SCALE_VARIABLE} must be a number, 0 or more, not {text!r}")
    return scale


def process_id() -> int:
    """Identifier of this process."""
    return os.getpid()
