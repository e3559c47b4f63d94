"""Run a soak: ``python -m tests.soak --minutes 10``; the exit status is 1 when it fails."""

# ruff: noqa: T201  # it is a program that reports

from __future__ import annotations

import argparse
import logging
import random
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Final, Literal

import anyio

from tests.soak import report
from tests.soak.course import Plan, run
from tests.soak.verdict import judge
from tests.soak.work import KINDS
from tests.support.runtime import ROOT, find_real

if TYPE_CHECKING:
    from tests.soak.measure import Sample
    from tests.support.runtime import Kind

BACKENDS: Final = ("trio", "asyncio")
SAMPLES: Final = 40


def main() -> int:
    """Run it and return the exit status."""
    options = _parser().parse_args()
    if options.backend == "both":
        # Each in a process of its own: what one leaves to the interpreter would hide what the other one takes.
        return max(_alone(backend, options.seed) for backend in BACKENDS)
    warnings.simplefilter("default")
    logging.getLogger("meerkat").setLevel(logging.ERROR)
    seconds = 60 * options.minutes
    plan = Plan(
        seconds=seconds,
        interval=max(1.0, seconds / SAMPLES),
        warm_up=min(30.0, seconds / 10),
        seed=options.seed,
        runtimes=_runtimes(options.runtime),
        workers=options.workers,
        strangers=options.strangers,
        only=frozenset(options.only),
        piece=options.piece,
        faults=not options.no_faults,
    )
    print(f"{options.minutes:g} minutes on {options.backend}, {' and '.join(plan.runtimes)}, seed {plan.seed}")
    rows: list[Sample] = []

    def show(sample: Sample) -> None:
        if not rows:
            print(report.header(sample))
        rows.append(sample)
        print(report.row(sample), flush=True)

    course = anyio.run(run, plan, show, backend=options.backend)
    verdict = judge(course.samples, course.failed)
    print(report.summary(course, verdict), flush=True)
    return 0 if verdict.passed else 1


def _alone(backend: str, seed: int) -> int:
    arguments = [*sys.argv[1:], "--backend", backend, "--seed", str(seed)]
    return subprocess.run([sys.executable, "-m", "tests.soak", *arguments], cwd=ROOT, check=False).returncode


def _runtimes(wanted: Kind | Literal["both"]) -> tuple[Kind, ...]:
    if wanted != "both":
        return (wanted,)
    found = find_real()
    if isinstance(found, str):
        print(f"on the embedded runtime only: {found}")
        return ("embedded",)
    return ("embedded", "real")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Mixed work at full speed, with faults.")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, for each backend (default: 10)")
    parser.add_argument("--backend", choices=[*BACKENDS, "both"], default="both", help="default: one after the other")
    parser.add_argument("--runtime", choices=["embedded", "real", "both"], default="both", help="default: both at once")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="decides what is left to chance")
    parser.add_argument("--workers", type=int, default=6, help="how many work at each shared runtime")
    parser.add_argument("--strangers", type=int, default=3, help="how many work with runtimes that come and go")
    parser.add_argument("--only", action="append", default=[], choices=sorted(KINDS), metavar="KIND", help="this work")
    parser.add_argument("--piece", default="", metavar="SEED", help="do one piece of work again and again")
    parser.add_argument("--no-faults", action="store_true", help="do not strike the shared runtimes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
