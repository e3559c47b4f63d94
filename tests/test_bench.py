"""The benchmark measures what it says: every event arrives, and its figures are there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent / "bench" / "stream.py"
TIMEOUT = 60.0


def test_the_benchmark_runs() -> None:
    done = subprocess.run(
        [sys.executable, BENCH, "--events", "2000", "--rounds", "1"],
        capture_output=True, text=True, check=False, timeout=TIMEOUT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("trio", "asyncio"))]
    assert [" ".join(row[:2]) for row in rows] == [
        f"{backend}, {kind}" for backend in ("trio", "asyncio") for kind in ("events", "batches", "watched")
    ]
    assert all(float(row[2].replace(",", "")) > 0 for row in rows)
