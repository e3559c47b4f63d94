"""What is shipped: the wheel's content, and what an import costs and loads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

IMPORT_BUDGET_MS = 60
"""What `import meerkat` may cost of the processor's time beside a bare interpreter, nothing else loaded."""


def run(command: list[str | Path]) -> str:
    """Run a command; on failure, show what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, f"{command} exited with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    out = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", out, "."])
    (built,) = out.glob("*.whl")
    return built


@pytest.mark.requirement("G03")
def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    source = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "meerkat").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    packed = {name for name in names if ".dist-info/" not in name}
    assert packed == source
    assert "meerkat/py.typed" in packed
    licenses = {Path(name).name for name in names if "/licenses/" in name}
    assert licenses == {"LICENSE-MIT", "LICENSE-APACHE"}


def test_the_metadata_say_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(archive.read(name).decode())
        (scripts,) = (name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt"))
        commands = archive.read(scripts).decode()
    requirements = {text.split(">")[0] for text in metadata.get_all("Requires-Dist", [])}
    assert metadata["Name"] == "meerkat-sdk"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert requirements == {"anyio", "msgspec", "trio"}
    assert "meerkat-embedded = meerkat.embedded.__main__:main" in commands


def test_the_version_is_the_contract_version(wheel: Path) -> None:
    contract = json.loads((ROOT / "contract" / "openrpc.json").read_text())["info"]["version"]
    assert wheel.name.split("-")[1].split(".post")[0] == contract


@pytest.mark.requirement("G04")
def test_an_import_loads_no_event_loop() -> None:
    loaded = run([sys.executable, "-c", "import meerkat, sys; print(*sorted(sys.modules))"]).split()
    assert "meerkat" in loaded
    assert {"asyncio", "trio", "anyio", "ssl"}.isdisjoint(loaded)


@pytest.mark.requirement("G04")
def test_an_import_stays_within_its_budget() -> None:
    program = "import time; t = time.process_time(); import meerkat; print((time.process_time() - t) * 1000)"
    run([sys.executable, "-c", program])  # compiles what is not compiled yet
    taken: list[float] = []
    # Time of the processor, and as many tries as it takes to meet a quiet moment: other tests run beside this one.
    while len(taken) < 30 and min(taken, default=IMPORT_BUDGET_MS + 1) > IMPORT_BUDGET_MS:
        taken.append(float(run([sys.executable, "-c", program])))
    assert min(taken) <= IMPORT_BUDGET_MS, taken


@pytest.mark.requirement("G05")
@pytest.mark.parametrize("versions", ["newest", "oldest"])
def test_a_clean_environment_with_the_wheel_alone_runs_the_quick_start(
    wheel: Path, tmp_path: Path, versions: str
) -> None:
    """With the newest versions of what it depends on, and with the oldest that it says it works with."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    oldest = tmp_path / "oldest.txt"
    oldest.write_text("\n".join(lowest_versions()) if versions == "oldest" else "")
    run([sys.executable, "-m", "pip", "--quiet", "--python", python, "install", "--constraint", oldest, wheel])
    for example in ("quickstart.py", "quickstart_asyncio.py"):
        said = run([python, "-I", ROOT / "examples" / example])
        assert said == run([sys.executable, ROOT / "examples" / example])
    for backend in ("trio", "asyncio"):
        assert run([python, "-m", "tests.support.journey", backend, tmp_path / "state"]) == "arrived\n"


@pytest.mark.requirement("G06")
def test_on_asyncio_trio_need_not_be_installed(wheel: Path, tmp_path: Path) -> None:
    """Neither for the client nor for the embedded runtime that it starts."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install: list[str | Path] = [sys.executable, "-m", "pip", "--quiet", "--python", python, "install"]
    run([*install, *(dependency for dependency in dependencies() if not dependency.startswith("trio"))])
    run([*install, "--no-deps", wheel])
    run([python, "-c", "import importlib.util as u; assert not u.find_spec('trio')"])
    assert run([python, "-I", ROOT / "examples" / "quickstart_asyncio.py"])
    assert run([python, "-m", "tests.support.journey", "asyncio", tmp_path / "state"]) == "arrived\n"


@pytest.mark.requirement("G05")
def test_the_supported_versions_are_those_that_are_tested() -> None:
    text = "Programming Language :: Python :: "
    named = [name.removeprefix(text) for name in PROJECT["project"]["classifiers"] if name.startswith(text)]
    tested = [name for name in PROJECT["tool"]["tox"]["env_list"] if name[0].isdigit()]
    assert named == tested
    assert PROJECT["project"]["requires-python"] == f">={named[0]}"
    said = re.search(r"^CPython (.*) are tested", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert said
    assert re.split(", | and ", said[1]) == named


def dependencies() -> list[str]:
    """The run-time dependencies, each with its lower bound."""
    found: list[str] = PROJECT["project"]["dependencies"]
    return found


def lowest_versions() -> list[str]:
    """The run-time dependencies, each at its lower bound."""
    assert all(">=" in dependency for dependency in dependencies())
    return [dependency.replace(">=", "==") for dependency in dependencies()]
