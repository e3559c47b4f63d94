"""Types of arguments and events that have a name of their own, so that programs can annotate with them.

A module apart, since at run time they need types that a client does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from meerkat._generated.types.content import ContentBlock
from meerkat._generated.types.events import AgentEvent
from meerkat._generated.types.live_input import LiveResponseModality
from meerkat._generated.types.mob_peer import MobPeerTarget
from meerkat._runs import EventGap

Prompt: TypeAlias = str | Sequence[ContentBlock | Mapping[str, Any]]
"""What a turn or a member is given: text, or blocks of content, each typed or as JSON."""

MobPeer: TypeAlias = str | MobPeerTarget | Mapping[str, Any]
"""Whom to wire a member to: a member of the mob by its identity, or what is told in full."""

LiveModality: TypeAlias = str | LiveResponseModality | Mapping[str, Any]
"""What a live channel shall answer with."""

StreamEvent: TypeAlias = AgentEvent | EventGap
"""What the stream of a turn brings, and a subscription to a session or a member of a mob."""
