"""The benchmark runs, and its verdicts are right. How fast anything is, is no matter for tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import table
from bench.rows import ROWS, Row, at_least, at_most
from bench.server.prepare import PROMPT, write_data
from bench.subjects import BENCH

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 120.0


def test_the_benchmark_runs_and_finds_every_event() -> None:
    parts = ["stream", "batches", "watched", "slow", "flight", "connect"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *parts, "--quick", "--no-peer", "--rounds", "1"],
        capture_output=True, text=True, check=False, timeout=TIMEOUT, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    cells = [[cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[1] for row in cells[1:]] == [row.label for row in ROWS if row.run.split()[0] in {*parts, "capped"}]
    for label, peer, trio, asyncio, floor, *_ in (row[1:] for row in cells[1:]):
        assert peer == ""
        assert float(trio.replace(",", "")) >= 0, label
        assert float(asyncio.replace(",", "")) >= 0, label
        assert not floor or float(floor.replace(",", "")) >= 0, label


def test_the_steps_of_a_call_are_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.steps"], capture_output=True, text=True, check=False, timeout=TIMEOUT, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in done.stdout.splitlines()[2:]]
    *steps, (_, whole) = rows
    assert len(steps) == 4
    assert sum(float(each) for _, each in steps) == pytest.approx(float(whole), abs=0.05)


def test_the_server_in_python_says_the_same_as_the_one_in_c(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    requests: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {}},
        {"jsonrpc": "2.0", "method": "initialized"},
        {"jsonrpc": "2.0", "id": 8, "method": "turn/start", "params": {"prompt": PROMPT}},
        {"jsonrpc": "2.0", "id": 9, "method": "no/such", "params": {}},
    ]
    text = "".join(json.dumps(request) + "\n" for request in requests)
    program, data = tmp_path / "runtime", tmp_path / "data"
    write_data(data, methods=["turn/start"], events=5, text_size=1000)
    source = BENCH / "server" / "runtime.c"
    subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-o", program, source], check=True, timeout=TIMEOUT)
    said = [
        subprocess.run(
            command, input=text, env={**os.environ, "BENCH_DATA": str(data)}, capture_output=True, text=True,
            check=True, timeout=TIMEOUT,
        ).stdout.splitlines()
        for command in ([str(program)], [sys.executable, str(source.with_suffix(".py"))])
    ]  # fmt: skip
    for lines in said:
        answer = json.loads(lines[6])
        assert len(answer["result"].pop("text")) == 20  # the moment at which it was written
        lines[6] = json.dumps(answer)
    assert said[0] == said[1]
    assert len(said[0]) == 8


def test_a_target_is_met_by_both_event_loops_or_missed() -> None:
    def verdict(row: Row, **ours: float) -> str:
        return table.Line(row, 100.0, ours, 2000.0).verdict

    faster = Row("x", "x", "faster", at_least(3))
    assert verdict(faster, trio=300.0, asyncio=301.0) == "pass"
    assert verdict(faster, trio=299.0, asyncio=301.0) == "**miss** on trio"
    assert verdict(faster, trio=299.0, asyncio=299.0) == "**miss**"
    cheaper = Row("x", "x", "cheaper", at_most(0.5))
    assert verdict(cheaper, trio=50.0, asyncio=51.0) == "**miss** on asyncio"
    assert verdict(Row("x", "x", "untold"), trio=1.0) == ""
    stream = next(row for row in ROWS if row.label == "stream, events/s")
    assert verdict(stream, trio=1300.0, asyncio=1100.0) == "**miss** on asyncio"  # of the floor
    absolute = next(row for row in ROWS if row.target is not None and row.target.text == "<= 5")
    assert verdict(absolute, trio=5.0, asyncio=4.0) == "pass"


def test_medians_count() -> None:
    rounds = [{"rate": 5.0, "cpu": 1.0}, {"rate": 1.0, "cpu": 9.0}, {"rate": 4.0, "cpu": 2.0}]
    lines = table.lines({"stream": {"peer": rounds, "trio": rounds, "asyncio": rounds, "floor": rounds}})
    assert [(line.peer, line.ours, line.floor) for line in lines] == [
        (4.0, {"trio": 4.0, "asyncio": 4.0}, 4.0),
        (2.0, {"trio": 2.0, "asyncio": 2.0}, 2.0),
    ]
