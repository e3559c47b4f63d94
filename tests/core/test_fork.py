"""Forked processes: they have copies of everything, and must not end what the program that forked them uses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.core.test_connection import LIMIT

pytestmark = [
    pytest.mark.requirement("T08"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

PROGRAM = """
import atexit, os, sys
import anyio
from meerkat import MeerkatClient

async def main():
    client = MeerkatClient(runtime="embedded")
    async with client:
        held, hold = os.pipe()
        child = os.fork()
        if not child:
            os.close(hold)
            os.read(held, 1)
            if how == "leaves":
                sys.exit()
            atexit._run_exitfuncs()
            os._exit(0)
        if how != "stays":
            os.close(hold)
            os.waitpid(child, 0)
        assert await client.list_sessions() == []
    print(client.diagnostics.return_code)

how = sys.argv[2]
anyio.run(main, backend=sys.argv[1])
"""


@pytest.mark.parametrize(
    ("backend", "how"),
    [
        ("trio", "ends"),
        ("trio", "stays"),
        ("asyncio", "ends"),
        ("asyncio", "stays"),
        ("asyncio", "leaves"),  # through the event loop; trio itself cannot do that
    ],
)
def test_a_forked_process_does_not_touch_the_runtime(backend: str, how: str) -> None:
    """The runtime lives on, and ends by itself as soon as its client closes its input."""
    command = [sys.executable, "-c", PROGRAM, backend, how]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
