"""What the checks of a commit look at: all of the package, its generated part included, and strictly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
TOOLS: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
PACKAGE: Final = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "src" / "meerkat").rglob("*.py"))


@pytest.mark.requirement("G03")
def test_mypy_is_strict_and_leaves_nothing_of_the_package_out() -> None:
    settings = TOOLS["mypy"]
    assert settings["strict"] is True
    assert "src" in settings["files"]
    left_out = [path for path in PACKAGE if any(re.search(pattern, path) for pattern in settings.get("exclude", []))]
    assert left_out == []
    loosened = {name for override in settings.get("overrides", []) for name in [override["module"]]}
    assert not {name for name in loosened if str(name).startswith("meerkat")}


@pytest.mark.requirement("G03")
def test_pyright_is_strict_and_leaves_nothing_of_the_package_out() -> None:
    settings = TOOLS["pyright"]
    assert settings["typeCheckingMode"] == "strict"
    assert "src" in settings["include"]
    assert not any(path.startswith("src") for path in settings.get("exclude", []))
    assert not settings.get("ignore")
    assert {key for key, value in settings.items() if key.startswith("report") and not value} == {"reportPrivateUsage"}


@pytest.mark.requirement("G03")
def test_no_file_of_the_package_switches_the_checks_off() -> None:
    switches = re.compile(
        r"#\s*(mypy:\s*ignore-errors|type:\s*ignore\s*$|pyright:\s*(basic|strict=false|ignore\s*$))", re.MULTILINE
    )
    assert [path for path in PACKAGE if switches.search((ROOT / path).read_text("utf-8"))] == []


@pytest.mark.requirement("G01", "G03")
def test_a_commit_runs_both_checkers_and_the_check_of_what_is_generated() -> None:
    recipes = dict(re.findall(r"^([a-z]+):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert "-m mypy" in recipes["types"]
    assert "-m pyright" in recipes["types"]
    assert "-m codegen check" in recipes["check"]
    steps = re.findall(r"^make ([a-z]+)$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    assert {"types", "check"} <= set(steps)
