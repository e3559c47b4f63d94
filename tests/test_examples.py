"""The examples run, say what the README says they say, and the README quotes nothing but them."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from meerkat import MeerkatClient

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
README = (ROOT / "README.md").read_text()
TIMEOUT = 60.0

TOUR = {
    "text_as_it_comes": "echo: |Say |hello|echo: Say hello\n",
    "only_the_text": "echo: Are you there? 6\n",
    "several_at_once": "['echo: one', 'echo: three', 'echo: two']\n",
    "leaving_early": "echo: Still there?\n",
    "errors": "-32001 session/read\nllm\n",
    "following_a_session": "heard: echo: Anything new?\n",
    "history": "3 {'topic': 'greeting'}\nuser: Hello\nmodel: echo: Hello\n",
    "any_method": "{'sessions': []}\nsqlite\n",
}
"""What each topic of the tour prints."""


def output_of(example: str) -> str:
    """Run an example on the embedded runtime, as a user would."""
    environment = {key: value for key, value in os.environ.items() if key != "MEERKAT_RUNTIME"}
    done = subprocess.run(
        [sys.executable, EXAMPLES / example],
        capture_output=True, text=True, check=False, timeout=TIMEOUT, env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", ["quickstart.py", "quickstart_asyncio.py"])
def test_the_quick_start_prints_what_the_readme_shows(example: str) -> None:
    assert output_of(example) in blocks("text")


def test_the_tour_runs() -> None:
    assert output_of("tour.py") == "".join(f"-- {name.replace('_', ' ')}\n{said}" for name, said in TOUR.items())


@pytest.mark.parametrize("anyio_backend", ["trio"], indirect=True)
@pytest.mark.parametrize("topic", TOUR)
async def test_the_tour_is_the_same_on_both_runtimes(
    client: MeerkatClient, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show: Any = runpy.run_path(str(EXAMPLES / "tour.py"))[topic]
    await show(client)
    assert capsys.readouterr().out == TOUR[topic]


@pytest.mark.parametrize("block", blocks("python"))
def test_the_readme_quotes_the_examples(block: str) -> None:
    quoted = block.rstrip("\n").split("\n")
    for path in EXAMPLES.glob("*.py"):
        source = path.read_text().split("\n")
        windows = (source[start : start + len(quoted)] for start in range(len(source) - len(quoted) + 1))
        if any(textwrap.dedent("\n".join(window)) == "\n".join(quoted) for window in windows):
            return
    pytest.fail(f"no example holds these lines:\n{block}")


def test_every_example_has_a_test() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"quickstart.py", "quickstart_asyncio.py", "tour.py"}
