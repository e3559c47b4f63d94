"""One event loop is enough: on trio the package works where asyncio cannot be imported, and on asyncio without trio."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 60.0

PROGRAM = """
import sys

LOOP, FORBIDDEN = sys.argv[1:]

class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == FORBIDDEN:
            raise ImportError(f"{name} is forbidden")

sys.meta_path.insert(0, Forbid())

import anyio
from meerkat import DeadlineExceededError, MeerkatClient

TOOL = '{"script": [{"tool": "add", "args": {"a": 1, "b": 2}}, {"text": "done"}]}'

async def main():
    async with MeerkatClient(runtime="embedded") as client:
        @client.tool
        def add(a: int, b: int) -> int:
            return a + b

        session = await client.create_session(TOOL)
        print(session.text, session.tool_calls)
        async with await session.subscribe_events() as subscription:
            print(*await session.stream("streamed").collect_text())
            await anext(subscription)
        try:
            await client.with_timeout(0.1).start_turn(session.id, '{"script": [{"sleep": 50}]}')
        except DeadlineExceededError:
            print("in time")
        async with session.stream('{"script": [{"text": "begun"}, {"sleep": 50}]}') as events:
            async for event in events:
                break
    print(client.return_code)

anyio.run(main, backend=LOOP)
assert FORBIDDEN not in sys.modules
"""


@pytest.mark.requirement("G06")
@pytest.mark.parametrize(("loop", "forbidden"), [("trio", "asyncio"), ("asyncio", "trio")])
def test_one_loop_works_without_the_other(loop: str, forbidden: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), loop, forbidden]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    done_with_tool, streamed, in_time, return_code = done.stdout.splitlines()
    assert done_with_tool == "done 1"
    assert streamed.startswith("echo: streamed RunResult(")
    assert (in_time, return_code) == ("in time", "0")
