"""No file of the repository holds a secret: neither what was recorded nor what is shown as an example."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from meerkat._core.codec import is_array, is_object
from meerkat._core.secrets import is_suspicious

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.requirement("T12")

ROOT: Final = Path(__file__).resolve().parents[2]
RECORDINGS: Final = sorted((ROOT / "tests" / "recordings").glob("*.jsonl"))

PATTERNS: Final = {
    "Anthropic key": r"sk-ant-[A-Za-z0-9_\-]{16,}",
    "OpenAI key": r"\bsk-(?:proj-)?[A-Za-z0-9_\-]{32,}",
    "Google key": r"\bAIza[A-Za-z0-9_\-]{30,}",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9\-]{10,}",
    "AWS key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "PEM": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "JSON web token": r"\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}",
    "bearer": r"(?i)\bbearer\s+[A-Za-z0-9_\-.=]{16,}",
    "address with a password": r"[a-z]+://[^/\s:@\"{}$<>]+:[^/\s:@\"{}$<>]+@",
}
"""What keys look like, whatever they are called."""

READ: Final = ("src", "tests", "codegen", "contract", "docs", "examples", "bench", "scripts")
"""Directories whose files are read; ones at the root are too."""


def matches(text: str) -> Iterator[str]:
    """What in a text looks like a key."""
    for kind, pattern in PATTERNS.items():
        for match in re.finditer(pattern, text):
            yield f"{kind}: {match.group()}"


KEY: Final = "0123456789abcdef" * 3
EXAMPLES: Final = (
    "sk-ant-" + KEY, "sk-" + KEY, "sk-proj-" + KEY, "AIza" + KEY, "ghp_" + KEY, "github_pat_" + KEY, "xoxb-" + KEY,
    "AKIA" + "ABCDEFGH01234567", "-----BEGIN RSA PRIVATE " + "KEY-----", "eyJ" + KEY + ".eyJ" + KEY, "Bearer " + KEY,
    "https://user:" + "word@example.org",
)  # fmt: skip


@pytest.mark.parametrize("key", EXAMPLES)
def test_a_key_is_found(key: str) -> None:
    assert list(matches(json.dumps({"said": f"it is {key} indeed"})))


def test_nothing_in_the_repository_looks_like_a_key() -> None:
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for name in READ:
        files += [path for path in (ROOT / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found: dict[str, list[str]] = {}
    looked_at = 0
    for path in files:
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # no text; a packed one is unpacked by the test that uses it
        looked_at += 1
        if keys := list(matches(text)):
            found[str(path.relative_to(ROOT))] = keys
    assert looked_at > 500
    assert found == {}


HARMLESS: Final = {
    r"\w{1,2}": "too short to be one",
    r"[a-z]+(_[a-z]+)*\d?": "a name",
    r"[a-z]+(-[a-z]+)*-\d{4}-\d\d-\d\d|[a-z]+(-[a-z]+)+": "a name",
    r"ed25519:[A-Za-z0-9+/]{43}=": "a public key",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-root)?(\x00s1)?": "an identifier of a run or a claim that is over",
}
"""What may stand in the recordings under names that promise a secret, and why it is none."""


def named_values(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Texts of a JSON value with the suspicious name that they stand under."""
    if isinstance(value, str) and name:
        yield name, value
    elif is_object(value):
        for key, item in value.items():
            yield from named_values(item, key if is_suspicious(key) else name)
    elif is_array(value):
        for item in value:
            yield from named_values(item, name)


def test_recordings_hold_made_up_secrets_alone() -> None:
    assert len(RECORDINGS) > 20
    used: set[str] = set()
    for path in RECORDINGS:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for name, value in named_values(json.loads(line)):
                pattern = next((pattern for pattern in HARMLESS if re.fullmatch(pattern, value)), None)
                assert pattern is not None, f"{path.name}:{number}: {name} is {value!r}"
                used.add(pattern)
    assert used == HARMLESS.keys()
