"""Schedules, on the real runtime: the embedded one does not serve them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from meerkat import (
    InvalidArgumentError,
    ScheduleListResult,
    ScheduleNotFoundError,
    ScheduleOccurrencesResult,
    ScheduleRecord,
    ScheduleToolCall,
    ScheduleToolNotFoundError,
    ScheduleToolsResult,
    to_builtins,
)
from tests.e2e.conftest import run_of

if TYPE_CHECKING:
    from meerkat import MeerkatClient, Session

NOWHERE = "00000000-0000-0000-0000-000000000000"


def request(session: Session, **more: Any) -> dict[str, Any]:
    """A schedule that prompts a session every minute from 2030 on."""
    return {
        "name": "tick",
        "trigger": {"type": "interval", "start_at_utc": "2030-01-01T00:00:00Z", "every_seconds": 60},
        "target": {
            "target_kind": "session",
            "type": "exact_session",
            "session_id": session.id,
            "action": {"type": "prompt", "prompt": "tick"},
        },
        **more,
    }


async def test_a_schedule_lives_and_ends(real_client: MeerkatClient) -> None:
    session = await real_client.create_session("hello")
    schedule = await real_client.create_schedule(request(session, labels={"team": "a"}, description="Every minute."))
    assert isinstance(schedule, ScheduleRecord)
    assert (schedule.phase, schedule.name, schedule.revision) == ("active", "tick", 1)
    assert schedule["trigger"]["every_seconds"] == 60
    assert schedule.labels == {"team": "a"}
    assert await real_client.get_schedule(schedule.schedule_id) == schedule
    listed = await real_client.list_schedules(labels={"team": "a"}, limit=5, offset=0)
    assert isinstance(listed, ScheduleListResult)
    assert listed.schedules == [schedule]
    assert (await real_client.list_schedules({"team": "b"}, 5, 0)).schedules == []
    renamed = await real_client.update_schedule({"schedule_id": schedule.schedule_id, "name": "tock"})
    assert renamed.name == "tock"
    assert renamed.description == "Every minute."
    assert (await real_client.pause_schedule(schedule.schedule_id)).phase == "paused"
    assert (await real_client.resume_schedule(schedule.schedule_id)).phase == "active"
    occurrences = await real_client.list_schedule_occurrences(schedule.schedule_id, include_terminal=True)
    assert isinstance(occurrences, ScheduleOccurrencesResult)
    assert (await real_client.delete_schedule(schedule.schedule_id)).phase == "deleted"
    assert (await real_client.get_schedule(schedule.schedule_id)).phase == "deleted"


async def test_a_schedule_runs_its_session(real_client: MeerkatClient) -> None:
    session = await real_client.create_session("hello")
    async with await session.subscribe_events() as events:
        due = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        once = {"type": "once", "due_at_utc": due}
        misfire = {"type": "catch_up_within", "window_seconds": 3600}
        schedule = await real_client.create_schedule(request(session, trigger=once, misfire_policy=misfire))
        prompt, _ = await run_of(events)
        assert prompt.endswith("tick")
    (occurrence,) = (await real_client.list_schedule_occurrences(schedule.schedule_id)).occurrences
    assert occurrence.schedule_id == schedule.schedule_id
    assert occurrence.attempt_count >= 0
    assert occurrence.due_at_utc == due


async def test_the_tools_of_schedules(real_client: MeerkatClient) -> None:
    tools = await real_client.list_schedule_tools()
    assert isinstance(tools, ScheduleToolsResult)
    assert len(tools.tools) == 8
    session = await real_client.create_session("hello")
    schedule = await real_client.create_schedule(request(session))
    listed = await real_client.call_schedule_tool({"name": "meerkat_schedule_list", "arguments": {}})
    assert listed["schedules"][0]["schedule_id"] == schedule.schedule_id
    call = ScheduleToolCall(name="meerkat_schedule_get", arguments={"schedule_id": schedule.schedule_id})
    assert (await real_client.call_schedule_tool(call))["name"] == "tick"


@pytest.mark.requirement("C04")
async def test_what_is_not_there(real_client: MeerkatClient) -> None:
    for call in (real_client.get_schedule, real_client.pause_schedule, real_client.delete_schedule):
        with pytest.raises(ScheduleNotFoundError):
            await call(NOWHERE)
    with pytest.raises(ScheduleToolNotFoundError):
        await real_client.call_schedule_tool({"name": "meerkat_schedule_get", "arguments": {"schedule_id": NOWHERE}})
    assert (await real_client.list_schedule_occurrences(NOWHERE)).occurrences == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"trigger": {"type": "interval", "every_seconds": 60}}, r"`\$\.trigger`$"),
        (
            {"trigger": {"type": "interval", "start_at_utc": "2030-01-01T00:00:00Z", "every_seconds": "often"}},
            r"`\$\.trigger\.every_seconds`$",
        ),
        ({"trigger": {"type": "never"}}, r"`\$\.trigger\.type`$"),
        ({"labels": {"a": 1}}, r"`\$\.labels\['a'\]`$"),
        ({"nonsense": 1}, r"`nonsense` - at `\$`$"),
    ],
)
async def test_a_wrong_request_is_refused_before_it_is_sent(
    real_client: MeerkatClient, change: dict[str, Any], fault: str
) -> None:
    session = await real_client.create_session("hello")
    with pytest.raises(InvalidArgumentError, match=fault):
        await real_client.create_schedule(request(session, **change))
    assert to_builtins(await real_client.list_schedules()) == {"schedules": []}
