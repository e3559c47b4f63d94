"""Which program is started, and that it gets its arguments as they are: no shell, no accident of a directory."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from meerkat import InvalidArgumentError, MeerkatClient, RuntimeNotFoundError, RuntimeStartError
from meerkat._launch import command, options
from tests.support import runtime as runtimes

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE: Final = Path(__file__).resolve().parents[2] / "src" / "meerkat"

HOSTILE: Final = [
    "with space",
    "; touch executed",
    "$(touch executed)",
    "`touch executed`",
    "&& touch executed",
    "| touch executed",
    "> executed",
    "a\ntouch executed",
    "'\"",
    "*",
    "~",
    "${HOME}",
    "%PATH%",
    "--realm=other",
    "-",
    "",
]
"""Texts that mean something to a shell, or to whoever looks for options."""

TELLS: Final = """\
#!{python}
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ.get("GIVEN"), os.getcwd()]), file=sys.stderr)
"""


def program(path: Path) -> Path:
    """Make a program that tells its arguments, an environment variable and its directory."""
    path.write_text(TELLS.format(python=sys.executable))
    path.chmod(0o755)
    return path


def executed(directory: Path) -> list[Path]:
    """What the commands that stand in the arguments would leave behind."""
    return list(directory.rglob("executed"))


async def told(client: MeerkatClient, **given: str) -> tuple[list[str], str, str]:
    """What the program was given."""
    with pytest.raises(RuntimeStartError) as caught:
        await client.connect(**given)  # type: ignore[arg-type]  # names of options
    arguments, variable, directory = json.loads(caught.value.stderr_tail)
    return arguments, variable, directory


@pytest.mark.parametrize("name", ["plain", *(text.replace("/", "") for text in HOSTILE if text not in {"-", ""})])
@pytest.mark.requirement("T12")
async def test_everything_is_taken_literally(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / name
    directory.mkdir()
    monkeypatch.chdir(tmp_path)
    path = program(directory / name)
    client = MeerkatClient(path, args=HOSTILE, env={"GIVEN": name}, cwd=directory)
    arguments, variable, where = await told(client, realm_id=name, state_root=name)
    dashed = name.startswith("-")
    expected = [f"--realm={name}", f"--state-root={name}"] if dashed else ["--realm", name, "--state-root", name]
    assert arguments == [*expected, *HOSTILE]
    assert (variable, where) == (name, str(directory))
    monkeypatch.setenv("MEERKAT_BIN_PATH", str(path))
    assert (await told(MeerkatClient()))[0] == []
    monkeypatch.delenv("MEERKAT_BIN_PATH")
    assert (await told(MeerkatClient(name, env={"PATH": str(directory)})))[0] == []
    assert executed(tmp_path) == []


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.requirement("T12")
def test_no_value_of_an_option_is_an_option(value: str) -> None:
    given = options(
        realm_id=value, instance_id=value, realm_backend=value, isolated=False, state_root=value, context_root=value,
        user_config_root=value, live_ws=value,
    )  # fmt: skip
    values = [text.partition("=")[2] if text.startswith("--") and "=" in text else text for text in given]
    assert set(values) - {text for text in given if text.startswith("--")} <= {value}
    assert all(text.partition("=")[0] in KNOWN for text in given if text.startswith("-") and text != value)


KNOWN: Final = {
    "--realm", "--instance", "--realm-backend", "--state-root", "--context-root", "--user-config-root", "--live-ws",
}  # fmt: skip

FORBIDDEN: Final = {
    "os.system", "os.popen", "os.startfile", "os.execvp", "os.execlp", "os.spawnlp", "os.spawnvp", "eval", "exec",
    "compile", "__import__", "pickle", "marshal", "shelve", "yaml", "ctypes", "subprocess.getoutput",
    "subprocess.getstatusoutput", "subprocess.run", "subprocess.call", "subprocess.check_output", "tempfile.mktemp",
}  # fmt: skip


def dotted(node: ast.AST) -> str:
    """A name as it is written: ``os.system``."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def uses(source: str) -> Iterator[str]:
    """What of the forbidden a module uses."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            names = [dotted(node.func)]
            names += ["shell" for keyword in node.keywords if keyword.arg == "shell"]
        yield from (name for name in names if name in FORBIDDEN | {"shell"} or name.partition(".")[0] in FORBIDDEN)


@pytest.mark.requirement("T12")
def test_no_shell_and_no_code_from_data() -> None:
    found = {str(path.relative_to(SOURCE)): list(uses(path.read_text("utf-8"))) for path in SOURCE.rglob("*.py")}
    assert len(found) > 150
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from os import system", "import os; os.system('x')", "eval('1')", "Popen('x', shell=True)"],
)
def test_the_search_finds_it(line: str) -> None:
    assert list(uses(line))


# Where the program comes from


def start_of(environment: dict[str, str], rkat_path: str = "rkat-rpc") -> str:
    """The program that would be started."""
    (path,) = command(rkat_path, None, environment)
    return path


@pytest.mark.parametrize("entry", [".", "", "bin", "./bin", "../here/bin", "bin/../bin"])
def test_a_relative_entry_of_path_decides_nothing(entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    (here / "bin").mkdir(parents=True)
    for planted in (here / "rkat-rpc", here / "bin" / "rkat-rpc"):
        program(planted)
    monkeypatch.chdir(here)
    with pytest.raises(RuntimeNotFoundError, match="Relative entries of PATH are not searched"):
        start_of({"PATH": entry})
    real = tmp_path / "real"
    real.mkdir()
    wanted = str(program(real / "rkat-rpc"))
    assert start_of({"PATH": os.pathsep.join([entry, str(real), entry])}) == wanted


def test_the_current_directory_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "rkat-rpc")
    monkeypatch.chdir(tmp_path)
    for environment in ({}, {"PATH": ""}, {"PATH": "/nowhere"}):
        with pytest.raises(RuntimeNotFoundError):
            start_of(environment)
    for named in ("rkat-rpc", "./rkat-rpc", f"../{tmp_path.name}/rkat-rpc"):
        with pytest.raises(InvalidArgumentError, match=r"MEERKAT_BIN_PATH .* absolute path"):
            start_of({"MEERKAT_BIN_PATH": named, "PATH": str(tmp_path)})
    assert start_of({"MEERKAT_BIN_PATH": str(tmp_path / "rkat-rpc")}) == str(tmp_path / "rkat-rpc")
    # Whoever writes a path into the program means it.
    assert start_of({}, "./rkat-rpc") == str(tmp_path / "rkat-rpc")


def test_what_is_no_program_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "rkat-rpc").write_text("data")
    with pytest.raises(RuntimeNotFoundError):
        start_of({"PATH": str(tmp_path)})


async def test_the_embedded_runtime_imports_nothing_from_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "msgspec", "meerkat", "typing"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\nraise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    async with MeerkatClient(runtime="embedded", cwd=tmp_path, env={"HOME": str(tmp_path)}) as client:
        assert client.server_info.name == "meerkat-embedded"
    assert not (tmp_path / "executed").exists()


# What is built is verified before it runs


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with a program and the receipt of its build; running it is noticed."""
    builder = runtimes._builder()
    version: str = builder.contract_version()
    target = tmp_path / "meerkat" / "runtime" / version
    path = target / "bin" / "rkat-rpc"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho run >>{tmp_path}/executed\necho rkat-rpc {version}\n")
    path.chmod(0o755)
    (target / "receipt.json").write_text(json.dumps({"sha256": builder.sha256(path), "version": version}))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("MEERKAT_BIN_PATH", raising=False)
    return path


def make_runtime() -> subprocess.CompletedProcess[str]:
    """What ``make runtime`` runs; there is no cargo on the PATH, so it cannot build."""
    script = runtimes.ROOT / "scripts" / "build_runtime.py"
    return subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)


def test_a_program_that_fits_its_receipt_is_used(cached: Path, tmp_path: Path) -> None:
    assert runtimes.find_real() == cached
    done = make_runtime()
    assert (done.returncode, done.stdout.strip()) == (0, str(cached))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("tampering", ["appended", "replaced", "no receipt", "broken receipt", "other version"])
def test_a_program_that_does_not_is_not_run(cached: Path, tmp_path: Path, tampering: str) -> None:
    assert runtimes.find_real() == cached
    receipt = cached.parent.parent / "receipt.json"
    match tampering:
        case "appended":
            cached.write_text(cached.read_text() + "#")
        case "replaced":
            # As large and as old as the one before.
            status = cached.stat()
            cached.unlink()
            cached.write_text("#" * status.st_size)
            cached.chmod(0o755)
            os.utime(cached, ns=(status.st_atime_ns, status.st_mtime_ns))
        case "no receipt":
            receipt.unlink()
        case "broken receipt":
            receipt.write_text("{")
        case _:
            receipt.write_text(json.dumps({**json.loads(receipt.read_text()), "version": "0.0.1"}))
    with pytest.raises(runtimes.UnverifiedError, match=r"receipt.*It is not run; `make runtime` builds it again"):
        runtimes.find_real()
    done = make_runtime()
    assert done.returncode != 0
    assert "receipt" in done.stderr
    assert "it is built again" in done.stderr
    assert "cargo is not on PATH" in done.stderr
    assert not (tmp_path / "executed").exists()
