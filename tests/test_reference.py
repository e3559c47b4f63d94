"""What users are told the package has: every promise of the reference page, from its first line to its last.

Each table follows the page's order. What is run needs a runtime: both where the embedded one serves the methods, the
real one where it does not.
"""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import meerkat
from meerkat import (
    CapabilityUnavailableError,
    ConfigEnvelope,
    DeferredSession,
    EventStream,
    ExternalEventOutcome,
    InvalidParamsError,
    LiveChannel,
    MeerkatClient,
    MeerkatError,
    MobEventsResult,
    MobProfile,
    MobProfileTools,
    ModelsCatalogResponse,
    RunCompleted,
    RunResult,
    ScheduleListResult,
    ScheduleOccurrencesResult,
    ScheduleToolsResult,
    Session,
    SessionDetails,
    SessionInfo,
    SessionNotFoundError,
    SessionSummary,
    SkillNotFoundError,
    StoredMobProfile,
    StreamNotConsumedError,
)
from tests.support.answers import Answers, notification, result

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.runtime import Runtime

LIMIT = 60
NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def real_client(real_runtime: Runtime) -> AsyncGenerator[MeerkatClient]:
    """A client of the real runtime alone: the embedded one does not serve these methods."""
    client = real_runtime.client()
    with anyio.fail_after(LIMIT):
        await real_runtime.connect(client)
    async with client:
        yield client


# Version and handles


def test_the_version_of_the_contract() -> None:
    assert meerkat.CONTRACT_VERSION == "0.6.5"


def test_the_primary_handles() -> None:
    for name in ("MeerkatClient", "Session", "DeferredSession", "LiveChannel", "Mob"):
        assert inspect.isclass(getattr(meerkat, name)), name


async def test_the_client_owns_the_runtime(runtime: Runtime) -> None:
    client = runtime.client()
    assert client.pid is None
    await runtime.connect(client)
    assert client.pid is not None
    await client.close()
    assert client.pid is None


async def test_sessions_and_deferred_sessions(client: MeerkatClient) -> None:
    session = await client.create_session("one")
    assert isinstance(session, Session)
    assert (await session.turn("two")).text == "echo: two"
    assert (await session.turn("three")).text == "echo: three"
    deferred = await client.create_deferred_session("first")
    assert isinstance(deferred, DeferredSession)
    history = await client.read_session_history(deferred.id)
    assert not any("echo" in str(message) for message in history.messages)
    assert isinstance(await deferred.start_turn("second"), RunResult)


# Fields of results, in the order of the page

OPTIONAL_TEXT = str | None
FIELDS: dict[str, dict[str, Any]] = {
    "RunResult": {
        "session_id": str,
        "text": str,
        "turns": int,
        "tool_calls": int,
        "usage": meerkat.Usage,
        "session_ref": OPTIONAL_TEXT,
        "structured_output": Any,
        "schema_warnings": list[meerkat.SchemaWarning] | None,
        "skill_diagnostics": meerkat.SkillRuntimeDiagnostics | None,
    },
    "SessionSummary": {
        "session_id": str,
        "session_ref": OPTIONAL_TEXT,
        "created_at": int,
        "updated_at": int,
        "message_count": int,
        "total_tokens": int,
        "labels": dict[str, str],
        "is_active": bool,
    },
    "SessionDetails": {
        "session_id": str,
        "session_ref": OPTIONAL_TEXT,
        "created_at": int,
        "updated_at": int,
        "message_count": int,
        "labels": dict[str, str],
        "is_active": bool,
        "model": str,
        "provider": str,
        "last_assistant_text": OPTIONAL_TEXT,
    },
    "ConfigEnvelope": {
        "config": dict[str, Any],
        "generation": int,
        "realm_id": OPTIONAL_TEXT,
        "instance_id": OPTIONAL_TEXT,
        "backend": OPTIONAL_TEXT,
        "resolved_paths": dict[str, str] | None,
    },
    "ModelsCatalogResponse": {
        "contract_version": meerkat.ContractVersion,
        "providers": list[meerkat.ProviderCatalog],
    },
    "ContractVersion": {"major": int, "minor": int, "patch": int},
    "ScheduleListResult": {"schedules": list[meerkat.ScheduleRecord]},
    "ScheduleOccurrencesResult": {"occurrences": list[meerkat.ScheduleOccurrenceRecord]},
    "ScheduleToolsResult": {"tools": list[meerkat.ScheduleToolDefinition]},
    "BackgroundJobCompleted": {
        "terminal_status": meerkat.BackgroundJobTerminalStatus,
        "legacy_status": OPTIONAL_TEXT,
    },
}


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, fields in FIELDS.items() for field in fields])
def test_the_fields_of_results(kind: str, field: str) -> None:
    hints = typing.get_type_hints(getattr(meerkat, kind))
    assert hints[field] == FIELDS[kind][field]


def test_metadata_of_sessions_have_one_base() -> None:
    assert issubclass(SessionSummary, SessionInfo)
    assert issubclass(SessionDetails, SessionInfo)


async def test_results_come_from_turns_streams_and_reads(client: MeerkatClient) -> None:
    deferred = await client.create_deferred_session("", labels={"page": "yes"})
    first = await deferred.start_turn("hello")
    assert isinstance(first, RunResult)
    session = deferred.as_session()
    assert isinstance(await session.turn("again"), RunResult)
    async with session.stream("more") as events:
        async for _ in events:
            pass
    assert isinstance(events.result, RunResult)
    (summary,) = await client.list_sessions(labels={"page": "yes"})
    assert isinstance(summary, SessionSummary)
    details = await client.read_session(session.id)
    assert isinstance(details, SessionDetails)
    assert details.last_assistant_text == "echo: more"
    assert (summary.session_id, summary.labels) == (details.session_id, details.labels) == (session.id, {"page": "yes"})


# Configuration and models


async def test_configuration(client: MeerkatClient) -> None:
    read = await client.get_config()
    assert isinstance(read, ConfigEnvelope)
    assert isinstance(read.config["agent"], dict)
    written = await client.set_config(read.config)
    assert isinstance(written, ConfigEnvelope)
    patched = await client.patch_config(
        {"agent": {"max_tokens_per_turn": 1234}}, expected_generation=written.generation
    )
    assert isinstance(patched, ConfigEnvelope)
    assert patched.config["agent"]["max_tokens_per_turn"] == 1234
    assert patched.generation > written.generation > read.generation


async def test_models(client: MeerkatClient) -> None:
    catalog = await client.get_models_catalog()
    assert isinstance(catalog, ModelsCatalogResponse)
    version = catalog.contract_version
    assert (version.major, version.minor, version.patch) == (0, 6, 5)
    assert catalog["contract_version"]["minor"] == 6
    assert catalog.providers[0].models


# Arguments: those that the page shows by position can be given so, and by name

SIGNATURES: dict[str, list[str]] = {
    "MeerkatClient.create_schedule": ["request"],
    "MeerkatClient.get_schedule": ["schedule_id"],
    "MeerkatClient.list_schedules": ["labels", "limit", "offset"],
    "MeerkatClient.update_schedule": ["request"],
    "MeerkatClient.pause_schedule": ["schedule_id"],
    "MeerkatClient.resume_schedule": ["schedule_id"],
    "MeerkatClient.delete_schedule": ["schedule_id"],
    "MeerkatClient.list_schedule_occurrences": ["schedule_id", "include_terminal"],
    "MeerkatClient.list_schedule_tools": [],
    "MeerkatClient.call_schedule_tool": ["request"],
    "MeerkatClient.inject_context": ["session_id", "text", "source", "idempotency_key"],
    "Session.inject_context": ["text", "source", "idempotency_key"],
    "MeerkatClient.send_external_event": ["session_id", "event_type", "payload", "blocks"],
    "Session.send_external_event": ["event_type", "payload", "blocks"],
    "MeerkatClient.list_realms": [],
    "MeerkatClient.get_realm": ["realm_id"],
    "MeerkatClient.list_auth_profiles": ["realm_id"],
    "MeerkatClient.get_auth_profile": ["realm_id", "binding_id", "profile_id"],
    "MeerkatClient.create_auth_profile": ["params"],
    "MeerkatClient.delete_auth_profile": ["realm_id", "binding_id", "profile_id"],
    "MeerkatClient.auth_login_start": ["provider"],
    "MeerkatClient.auth_login_complete": ["provider", "code", "state"],
    "MeerkatClient.auth_login_device_start": ["provider"],
    "MeerkatClient.auth_login_device_complete": ["provider", "device_code"],
    "MeerkatClient.auth_provision_api_key": ["access_token"],
    "MeerkatClient.auth_status": ["realm_id", "binding_id", "profile_id"],
    "MeerkatClient.auth_logout": ["realm_id", "binding_id", "profile_id"],
    "MeerkatClient.get_blob": ["blob_id"],
    "MeerkatClient.list_skills": [],
    "MeerkatClient.mcp_add": ["session_id", "server_config"],
    "MeerkatClient.mcp_remove": ["session_id", "server_name"],
    "MeerkatClient.mcp_reload": ["session_id"],
    "Session.send": [],
    "Session.peers": [],
    "MeerkatClient.send_peer_response_terminal": ["session_id", "peer_id", "request_id", "status", "result"],
    "MeerkatClient.read_mob_events": ["mob_id", "after_cursor", "limit"],
    "Mob.read_events": ["after_cursor", "limit"],
    "MeerkatClient.create_mob_profile": ["name", "profile"],
    "MeerkatClient.get_mob_profile": ["name"],
    "MeerkatClient.list_mob_profiles": [],
    "MeerkatClient.update_mob_profile": ["name", "profile", "expected_revision"],
    "MeerkatClient.delete_mob_profile": ["name", "expected_revision"],
    "MeerkatClient.live_open": ["session_id", "turning_mode"],
    "MeerkatClient.live_status": ["channel_id"],
    "MeerkatClient.live_close": ["channel_id"],
    "MeerkatClient.live_send_input_text": ["channel_id", "text"],
    "MeerkatClient.live_send_input_audio": ["channel_id", "data_base64", "sample_rate_hz", "channels"],
    "MeerkatClient.live_send_input_image": ["channel_id", "mime", "data_base64"],
    "MeerkatClient.live_send_input_video_frame": ["channel_id", "codec", "data_base64", "timestamp_ms"],
    "MeerkatClient.live_commit_input": ["channel_id", "response_modality"],
    "MeerkatClient.live_interrupt": ["channel_id"],
    "MeerkatClient.live_truncate": ["channel_id", "item_id", "content_index", "audio_played_ms"],
    "MeerkatClient.live_refresh": ["channel_id"],
    "MeerkatClient.has_capability": ["capability_id"],
    "MeerkatClient.require_capability": ["capability_id"],
}
OPTIONAL = {
    "after_cursor", "blocks", "idempotency_key", "include_terminal", "labels", "limit", "offset", "profile_id",
    "response_modality", "source", "turning_mode",
}  # fmt: skip


@pytest.mark.parametrize("member", SIGNATURES)
def test_arguments(member: str) -> None:
    owner, name = member.split(".")
    function = getattr(getattr(meerkat, owner), name)
    expected = SIGNATURES[member]
    signature = inspect.signature(function)
    positional = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional[1 : 1 + len(expected)] == expected
    for argument in OPTIONAL.intersection(expected):
        assert signature.parameters[argument].default is None
    assert inspect.iscoroutinefunction(function) == (name not in {"has_capability", "require_capability"})
    assert inspect.getdoc(function)


# Inputs of a running session


async def test_inputs_of_a_session(client: MeerkatClient) -> None:
    session = await client.create_session("hello")
    assert (await client.inject_context(session.id, "note", source="page", idempotency_key="a")).status != "duplicate"
    assert (await session.inject_context("note", source="page", idempotency_key="a")).status == "duplicate"
    outcome = await client.send_external_event(session.id, "webhook", {"n": 1}, blocks=None)
    assert isinstance(outcome, ExternalEventOutcome)
    assert outcome.outcome_type == "accepted"
    blocks = [{"type": "text", "text": "something happened"}]
    assert isinstance(await session.send_external_event("webhook", {"n": 2}, blocks=blocks), ExternalEventOutcome)
    peer = await client.send_peer_response_terminal(session.id, NOWHERE, NOWHERE, "completed", {"done": True})
    assert isinstance(peer, ExternalEventOutcome)


# Schedules, realms, credentials, blobs, skills, MCP servers, peers


async def test_schedules(real_client: MeerkatClient) -> None:
    session = await real_client.create_session("hello")
    target = {
        "target_kind": "session",
        "type": "exact_session",
        "session_id": session.id,
        "action": {"type": "prompt", "prompt": "tick"},
    }
    trigger = {"type": "once", "due_at_utc": "2030-01-01T00:00:00Z"}
    schedule = await real_client.create_schedule({"trigger": trigger, "target": target})
    assert isinstance(await real_client.list_schedules(), ScheduleListResult)
    assert (await real_client.get_schedule(schedule.schedule_id))["trigger"]["due_at_utc"].startswith("2030")
    occurrences = await real_client.list_schedule_occurrences(schedule.schedule_id)
    assert isinstance(occurrences, ScheduleOccurrencesResult)
    assert isinstance(await real_client.list_schedule_tools(), ScheduleToolsResult)
    called = await real_client.call_schedule_tool({"name": "meerkat_schedule_list", "arguments": {}})
    assert called["schedules"][0]["schedule_id"] == schedule.schedule_id


REALM = """
[realm.default.backend.local]
provider = "anthropic"
backend_kind = "anthropic_api"

[realm.default.auth.stored]
provider = "anthropic"
auth_method = "api_key"
source = { kind = "managed_store" }

[realm.default.binding.main]
backend_profile = "local"
auth_profile = "stored"
"""


async def test_realms_and_credentials(real_runtime: Runtime, tmp_path: Path) -> None:
    real_runtime.configure(REALM)
    real_runtime.env["HOME"] = str(tmp_path)  # where secrets are stored
    client = real_runtime.client()
    who = ("default", "main")
    with anyio.fail_after(LIMIT):
        await real_runtime.connect(client, user_config_root=tmp_path)
        async with client:
            assert [realm.realm_id for realm in await client.list_realms()] == ["default"]
            assert (await client.get_realm("default"))["realm_id"] == "default"
            assert [profile.id for profile in (await client.list_auth_profiles("default")).auth_profiles] == ["stored"]
            stored = {"realm_id": "default", "binding_id": "main", "auth_method": "api_key", "secret": "sk-not-a-key"}
            assert (await client.create_auth_profile(stored)).stored
            profile = await client.get_auth_profile(*who)
            assert (profile.binding_id, profile.profile_id) == ("main", "stored")
            assert (await client.auth_status(*who)).state == "valid"
            assert (await client.auth_logout(*who)).cleared
            await client.create_auth_profile(stored)
            await client.delete_auth_profile(*who)
            assert (await client.auth_status(*who)).state != "valid"
            for call in (  # a binding for keys takes part in no OAuth login
                client.auth_login_start("anthropic", realm_id=who[0], binding_id=who[1]),
                client.auth_login_complete("anthropic", "code", "state", realm_id=who[0], binding_id=who[1]),
                client.auth_login_device_start("openai", realm_id=who[0], binding_id=who[1]),
                client.auth_login_device_complete("openai", "code", realm_id=who[0], binding_id=who[1]),
                client.auth_provision_api_key("token", realm_id=who[0], binding_id=who[1]),
            ):
                with pytest.raises(InvalidParamsError):
                    await call


async def test_logins_begin_without_a_word_on_whose_they_are() -> None:
    client = MeerkatClient()
    for call in (client.auth_login_start("anthropic"), client.auth_login_device_start("openai")):
        with pytest.raises(meerkat.InvalidArgumentError, match=r"`\$\.realm_id`$"):
            await call


async def test_blobs_and_skills(client: MeerkatClient) -> None:
    with pytest.raises(InvalidParamsError):
        await client.get_blob("sha256:none")
    assert isinstance(await client.list_skills(), list)


async def test_servers_of_tools(real_client: MeerkatClient) -> None:
    session = await real_client.create_session("hello")
    added = await real_client.mcp_add(session.id, {"name": "files", "command": "true"})
    assert (added.operation, added.status, added.persisted) == ("add", "staged", False)
    assert (await real_client.mcp_reload(session.id)).operation == "reload"
    assert (await real_client.mcp_remove(session.id, "files")).server_name == "files"


async def test_peers(real_client: MeerkatClient) -> None:
    session = await real_client.create_session("hello", comms_name="alice")
    assert await session.peers() == []
    sent = await session.send(kind="input", body="hello", allow_self_session=True)
    assert sent["kind"] == "input_accepted"


# Mobs


async def test_the_record_and_the_profiles_of_mobs(real_client: MeerkatClient) -> None:
    mob = await real_client.create_mob(definition={"id": "team", "profiles": {"worker": {"model": "fake"}}})
    for read in (await real_client.read_mob_events(mob.id, 0, 100), await mob.read_events(after_cursor=0, limit=100)):
        assert isinstance(read, MobEventsResult)
        assert read.events[0].cursor == 1
    profile = MobProfile(model="fake", tools=MobProfileTools(comms=True))
    stored = await real_client.create_mob_profile("worker", profile)
    assert isinstance(stored, StoredMobProfile)
    assert await real_client.get_mob_profile("worker") == stored
    assert await real_client.get_mob_profile("none") is None
    assert await real_client.list_mob_profiles() == [stored]
    changed = await real_client.update_mob_profile("worker", profile, expected_revision=stored.revision)
    deleted = await real_client.delete_mob_profile("worker", expected_revision=changed.revision)
    assert isinstance(deleted, meerkat.DeletedMobProfile)


# Streaming


async def test_streams(client: MeerkatClient) -> None:
    first = client.create_session_streaming("hello")
    assert isinstance(first, EventStream)
    async with first as events:
        assert [type(event) async for event in events][-1] is RunCompleted
    session = client.session(events.result.session_id)
    stream = session.stream("again")
    assert isinstance(stream, EventStream)
    assert (await session.read()).last_assistant_text == "echo: hello"  # nothing was sent
    async with stream:
        with pytest.raises(StreamNotConsumedError):
            _ = stream.result
        async for _ in stream:
            pass
    assert stream.result.text == "echo: again"


@pytest.mark.parametrize("status", ["completed", "failed", "a status of tomorrow"])
def test_the_end_of_background_jobs(status: str) -> None:
    raw = {
        "type": "background_job_completed",
        "job_id": "j1",
        "display_name": "build",
        "terminal_status": status,
        "detail": "done",
    }
    event = meerkat.parse_event(raw)
    assert isinstance(event, meerkat.BackgroundJobCompleted)
    assert event.terminal_status == status
    assert event.legacy_status is None
    mirrored = meerkat.parse_event({**raw, "status": "finished"})
    assert isinstance(mirrored, meerkat.BackgroundJobCompleted)
    assert mirrored.terminal_status == status
    assert mirrored.legacy_status == mirrored["status"] == "finished"


# Live channels: no runtime here can open one, so the page's program runs against prepared answers


def test_the_old_handle_of_channels_is_gone() -> None:
    assert not hasattr(meerkat, "RealtimeChannel")


async def test_the_program_with_a_live_channel(tmp_path: Path) -> None:
    session_id, channel_id = "018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    run = {"session_id": session_id, "text": "ok", "turns": 1, "tool_calls": 0, "usage": usage}

    def event(seq: int, payload: dict[str, Any]) -> dict[str, Any]:
        source = {"type": "session", "session_id": session_id}
        envelope = {"event_id": f"e{seq}", "source": source, "source_id": "s", "seq": seq, "timestamp_ms": seq}
        return notification("session/event", {"session_id": session_id, "event": {**envelope, "payload": payload}})

    prompt = "Open a live channel"
    ended = {"type": "run_completed", "session_id": session_id, "result": "ok", "extraction_required": False}
    opened = {
        "channel_id": channel_id,
        "transport": {"transport": "websocket", "url": "ws://127.0.0.1:1/live/ws", "token": "t"},
        "capabilities": dict.fromkeys(
            [
                "audio_in", "audio_out", "text_in", "text_out", "image_in", "video_in", "transcript_supported",
                "barge_in_supported", "provider_native_resume",
            ],
            True,
        ),
        "continuity": {"mode": "fresh"},
    }  # fmt: skip
    runtime = Answers(
        tmp_path,
        {
            "session/create": [
                event(1, {"type": "run_started", "session_id": session_id, "prompt": prompt}),
                event(2, {**ended, "usage": {**usage, "cache_creation_tokens": None, "cache_read_tokens": None}}),
                result(run),
            ],
            "live/open": [result(opened)],
            "live/send_input": [result({"sent": True})],
            "live/commit_input": [result({"committed": True})],
            "live/refresh": [result({"status": "queued", "refresh_enqueued": True})],
            "live/close": [result({"closed": True})],
        },
    )
    with anyio.fail_after(LIMIT):
        client = MeerkatClient(runtime.program)
        await client.connect(live_ws=True)
        session = await client.create_session(prompt)
        channel = LiveChannel.session(client, session.id, turning_mode="explicit_commit")
        opening = await channel.open()
        assert opening.channel_id == channel.channel_id == channel_id
        await channel.send_input_text("hello")
        await channel.commit_input(response_modality="text")
        await channel.refresh()
        await channel.close()
        await client.close()
    mine = {"channel_id": channel_id}
    assert runtime.requests()[1:] == [
        ("live/open", {"session_id": session_id, "turning_mode": "explicit_commit"}),
        ("live/send_input", {**mine, "chunk": {"kind": "text", "text": "hello"}}),
        ("live/commit_input", {**mine, "response_modality": {"modality": "text"}}),
        ("live/refresh", mine),
        ("live/close", mine),
    ]


async def test_helpers_of_live_channels_reach_the_runtime(real_runtime: Runtime) -> None:
    real_runtime.env["OPENAI_API_KEY"] = "sk-not-a-key"
    client = real_runtime.client()
    with anyio.fail_after(LIMIT):
        await real_runtime.connect(client, live_ws=True)
        async with client:
            for call in (
                client.live_open(NOWHERE, turning_mode=None),
                client.live_status(NOWHERE),
                client.live_close(NOWHERE),
                client.live_send_input_text(NOWHERE, "hello"),
                client.live_send_input_audio(NOWHERE, "AAAA", 24_000, 1),
                client.live_send_input_image(NOWHERE, "image/png", "AAAA"),
                client.live_send_input_video_frame(NOWHERE, "jpeg", "AAAA", 40),
                client.live_commit_input(NOWHERE, response_modality=None),
                client.live_interrupt(NOWHERE),
                client.live_truncate(NOWHERE, "item", 0, 100),
                client.live_refresh(NOWHERE),
            ):
                with pytest.raises(InvalidParamsError, match="not found"):
                    await call


# Capabilities and errors


async def test_capabilities(client: MeerkatClient) -> None:
    known = {str(capability.id): capability.status for capability in client.capabilities}
    assert client.has_capability("sessions")
    client.require_capability("sessions")
    assert client.has_capability("comms") == (known.get("comms") == "Available")
    assert not client.has_capability("levitation")
    with pytest.raises(CapabilityUnavailableError, match="levitation"):
        client.require_capability("levitation")


async def test_errors(client: MeerkatClient) -> None:
    for kind in (CapabilityUnavailableError, SessionNotFoundError, SkillNotFoundError):
        assert issubclass(kind, MeerkatError)
    with pytest.raises(SessionNotFoundError):
        await client.read_session(NOWHERE)
    from meerkat import errors

    assert all(issubclass(getattr(errors, name), MeerkatError) for name in errors.__all__)
