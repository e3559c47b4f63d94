"""The house rule asks for a secret exactly where the package would hide one, and the generator needs no package."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from meerkat._core.secret_names import SUSPICIOUS
from meerkat._core.secrets import is_suspicious
from tests.codegen.small import ROOT, problems_of

if TYPE_CHECKING:
    from pathlib import Path

BESIDE = "      - {name: days, description: 'For how long, in days.', schema: {type: integer}}\n"
SPOKEN = re.compile("`([^`]+)` sounds like a secret")

# Each word of the pattern, and what is near to one.
WORDS = {word.strip("_") for word in re.findall("[a-z_]{2,}", SUSPICIOUS)}
NAMES = sorted(
    {f"{word}{end}" for word in WORDS for end in ("", "s", "_value", "_key", "less")}
    | {"code_of_door", "decode", "keyboard", "monkey", "spin", "provider_params", "tokenizer", "authority"}
)


def test_rule_and_package_know_the_same_names(contract: Path) -> None:
    library = contract / "library.yaml"
    text = library.read_text("utf-8")
    assert BESIDE in text
    fields = "".join(f"      - {{name: {name}, description: Some text., schema: {{type: string}}}}\n" for name in NAMES)
    library.write_text(text.replace(BESIDE, BESIDE + fields), "utf-8")
    asked = {name for problem in problems_of(contract) for name in SPOKEN.findall(problem.message)}
    hidden = {name for name in NAMES if is_suspicious(name)}
    assert asked == hidden
    assert {"api_key", "tokens", "headers", "provider_params", "code_of_door", "otp"} <= asked
    assert not {"api", "decode", "keyboard", "monkey", "spin", "authority", "headerless"} & asked


def test_the_generator_does_without_the_package() -> None:
    # The package imports what is generated, which may be broken or missing.
    program = "import sys; sys.modules['meerkat'] = None; from codegen.cli import main; sys.exit(main(['lint']))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
