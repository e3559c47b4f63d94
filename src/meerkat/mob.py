"""Handles of mobs and their members: ids and a client."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from meerkat._generated import contract
from meerkat._generated.methods import AllCalls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from meerkat._arguments import MobPeer, Prompt, StreamEvent
    from meerkat._generated.types.basics import AuthBindingRef, HandlingMode, RenderMetadata
    from meerkat._generated.types.mob import MobLifecycleAction, MobLifecycleResult, MobStatusResult
    from meerkat._generated.types.mob_control import MobAppendSystemContextResult, MobRespawnResult
    from meerkat._generated.types.mob_definition import MobCreateResult, MobDefinitionInput
    from meerkat._generated.types.mob_events import MobEventsResult
    from meerkat._generated.types.mob_flow import MobRun
    from meerkat._generated.types.mob_helper import MobHelperResult
    from meerkat._generated.types.mob_ids import MobBackendKind, MobRuntimeMode
    from meerkat._generated.types.mob_member import ForkContext, RuntimeBinding
    from meerkat._generated.types.mob_peer import MobPeerTarget
    from meerkat._generated.types.mob_profile import MobProfile
    from meerkat._generated.types.mob_roster import MobMember
    from meerkat._generated.types.mob_spawn import (
        BudgetSplitPolicy,
        MemberLaunchMode,
        MobSpawnManyResult,
        MobSpawnResult,
        MobSpawnSpec,
    )
    from meerkat._generated.types.mob_status import (
        MobKickoffMemberSnapshot,
        MobMemberSnapshot,
        MobReadyMemberSnapshot,
    )
    from meerkat._generated.types.mob_stream import AttributedEvent
    from meerkat._generated.types.mob_tools import ToolAccessPolicy, ToolFilter
    from meerkat._generated.types.mob_work import MemberDeliveryReceipt
    from meerkat.streaming import EventGap, EventSubscription

I = TypeVar("I")  # noqa: E741  # item


class MobMethods(AllCalls):
    """What a client does with mobs beyond the generated wrappers: handles, subscriptions, names for peers."""

    @abstractmethod
    async def _subscribe(
        self, method: str, subscribe: Callable[..., Awaitable[EventSubscription[I]]], *ids: str
    ) -> EventSubscription[I]:
        """Open a subscription on the connection."""

    async def create_mob(self, *, definition: MobDefinitionInput | Mapping[str, Any]) -> Mob:
        """Create a mob from its definition.

        Args:
            definition: The mob: its id, its profiles, and what else there is to say.

        Returns:
            A handle of the mob.

        Raises:
            InvalidArgumentError: The definition does not fit the contract; nothing was sent.
            InvalidParamsError: The runtime refuses it, for example because there is a mob with this id.

        RPC: ``mob/create``.
        """
        created: MobCreateResult = await self._call(contract.method("mob/create"), {"definition": definition})
        return Mob(self, created.mob_id)

    def mob(self, mob_id: str) -> Mob:
        """Return a handle of a mob that exists already; nothing is asked or checked."""
        return Mob(self, mob_id)

    async def wire_mob_members(self, mob_id: str, member: str, peer: MobPeer) -> None:
        """Connect a member to a peer so that they can talk to each other.

        Args:
            mob_id: Mob that the member belongs to.
            member: Member to connect.
            peer: Whom to connect it to: the name of another member of the mob, or a `MobPeerTarget` for a peer outside
                the mob, with its address and key.

        Raises:
            InvalidParamsError: There is no such mob, member or peer.

        RPC: ``mob/wire``.
        """
        await super().wire_mob_members(mob_id, member, _target(peer))

    async def unwire_mob_members(self, mob_id: str, member: str, peer: MobPeer) -> None:
        """Cut the connection between a member and a peer.

        Args:
            mob_id: Mob that the member belongs to.
            member: Member to disconnect.
            peer: Whom to disconnect it from: the name of another member of the mob, or a `MobPeerTarget`; for a peer
                outside the mob its name is enough (``{"external_name": ...}``).

        Raises:
            InvalidParamsError: There is no such mob, member or peer.

        RPC: ``mob/unwire``.
        """
        await super().unwire_mob_members(mob_id, member, _target(peer))

    async def subscribe_mob_events(self, mob_id: str) -> EventSubscription[AttributedEvent | EventGap]:
        """Follow the events of all members of a mob.

        Args:
            mob_id: Mob to follow.

        Returns:
            An open subscription; close it, or use it as ``async with`` block. Each item tells the member and its event.

        Raises:
            InvalidParamsError: There is no such mob.

        RPC: ``mob/stream_open``, ``mob/stream_close``.
        """
        from meerkat._subscriptions import subscribe_mob  # noqa: PLC0415  # not needed to make a client

        return await self._subscribe("mob/stream_open", subscribe_mob, mob_id)

    async def subscribe_mob_member_events(self, mob_id: str, agent_identity: str) -> EventSubscription[StreamEvent]:
        """Follow the events of one member of a mob.

        Args:
            mob_id: Mob that the member belongs to.
            agent_identity: Member to follow.

        Returns:
            An open subscription; close it, or use it as ``async with`` block.

        Raises:
            InvalidParamsError: There is no such mob or member.

        RPC: ``mob/stream_open``, ``mob/stream_close``.
        """
        from meerkat._subscriptions import subscribe_member  # noqa: PLC0415  # not needed to make a client

        return await self._subscribe("mob/stream_open", subscribe_member, mob_id, agent_identity)


def _target(peer: MobPeer) -> MobPeerTarget | Mapping[str, Any]:
    return {"local": peer} if isinstance(peer, str) else peer


class Mob:
    """A mob: agents that work together. Each method is that of the client for this mob.

    Made by ``await client.create_mob(definition=...)``, or by ``client.mob(mob_id)`` for one that exists.

    Example:
        ::

            mob = await client.create_mob(definition={"id": "team", "profiles": {"worker": {"model": model}}})
            await mob.spawn(profile="worker", agent_identity="ada")
            async with await mob.subscribe_events() as events:
                async for event in events:
                    print(event.source.identity, event.envelope.payload)

    Attributes:
        id: Id of the mob.
    """

    def __init__(self, client: MobMethods, mob_id: str) -> None:
        self._client = client
        self.id = mob_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id!r}>"

    def member(self, agent_identity: str) -> Member:
        """Return a handle of a member; nothing is asked or checked."""
        return Member(self._client, self.id, agent_identity)

    async def status(self) -> MobStatusResult:
        """Tell where the mob stands; see `MeerkatClient.mob_status`.

        RPC: ``mob/status``.
        """
        return await self._client.mob_status(self.id)

    async def lifecycle(self, action: MobLifecycleAction | str) -> MobLifecycleResult:
        """Stop, resume, complete, reset or destroy the mob; see `MeerkatClient.mob_lifecycle`.

        RPC: ``mob/lifecycle``.
        """
        return await self._client.mob_lifecycle(self.id, action)

    # Members

    async def members(self) -> list[MobMember]:
        """List the members; see `MeerkatClient.list_mob_members`.

        RPC: ``mob/members``.
        """
        return await self._client.list_mob_members(self.id)

    async def spawn(
        self,
        *,
        profile: str,
        agent_identity: str,
        initial_message: Prompt | None = None,
        runtime_mode: MobRuntimeMode | str | None = None,
        backend: MobBackendKind | str | None = None,
        labels: Mapping[str, str] | None = None,
        context: Any = None,
        additional_instructions: Sequence[str] | None = None,
        binding: RuntimeBinding | Mapping[str, Any] | None = None,
        shell_env: Mapping[str, str] | None = None,
        auto_wire_parent: bool | None = None,
        launch_mode: MemberLaunchMode | Mapping[str, Any] | None = None,
        tool_access_policy: ToolAccessPolicy | Mapping[str, Any] | None = None,
        budget_split_policy: BudgetSplitPolicy | Mapping[str, Any] | None = None,
        inherited_tool_filter: ToolFilter | Mapping[str, Any] | None = None,
        override_profile: MobProfile | Mapping[str, Any] | None = None,
        auth_binding: AuthBindingRef | Mapping[str, Any] | None = None,
    ) -> MobSpawnResult:
        """Add a member; see `MeerkatClient.spawn_mob_member` for the arguments.

        RPC: ``mob/spawn``.
        """
        return await self._client.spawn_mob_member(
            self.id,
            profile,
            agent_identity,
            initial_message=initial_message,
            runtime_mode=runtime_mode,
            backend=backend,
            labels=labels,
            context=context,
            additional_instructions=additional_instructions,
            binding=binding,
            shell_env=shell_env,
            auto_wire_parent=auto_wire_parent,
            launch_mode=launch_mode,
            tool_access_policy=tool_access_policy,
            budget_split_policy=budget_split_policy,
            inherited_tool_filter=inherited_tool_filter,
            override_profile=override_profile,
            auth_binding=auth_binding,
        )

    async def spawn_many(self, specs: Sequence[MobSpawnSpec | Mapping[str, Any]]) -> MobSpawnManyResult:
        """Add several members, each of which succeeds or fails for itself; see `MeerkatClient.spawn_mob_members`.

        RPC: ``mob/spawn_many``.
        """
        return await self._client.spawn_mob_members(self.id, specs)

    async def retire(self, agent_identity: str) -> None:
        """Take a member out of the mob; see `MeerkatClient.retire_mob_member`.

        RPC: ``mob/retire``.
        """
        await self._client.retire_mob_member(self.id, agent_identity)

    async def respawn(self, agent_identity: str, initial_message: Prompt | None = None) -> MobRespawnResult:
        """Replace a member by a fresh incarnation of itself; see `MeerkatClient.respawn_mob_member`.

        RPC: ``mob/respawn``.
        """
        return await self._client.respawn_mob_member(self.id, agent_identity, initial_message)

    async def force_cancel(self, agent_identity: str) -> None:
        """Break off whatever a member is doing; see `MeerkatClient.force_cancel_mob_member`.

        RPC: ``mob/force_cancel``.
        """
        await self._client.force_cancel_mob_member(self.id, agent_identity)

    async def member_status(self, agent_identity: str) -> MobMemberSnapshot:
        """Tell how a member is; see `MeerkatClient.mob_member_status`.

        RPC: ``mob/member_status``.
        """
        return await self._client.mob_member_status(self.id, agent_identity)

    async def wait_for_kickoff_complete(
        self, *, member_ids: Sequence[str] | None = None, timeout_ms: int | None = None
    ) -> list[MobKickoffMemberSnapshot]:
        """Wait until the start of autonomous members is over; see `MeerkatClient.wait_mob_kickoff`.

        RPC: ``mob/wait_kickoff``.
        """
        return await self._client.wait_mob_kickoff(self.id, member_ids=member_ids, timeout_ms=timeout_ms)

    async def wait_for_ready(
        self, *, member_ids: Sequence[str] | None = None, timeout_ms: int | None = None
    ) -> list[MobReadyMemberSnapshot]:
        """Wait until members can take messages; see `MeerkatClient.wait_mob_ready`.

        RPC: ``mob/wait_ready``.
        """
        return await self._client.wait_mob_ready(self.id, member_ids=member_ids, timeout_ms=timeout_ms)

    async def append_system_context(
        self, agent_identity: str, text: str, *, source: str | None = None, idempotency_key: str | None = None
    ) -> MobAppendSystemContextResult:
        """Add to the system context of a member; see `MeerkatClient.append_mob_system_context`.

        RPC: ``mob/append_system_context``.
        """
        return await self._client.append_mob_system_context(
            self.id, agent_identity, text, source=source, idempotency_key=idempotency_key
        )

    async def wire(self, member: str, peer: MobPeer) -> None:
        """Connect a member to a peer; see `MeerkatClient.wire_mob_members`.

        RPC: ``mob/wire``.
        """
        await self._client.wire_mob_members(self.id, member, peer)

    async def unwire(self, member: str, peer: MobPeer) -> None:
        """Cut the connection between a member and a peer; see `MeerkatClient.unwire_mob_members`.

        RPC: ``mob/unwire``.
        """
        await self._client.unwire_mob_members(self.id, member, peer)

    # Helpers

    async def spawn_helper(
        self,
        prompt: str,
        *,
        agent_identity: str | None = None,
        role_name: str | None = None,
        runtime_mode: MobRuntimeMode | str | None = None,
        backend: MobBackendKind | str | None = None,
    ) -> MobHelperResult:
        """Add a member for one task and retire it again; see `MeerkatClient.spawn_mob_helper`.

        RPC: ``mob/spawn_helper``.
        """
        return await self._client.spawn_mob_helper(
            self.id,
            prompt,
            agent_identity=agent_identity,
            role_name=role_name,
            runtime_mode=runtime_mode,
            backend=backend,
        )

    async def fork_helper(
        self,
        source_member_id: str,
        prompt: str,
        *,
        agent_identity: str | None = None,
        role_name: str | None = None,
        fork_context: ForkContext | Mapping[str, Any] | None = None,
        runtime_mode: MobRuntimeMode | str | None = None,
        backend: MobBackendKind | str | None = None,
    ) -> MobHelperResult:
        """Add a helper with the conversation of a member; see `MeerkatClient.fork_mob_helper`.

        RPC: ``mob/fork_helper``.
        """
        return await self._client.fork_mob_helper(
            self.id,
            source_member_id,
            prompt,
            agent_identity=agent_identity,
            role_name=role_name,
            fork_context=fork_context,
            runtime_mode=runtime_mode,
            backend=backend,
        )

    # Flows

    async def flows(self) -> list[str]:
        """List the names of the mob's flows; see `MeerkatClient.list_mob_flows`.

        RPC: ``mob/flows``.
        """
        return await self._client.list_mob_flows(self.id)

    async def run_flow(self, flow_id: str, params: Any = None) -> str:
        """Start a run of a flow and return its id; see `MeerkatClient.run_mob_flow`.

        RPC: ``mob/flow_run``.
        """
        return await self._client.run_mob_flow(self.id, flow_id, params)

    async def flow_status(self, run_id: str) -> MobRun | None:
        """Tell how a run of a flow goes, ``None`` when there is no such run; see `MeerkatClient.get_mob_flow_status`.

        RPC: ``mob/flow_status``.
        """
        return await self._client.get_mob_flow_status(self.id, run_id)

    async def cancel_flow(self, run_id: str) -> None:
        """Stop a run of a flow; see `MeerkatClient.cancel_mob_flow`.

        RPC: ``mob/flow_cancel``.
        """
        await self._client.cancel_mob_flow(self.id, run_id)

    # Events

    async def read_events(
        self, after_cursor: int | None = None, limit: int | None = None, *, strict: bool | None = None
    ) -> MobEventsResult:
        """Read from the record of what happened to the mob; see `MeerkatClient.read_mob_events`.

        RPC: ``mob/events``.
        """
        return await self._client.read_mob_events(self.id, after_cursor, limit, strict=strict)

    async def subscribe_events(self) -> EventSubscription[AttributedEvent | EventGap]:
        """Follow the events of all members; see `MeerkatClient.subscribe_mob_events`.

        RPC: ``mob/stream_open``.
        """
        return await self._client.subscribe_mob_events(self.id)

    async def subscribe_all(self) -> EventSubscription[AttributedEvent | EventGap]:
        """Follow the events of all members; another name of `subscribe_events`.

        RPC: ``mob/stream_open``.
        """
        return await self.subscribe_events()

    async def subscribe_member_events(self, agent_identity: str) -> EventSubscription[StreamEvent]:
        """Follow the events of one member; see `MeerkatClient.subscribe_mob_member_events`.

        RPC: ``mob/stream_open``.
        """
        return await self._client.subscribe_mob_member_events(self.id, agent_identity)

    async def subscribe_member(self, agent_identity: str) -> EventSubscription[StreamEvent]:
        """Follow the events of one member; another name of `subscribe_member_events`.

        RPC: ``mob/stream_open``.
        """
        return await self.subscribe_member_events(agent_identity)


class Member:
    """A member of a mob; made by ``mob.member(agent_identity)``.

    Attributes:
        agent_identity: Name of the member within its mob.
    """

    def __init__(self, client: MobMethods, mob_id: str, agent_identity: str) -> None:
        self._client = client
        self._mob_id = mob_id
        self.agent_identity = agent_identity

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.agent_identity!r} of mob {self._mob_id!r}>"

    async def send(
        self,
        content: Prompt,
        *,
        handling_mode: HandlingMode | str | None = None,
        render_metadata: RenderMetadata | Mapping[str, Any] | None = None,
    ) -> MemberDeliveryReceipt:
        """Send the member a message; see `MeerkatClient.send_mob_member_content`.

        RPC: ``mob/member_send``.
        """
        return await self._client.send_mob_member_content(
            self._mob_id,
            self.agent_identity,
            content,
            handling_mode=handling_mode,
            render_metadata=render_metadata,
        )

    async def events(self) -> EventSubscription[StreamEvent]:
        """Follow the member's events; see `MeerkatClient.subscribe_mob_member_events`.

        RPC: ``mob/stream_open``.
        """
        return await self._client.subscribe_mob_member_events(self._mob_id, self.agent_identity)
