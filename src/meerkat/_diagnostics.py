"""What happened on a connection that no caller was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from meerkat._link import Link


class Tally(msgspec.Struct):
    """Counts that the router keeps."""

    gaps: int = 0
    missing_events: int = 0
    unclaimed_events: int = 0
    overflows: int = 0
    stalled_turns: int = 0


class Diagnostics(msgspec.Struct, frozen=True, kw_only=True):
    """State of the runtime and counts of what was noticed, repaired or skipped since connect.

    Attributes:
        pid: Process id of the runtime; ``None`` over TCP.
        return_code: Its exit status, negative for a signal; ``None`` while it runs.
        stderr_tail: The end of what it wrote to its standard error; at most 16 KiB.
        pending_calls: Calls that are not answered yet, those included that nobody waits for any more.
        bad_lines: Lines from the runtime that were no part of the protocol and were skipped.
        late_answers: Answers to nobody, such as a second answer to the same call.
        strays: Errors without an id.
        resent_lines: Long requests that the runtime lost, and that were sent again.
        gaps: How often numbers were missing in a session's count of events.
        missing_events: How many numbers were missing. Not all need be lost: some events go to subscriptions only.
        unclaimed_events: Events of sessions that this client neither made nor used.
        overflows: Streams that ended because their consumer was too slow.
        stalled_turns: Turns that the runtime did not start for seconds.
    """

    pid: int | None
    return_code: int | None
    stderr_tail: str
    pending_calls: int
    bad_lines: int
    late_answers: int
    strays: int
    resent_lines: int
    gaps: int
    missing_events: int
    unclaimed_events: int
    overflows: int
    stalled_turns: int


def diagnose(link: Link) -> Diagnostics:
    """Take stock of a connection."""
    transport = link.connection.transport
    protocol = link.connection.protocol
    tally = link.router.tally
    return Diagnostics(
        pid=transport.pid,
        return_code=transport.return_code,
        stderr_tail=transport.stderr_tail,
        pending_calls=protocol.pending,
        bad_lines=protocol.counters.bad_lines,
        late_answers=protocol.counters.late_answers,
        strays=protocol.counters.strays,
        resent_lines=protocol.resent,
        gaps=tally.gaps,
        missing_events=tally.missing_events,
        unclaimed_events=tally.unclaimed_events,
        overflows=tally.overflows,
        stalled_turns=tally.stalled_turns,
    )
