"""A user's program that makes use of types down to the leaves. It is checked, and never runs."""

from __future__ import annotations

from typing import Any, Literal, assert_never, assert_type

from meerkat import (
    AgentErrorReport,
    AgentEvent,
    AttributedEvent,
    CalendarTrigger,
    ConfigEnvelope,
    DeferredSession,
    EventGap,
    EventSubscription,
    IntervalTrigger,
    LiveChannel,
    MeerkatClient,
    Mob,
    MobMember,
    MobRun,
    ModelsCatalogResponse,
    OnceTrigger,
    RunResult,
    ScheduleRecord,
    ScopedEvent,
    Session,
    SessionAssistantBlockText,
    SessionDetails,
    SessionSummary,
    SkillQuarantineDiagnostic,
    StoredMobProfile,
    TextBlock,
    TriggerSpec,
    TurnFailedError,
    Unknown,
    Usage,
)
from meerkat import events as ev


def show(value: object) -> None:
    """Stand for what a program does with a value."""


async def flat_reads(client: MeerkatClient, skill: SkillQuarantineDiagnostic) -> None:
    """Values further inside are attributes, and every arm of a union can be asked for them."""
    history = await client.read_session_history("id")
    for message in history.messages:
        for block in message.blocks:
            match block:
                case SessionAssistantBlockText(text=text):
                    assert_type(text, str)
                case _:
                    pass
            show((block.text or "").upper())
    assert_type(skill.source_uuid, str)


def tags() -> None:
    """The constructor of an arm takes its tag."""
    assert_type(TextBlock(type="text", text="hi"), TextBlock)
    assert_type(TextBlock(text="hi").type, Literal["text"])


async def sessions(client: MeerkatClient) -> None:
    """Sessions, turns and what is told about them."""
    session = await client.create_session("hello", labels={"team": "a"}, max_tokens=100)
    assert_type(session, Session)
    assert_type(session.usage, Usage)
    assert_type(session.usage.input_tokens, int)
    result = await session.turn("more", skill_refs=None, additional_instructions=["be brief"])
    assert_type(result, RunResult)
    assert_type(result.text, str)
    assert_type(result.structured_output, Any)
    deferred = await client.create_deferred_session("hello")
    assert_type(deferred, DeferredSession)
    assert_type(deferred.ref, str | None)
    summaries = await client.list_sessions(labels={"team": "a"}, limit=3)
    assert_type(summaries, list[SessionSummary])
    assert_type([summary.is_active for summary in summaries], list[bool])
    details = await client.read_session(session.id)
    assert_type(details, SessionDetails)
    assert_type(details.created_at, int)
    assert_type(await client.archive_session(session.id), None)


async def others(client: MeerkatClient) -> None:
    """A few results of other domains."""
    assert_type(await client.get_config(), ConfigEnvelope)
    models = await client.get_models_catalog()
    assert_type(models, ModelsCatalogResponse)
    profile = await client.get_mob_profile("worker")
    assert_type(profile, StoredMobProfile | None)
    if profile is not None:
        assert_type(profile.profile.model, str)
    schedule = await client.create_schedule({"trigger": {"type": "once", "due_at_utc": "2030-01-01T00:00:00Z"}})
    assert_type(schedule, ScheduleRecord)
    show(when(schedule.trigger))
    mob = await client.create_mob(definition={"id": "team", "profiles": {}})
    assert_type(mob, Mob)
    members = await mob.members()
    assert_type(members, list[MobMember])
    assert_type(await mob.flow_status("run"), MobRun | None)
    channel = LiveChannel.session(client, "session", turning_mode="explicit_commit")
    assert_type((await channel.open()).channel_id, str)
    assert_type(await client.call("session/list"), Any)


def when(trigger: TriggerSpec) -> str:
    """Say when a schedule fires, whatever a newer runtime sends."""
    match trigger:
        case OnceTrigger(due_at_utc=due):
            return assert_type(due, str)
        case IntervalTrigger(every_seconds=seconds):
            return f"every {assert_type(seconds, int)} s"
        case CalendarTrigger():
            return trigger.timezone
        case Unknown(tag=tag):
            return f"a new trigger {tag}"
        case _:
            assert_never(trigger)


async def following(client: MeerkatClient, session: Session) -> None:
    """Streams and subscriptions."""
    async with session.stream("hello") as stream:
        async for event in stream:
            assert_type(event, AgentEvent | EventGap)
            if isinstance(event, EventGap):
                show(event.missing)
            else:
                show(told(event))
    assert_type(stream.result, RunResult)
    subscription = await session.subscribe_events()
    assert_type(subscription, EventSubscription[AgentEvent | EventGap | ScopedEvent])
    async with await client.mob("team").subscribe_events() as events:
        async for attributed in events:
            assert_type(attributed, AttributedEvent | EventGap)
            if isinstance(attributed, AttributedEvent):
                show((attributed.source.identity, told(attributed.envelope.payload)))
    try:
        await session.turn("fail")
    except TurnFailedError as error:
        assert_type(error.report, AgentErrorReport | None)


def told(event: AgentEvent) -> str:  # noqa: C901, PLR0912  # one case for each event
    """Tell about an event; the checkers know that none is forgotten."""
    match event:
        case ev.RunStarted(prompt=prompt):
            return prompt if isinstance(prompt, str) else f"{len(prompt)} blocks"
        case ev.RunCompleted(usage=usage):
            return str(assert_type(usage, Usage).output_tokens)
        case ev.RunFailed(error_report=report):
            return str(assert_type(report, AgentErrorReport | None))
        case ev.TextDelta(delta=delta) | ev.ReasoningDelta(delta=delta):
            return assert_type(delta, str)
        case ev.ToolCallRequested(name=name, args=args):
            return f"{assert_type(name, str)}({args})"
        case ev.ExtractionSucceeded() | ev.ExtractionFailed():
            return "extraction"
        case ev.HookStarted() | ev.HookCompleted() | ev.HookFailed() | ev.HookDenied():
            return "hook"
        case ev.TurnStarted() | ev.TurnCompleted():
            return "turn"
        case ev.ReasoningComplete() | ev.TextComplete():
            return assert_type(event.content, str)
        case ev.ServerToolContent() | ev.AssistantImageAppended():
            return "content"
        case ev.ToolResultReceived() | ev.ToolExecutionStarted() | ev.ToolExecutionCompleted():
            return event.name
        case ev.ToolExecutionTimedOut() | ev.ToolConfigChanged():
            return "tool"
        case ev.CompactionStarted() | ev.CompactionCompleted() | ev.CompactionFailed():
            return "compaction"
        case ev.BudgetWarning() | ev.Retrying() | ev.StreamTruncated():
            return "trouble"
        case ev.SkillsResolved() | ev.SkillResolutionFailed():
            return "skills"
        case ev.InteractionComplete() | ev.InteractionCallbackPending() | ev.InteractionFailed():
            return "interaction"
        case ev.BackgroundJobCompleted():
            return str(event.terminal_status)
        case ev.UnknownEvent(type=tag, data=data):
            return f"{tag}: {data}"
        case _:
            assert_never(event)
