"""Established names of types that the contract calls otherwise, for type checkers.

At run time the package finds them through `meerkat._names.ALIASES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from meerkat._generated import public as contract

    BlobImageBlock: TypeAlias = contract.ImageBlock
    InlineImageBlock: TypeAlias = contract.ImageBlock
    InlineVideoBlock: TypeAlias = contract.VideoBlock
    LiveInputChunkWire: TypeAlias = contract.LiveInputChunk
    MobMemberListEntryWire: TypeAlias = contract.MobMember
    MobMemberSpecWire: TypeAlias = contract.MobMemberSpec
    MobProfileInput: TypeAlias = contract.MobProfile
    MobReconcileReportWire: TypeAlias = contract.MobReconcileReport
    MobSpawnReceiptWire: TypeAlias = contract.MobSpawnReceipt
    MobSpawnSpecParams: TypeAlias = contract.MobSpawnSpec
    MobToolConfigInput: TypeAlias = contract.MobProfileTools
    RuntimeAcceptResult: TypeAlias = contract.ExternalEventOutcome
    WireAuthBindingRef: TypeAlias = contract.AuthBindingRef
    WireBudgetSplitPolicy: TypeAlias = contract.BudgetSplitPolicy
    WireInputState: TypeAlias = contract.InputState
    WireMemberLaunchMode: TypeAlias = contract.MemberLaunchMode
    WireMemberRef: TypeAlias = contract.MobMemberRef
    WireMemberState: TypeAlias = contract.MemberState
    WireMobBackendKind: TypeAlias = contract.MobBackendKind
    WireMobMemberStatus: TypeAlias = contract.MobMemberStatus
    WireMobProfile: TypeAlias = contract.MobProfile
    WireMobRuntimeMode: TypeAlias = contract.MobRuntimeMode
    WireMobToolConfig: TypeAlias = contract.MobProfileTools
    WireRuntimeBinding: TypeAlias = contract.RuntimeBinding
    WireToolAccessPolicy: TypeAlias = contract.ToolAccessPolicy
    WireToolFilter: TypeAlias = contract.ToolFilter
