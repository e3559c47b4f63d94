"""Mistakes in a user's program that type checkers find. It is checked, and never runs.

Each line names what mypy and what pyright report; a test takes these comments away and compares. Where both checkers
are to be silent here, the reason is that the mistake is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from meerkat import CommsSendParamsInput, MobProfile, TextBlock
from meerkat import events as ev

if TYPE_CHECKING:
    from meerkat import AgentEvent, MeerkatClient, TriggerSpec


def show(value: object) -> None:
    """Stand for what a program does with a value."""


async def arguments(client: MeerkatClient) -> None:
    await client.read_session(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.read_session()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.read_session("id", "more")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.list_sessions(limit="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.list_sessions(labels={"a": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    await client.list_sessions(colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.create_session("hi", max_tokens="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.create_session("hi", colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.create_session(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.live_open("id", turning_mode="new")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.mob("m").spawn(agent_identity="ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.send("id", kind="whisper")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TextBlock(type="image", text="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MobProfile(modle="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    CommsSendParamsInput(session_id="i", body=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def results(client: MeerkatClient) -> None:
    details = await client.read_session("id")
    profile = await client.get_mob_profile("worker")
    show(details.titel)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    show(profile.name)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    created: str = details.created_at  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    details.labels = {}  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    show(created)


def forgets_most(event: AgentEvent) -> str:
    match event:
        case ev.TextDelta(delta=delta):
            return delta
        case ev.UnknownEvent():
            return "new"
        case _:
            assert_never(event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def forgets_what_is_new(trigger: TriggerSpec) -> bool:
    return isinstance(trigger.type, str)  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
