"""``python -m codegen diff``."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codegen.diff import report
from codegen.diff.accepted import check_accepted, read_accepted
from codegen.diff.contracts import compare
from codegen.diff.source import read_contract
from codegen.problems import ContractError

if TYPE_CHECKING:
    import argparse

COMPATIBLE, BREAKING, UNUSABLE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("old", nargs="?", type=Path, metavar="OLD", help="openrpc.json or directory of a contract")
    parser.add_argument("new", nargs="?", type=Path, metavar="NEW", help="the same of a newer one")
    parser.add_argument(
        "--accepted", type=Path, metavar="FILE", help="YAML file of accepted breaks: rule, subject, reason, expires"
    )
    parser.add_argument(
        "--today",
        type=dt.date.fromisoformat,
        metavar="DAY",
        help="day by which accepted breaks expire (2030-12-31); today if not given",
    )
    parser.add_argument("--rules", action="store_true", help="list the rules and do nothing else")


def run(options: argparse.Namespace) -> int:
    """Run the command with the arguments declared above, and return its exit status."""
    if options.rules:
        print("\n".join(report.rule_table()))
        return COMPATIBLE
    if options.old is None or options.new is None:
        print("two contracts are needed: python -m codegen diff OLD NEW", file=sys.stderr)
        return UNUSABLE
    today = options.today or dt.datetime.now(tz=dt.UTC).date()
    return diff(options.old, options.new, options.accepted, today)


def diff(old: Path, new: Path, accepted: Path | None, today: dt.date) -> int:
    """Print what has changed from one contract to another.

    Args:
        old: The older contract.
        new: The newer one.
        accepted: File of the breaks that were accepted.
        today: The day by which they expire.

    Returns:
        0 when nothing breaks but what was accepted, 1 when something does or an accepted break is stale or expired, 2
        when the input cannot be used.
    """
    try:
        before, after = read_contract(old), read_contract(new)
        entries = read_accepted(accepted) if accepted is not None else []
    except ContractError as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    changes = compare(before, after)
    covered = [change for change in changes if any(entry.covers(change) for entry in entries)]
    for line in report.lines(changes, covered, (before.version, after.version)):
        print(line)
    status = COMPATIBLE
    if any(change.severity == "major" and change not in covered for change in changes):
        status = BREAKING
    try:
        check_accepted(entries, changes, today)
    except ContractError as error:
        print(error, file=sys.stderr)
        status = BREAKING
    return status
