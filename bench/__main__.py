"""Measure this SDK, next to the peer and to the floor.

Without a part everything is measured, and the table is also written to bench/RESULTS.md. Rounds are interleaved: each
subject runs in a fresh process, one after the other, and the medians count.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from bench import table
from bench.rows import RUNS
from bench.subjects import BENCH, PEER, Bench, BenchmarkError

RESULTS = BENCH / "RESULTS.md"
ROUNDS = 5
PRIORITY = -15
LEGEND = f"""\
Medians of {{rounds}} rounds; in each, every subject runs in a fresh process, one after the other. Ratios can be
compared between machines, absolute figures cannot.

- *peer*: `{PEER}` from PyPI, in an environment of its own, on asyncio. It does not look into the envelope that the
  runtime puts around events, so all its events are unknown ones and cost less than typed ones would.
- *floor*: the same bytes through the barest possible reader, blocking, decoded once to the same types
  ([floor.py](floor.py)); for imports, the two libraries that the package stands on.
- *on the bare event loop*: the barest client on trio and on asyncio ([bare.py](bare.py)), with neither a protocol nor
  types of parameters nor deadlines: what no client on that event loop can be faster than.
- All talk to the same server ([runtime.c](server/runtime.c)), which writes prepared bytes, each answer with a write of
  its own as the real runtime does: events in the envelope of the real runtime, 400 bytes each.

What is missed, and why: [README.md](README.md).
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n")[0])
    parts = sorted({run.part for run in RUNS.values()} | {"capped"})
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join(parts)} (default: all)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds, of which the medians count ({ROUNDS})")
    parser.add_argument("--no-peer", action="store_true", help="measure without the peer, which comes from PyPI")
    parser.add_argument("--quick", action="store_true", help="do as little as will do to see that everything runs")
    args = parser.parse_args()
    chosen = {name: run for name, run in RUNS.items() if not args.parts or {run.part, name.split()[0]} & {*args.parts}}
    if not chosen:
        parser.error(f"there is no such part; choose from: {', '.join(parts)}")
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)  # so that others on the machine disturb less
    try:
        with tempfile.TemporaryDirectory(prefix="meerkat-bench-") as directory:
            results = measure(
                Bench(Path(directory), peer=not args.no_peer, quick=args.quick), list(chosen), args.rounds
            )
    except BenchmarkError as error:
        sys.exit(str(error))
    lines = table.lines(results)
    print(f"{table.machine()}\n\n{table.render(lines)}")
    if not (args.parts or args.no_peer or args.quick):
        report = f"# Results\n\n{table.machine()}\n\n{table.render(lines)}\n\n{LEGEND.format(rounds=args.rounds)}"
        RESULTS.write_text(report, encoding="utf-8")


def measure(bench: Bench, names: list[str], rounds: int) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Make the runs, interleaved."""
    results: dict[str, dict[str, list[dict[str, float]]]] = {
        name: {subject: [] for subject in bench.subjects(RUNS[name])} for name in names
    }
    for number in range(rounds):
        for name in names:
            subjects = list(results[name])
            shift = number % len(subjects)
            for subject in subjects[shift:] + subjects[:shift]:  # nobody always comes after the same one
                tell(f"round {number + 1} of {rounds}: {name}, {subject}")
                results[name][subject].append(bench.measure(RUNS[name], subject))
    tell("")
    return results


def tell(what: str) -> None:
    """Show what is being done, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r{what:<60}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
