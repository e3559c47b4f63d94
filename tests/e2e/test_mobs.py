"""Mobs and members through their handles, on the real runtime: the embedded one does not serve mobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from meerkat import (
    AttributedEvent,
    DeletedMobProfile,
    InvalidArgumentError,
    InvalidParamsError,
    Member,
    Mob,
    MobEventMobCreated,
    MobPeerTarget,
    MobProfile,
    MobProfileTools,
    MobSpawnManyResultEntryFailed,
    MobSpawnManyResultEntrySpawned,
    MobSpawnSpec,
    RunStarted,
    StoredMobProfile,
)
from tests.e2e.conftest import LIMIT, run_of

if TYPE_CHECKING:
    from meerkat import MeerkatClient

WORKER: dict[str, Any] = {
    "model": "fake",
    "tools": {"comms": True},
    "runtime_mode": "turn_driven",
    "external_addressable": True,
}
NO_RUN = "00000000-0000-0000-0000-000000000000"


def definition(mob_id: str = "team", **more: Any) -> dict[str, Any]:
    """A mob whose members do what they are told."""
    return {"id": mob_id, "profiles": {"worker": WORKER}, **more}


async def make_mob(client: MeerkatClient, *members: str, **more: Any) -> Mob:
    """A mob with turn-driven members."""
    mob = await client.create_mob(definition=definition(**more))
    for member in members:
        await mob.spawn(profile="worker", agent_identity=member)
    return mob


async def test_a_mob_is_made_found_and_destroyed(real_client: MeerkatClient) -> None:
    mob = await real_client.create_mob(definition=definition())
    assert isinstance(mob, Mob)
    assert mob.id == "team"
    assert (await mob.status()).status == "Running"
    assert [entry.mob_id for entry in await real_client.list_mobs()] == ["team"]
    assert await real_client.mob("team").status() == await mob.status()
    snapshot = await real_client.mob_snapshot("team")
    assert snapshot.members == []
    await mob.lifecycle("stop")
    assert (await mob.status()).status == "Stopped"
    await mob.lifecycle("resume")
    with pytest.raises(InvalidParamsError):
        await mob.lifecycle("resume")
    destroyed = await mob.lifecycle("destroy")
    assert destroyed.destroy_report is not None
    with pytest.raises(InvalidParamsError, match="not found"):
        await mob.status()


async def test_members_come_and_go(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client)
    spawned = await mob.spawn(
        profile="worker", agent_identity="ada", labels={"team": "a"}, additional_instructions=["Be brief."]
    )
    assert spawned.agent_identity == "ada"
    specs: list[MobSpawnSpec | dict[str, Any]] = [
        MobSpawnSpec(profile="worker", agent_identity="bob"),
        {"profile": "none", "agent_identity": "eve"},
    ]
    many = await mob.spawn_many(specs)
    one, other = many.results
    assert isinstance(one, MobSpawnManyResultEntrySpawned)
    assert one.status == "spawned"
    assert one["result"]["agent_identity"] == "bob"
    assert isinstance(other, MobSpawnManyResultEntryFailed)
    assert other.result.cause == "profile_not_found"
    members = {member.agent_identity: member for member in await mob.members()}
    assert members.keys() == {"ada", "bob"}
    assert members["ada"].labels == {"team": "a"}
    assert members["ada"].member_ref == spawned.member_ref

    with anyio.fail_after(LIMIT):
        ready = await mob.wait_for_ready(member_ids=["ada"], timeout_ms=30_000)
        assert [snapshot.agent_identity for snapshot in ready] == ["ada"]
        assert await mob.wait_for_kickoff_complete(timeout_ms=30_000) is not None
    status = await mob.member_status("bob")
    assert status.current_session_id is not None
    assert (await mob.member_status("nobody")).status == "unknown"
    again = await mob.respawn("bob")
    assert again.status == "completed"
    assert again.receipt.agent_identity == "bob"
    await mob.force_cancel("bob")
    await mob.retire("bob")
    assert [member.agent_identity for member in await mob.members()] == ["ada"]


async def test_the_roster_by_description(real_client: MeerkatClient) -> None:
    await make_mob(real_client, "ada")
    spec = {"agent_identity": "bob", "profile": "worker", "labels": {"kind": "x"}}
    first = await real_client.mob_ensure_member("team", spec)
    assert first.outcome.spawned
    second = await real_client.mob_ensure_member("team", spec)
    assert second.outcome.existed
    found = await real_client.mob_list_members_matching("team", {"labels": {"kind": "x"}})
    assert [member.agent_identity for member in found.members] == ["bob"]
    report = (await real_client.mob_reconcile("team", [spec], {"retire_stale": True})).report
    assert report.retired == ["ada"]
    assert report.retained == ["bob"]


async def test_turns_of_members_are_seen_by_both_kinds_of_subscription(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client, "ada", "bob")
    async with await mob.subscribe_events() as all_, await mob.member("ada").events() as ada:
        result = await real_client.mob_turn_start(mob.id, "ada", "hello there")
        assert result.text == "echo: hello there"
        assert await run_of(ada) == ("hello there", "echo: hello there")
        assert await run_of(all_, member="ada") == ("hello there", "echo: hello there")
        await real_client.mob_turn_start(mob.id, "bob", "second")
        assert await run_of(all_, member="bob") == ("second", "echo: second")
    for subscription in (all_, ada):
        assert subscription.terminal_outcome is not None
        assert subscription.terminal_outcome.outcome == "explicit_close"
        assert subscription.terminal_outcome.stream_id == subscription.stream_id


async def test_events_of_a_mob_say_whose_they_are(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client, "ada")
    async with await mob.subscribe_all() as events:
        await real_client.mob_turn_start(mob.id, "ada", "hello")
        with anyio.fail_after(LIMIT):
            first = await anext(events)
    assert isinstance(first, AttributedEvent)
    assert (first.source.identity, first.source.generation, first.role) == ("ada", 0, "worker")
    assert isinstance(first.envelope.payload, RunStarted)
    assert first.envelope.mob_id in {None, "team"}


async def test_a_subscription_ends_with_its_member(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client, "ada")
    async with await mob.subscribe_member("ada") as events:
        await mob.retire("ada")
        with anyio.fail_after(LIMIT):
            assert [event async for event in events if isinstance(event, RunStarted)] == []
        assert events.terminal_outcome is not None
        assert events.terminal_outcome.outcome == "remote_end"


async def test_sending_to_a_member(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client, "ada")
    member = mob.member("ada")
    assert isinstance(member, Member)
    assert member.agent_identity == "ada"
    async with await member.events() as events:
        receipt = await member.send("do this", handling_mode="queue")
        assert receipt.agent_identity == "ada"
        assert receipt.handling_mode == "queue"
        prompt, _ = await run_of(events)
        assert prompt.endswith("do this")
    context = await mob.append_system_context("ada", "remember", source="notes", idempotency_key="k")
    assert context.status in {"applied", "staged"}
    assert (
        await mob.append_system_context("ada", "remember", source="notes", idempotency_key="k")
    ).status == "duplicate"


async def test_work(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client)
    spawned = await mob.spawn(profile="worker", agent_identity="ada")
    async with await mob.subscribe_member_events("ada") as events:
        work = await real_client.mob_submit_work(spawned.member_ref, "dig")
        assert work.mob_id == mob.id
        assert (await run_of(events))[0].endswith("dig")
    assert (await real_client.mob_cancel_all_work(spawned.member_ref)).ok
    with pytest.raises(InvalidParamsError):
        await real_client.mob_cancel_work(mob.id, NO_RUN)


@pytest.mark.parametrize(
    "peer", ["bob", {"local": "bob"}, MobPeerTarget(local="bob")], ids=["name", "mapping", "typed object"]
)
async def test_wiring(real_client: MeerkatClient, peer: Any) -> None:
    mob = await make_mob(real_client, "ada", "bob")
    await mob.wire("ada", peer)
    assert [member.wired_to for member in await mob.members()] == [["bob"], ["ada"]]
    await mob.unwire("ada", peer)
    assert [member.wired_to for member in await mob.members()] == [[], []]


async def test_wiring_to_nobody(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client, "ada")
    with pytest.raises(InvalidParamsError, match="nobody"):
        await mob.wire("ada", "nobody")
    with pytest.raises(InvalidArgumentError, match=r"`\$\.peer\.local`$"):
        await mob.wire("ada", {"local": 5})


async def test_helpers(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client, "ada")
    helper = await mob.spawn_helper("help me", agent_identity="hans", role_name="worker")
    assert helper.agent_identity == "hans"
    assert helper.tokens_used >= 0
    fork = await mob.fork_helper("ada", "go on", role_name="worker", fork_context={"type": "last_messages", "count": 2})
    assert fork.agent_identity
    assert fork.member_ref


async def test_flows(real_client: MeerkatClient) -> None:
    steps = {"first": {"role": "worker", "message": "do it", "output_format": "text"}}
    mob = await make_mob(real_client, "ada", flows={"build": {"description": "one step", "steps": steps}})
    assert await mob.flows() == ["build"]
    run_id = await mob.run_flow("build", {"what": "house"})
    with anyio.fail_after(LIMIT):
        # Nothing tells the end of a flow; each round is an answer of the runtime.
        while (run := await mob.flow_status(run_id)) is not None and run.status in {"pending", "running"}:
            continue
    assert run is not None
    assert (run.run_id, run.flow_id, run.status) == (run_id, "build", "completed")
    await mob.cancel_flow(run_id)
    assert await mob.flow_status(NO_RUN) is None


async def test_the_record_of_a_mob(real_client: MeerkatClient) -> None:
    mob = await make_mob(real_client, "ada")
    whole = (await mob.read_events(after_cursor=0, limit=100)).events
    assert isinstance(whole[0].event, MobEventMobCreated)
    assert [entry.cursor for entry in whole] == sorted(entry.cursor for entry in whole)
    assert (await mob.read_events(after_cursor=0, limit=1)).events == whole[:1]
    assert (await real_client.read_mob_events(mob.id, after_cursor=whole[0].cursor, limit=100)).events == whole[1:]


async def test_profiles_of_the_realm(real_client: MeerkatClient) -> None:
    profile = MobProfile(model="fake", tools=MobProfileTools(comms=True), skills=["a"])
    stored = await real_client.create_mob_profile("worker", profile)
    assert isinstance(stored, StoredMobProfile)
    assert (stored.name, stored.revision) == ("worker", 1)
    assert stored.profile.model == "fake"
    assert stored.profile.tools is not None
    assert stored.profile.tools.comms
    assert await real_client.get_mob_profile("worker") == stored
    assert await real_client.get_mob_profile("nobody") is None
    assert await real_client.list_mob_profiles() == [stored]
    changed = await real_client.update_mob_profile("worker", {"model": "fake"}, expected_revision=1)
    assert changed.revision == 2
    with pytest.raises(InvalidParamsError):
        await real_client.update_mob_profile("worker", profile, expected_revision=1)
    deleted = await real_client.delete_mob_profile("worker", expected_revision=2)
    assert isinstance(deleted, DeletedMobProfile)
    assert deleted.deleted_revision == 2
    assert await real_client.list_mob_profiles() == []


async def test_what_is_not_there(real_client: MeerkatClient) -> None:
    mob = real_client.mob("nowhere")
    with pytest.raises(InvalidParamsError):
        await mob.members()
    with pytest.raises(InvalidParamsError):
        await mob.subscribe_events()
    await make_mob(real_client)
    with pytest.raises(InvalidParamsError):
        await real_client.mob("team").member("nobody").events()
    with pytest.raises(InvalidParamsError, match="already exists"):
        await real_client.create_mob(definition=definition())


async def test_a_wrong_definition_is_refused_before_it_is_sent(real_client: MeerkatClient) -> None:
    with pytest.raises(InvalidArgumentError, match=r"`\$\.model`.*`\$\.definition\.profiles\['worker'\]`$"):
        await real_client.create_mob(definition={"id": "team", "profiles": {"worker": {"model": 5}}})
    with pytest.raises(InvalidArgumentError, match=r"`\$\.specs\[0\]`$"):
        await real_client.mob("team").spawn_many([{"profile": "worker"}])
    assert await real_client.list_mobs() == []
