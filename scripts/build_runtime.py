"""Build ``rkat-rpc`` from its published crates into a cache outside the repository.

A plain ``cargo install`` mixes versions: the published crate names its siblings with a caret, so cargo takes their
newest release. Here every sibling is pinned to the contract's version, which gives the program that the contract
describes. The optimiser is off because it needs over ten minutes for single generated functions, and tests do not
need its speed.

Prints the path of the program; does nothing when a program with a matching receipt is in the cache already. What is
compiled is what crates.io published: cargo checks each crate that it downloads against the checksum in the registry's
index. The receipt holds the digest of what was built, and everybody who runs the cached program compares them first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATE = "meerkat-rpc"
BINARY = "rkat-rpc"

# Crates that the runtime consists of. Those that only a sibling names must be pinned as well.
SIBLINGS = (
    "meerkat", "meerkat-anthropic", "meerkat-auth-core", "meerkat-client", "meerkat-comms", "meerkat-contracts",
    "meerkat-core", "meerkat-gemini", "meerkat-hooks", "meerkat-live", "meerkat-llm-core", "meerkat-machine-derive",
    "meerkat-machine-dsl", "meerkat-machine-dsl-core", "meerkat-machine-kernels", "meerkat-machine-schema",
    "meerkat-mcp", "meerkat-mob", "meerkat-mob-mcp", "meerkat-models", "meerkat-openai", "meerkat-providers",
    "meerkat-runtime", "meerkat-schedule", "meerkat-session", "meerkat-skills", "meerkat-store", "meerkat-tools",
)  # fmt: skip


def contract_version() -> str:
    """The version that the contract is pinned to, which is the version to build."""
    info = json.loads((ROOT / "contract" / "openrpc.json").read_text())["info"]
    return str(info["version"])


def cache_root() -> Path:
    """Where built runtimes live: ``$XDG_CACHE_HOME/meerkat/runtime`` or ``~/.cache/meerkat/runtime``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "meerkat" / "runtime"


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fault_of(program: Path, version: str) -> str:
    """Say why the program is not the one that the receipt of its build was written for; nothing when it is."""
    receipt = program.parent.parent / "receipt.json"
    if not program.is_file():
        return f"{program} does not exist"
    try:
        said: object = json.loads(receipt.read_text())
    except (OSError, ValueError) as error:
        return f"{program} has no receipt that can be read ({receipt}: {error})"
    built = {"sha256": sha256(program), "version": version}
    if said != built:
        return f"{program} is not what its receipt {receipt} was written for: {said} there, {built} here"
    return ""


def fetch_source(version: str, work: Path) -> Path:
    """Let cargo download and verify the published crate, and copy its source to ``work``."""
    scratch = work / "scratch"
    (scratch / "src").mkdir(parents=True)
    (scratch / "src" / "lib.rs").touch()
    (scratch / "Cargo.toml").write_text(
        f'[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n{CRATE} = "={version}"\n'
    )
    manifest = str(scratch / "Cargo.toml")
    run(["cargo", "fetch", "--manifest-path", manifest], work)
    out = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--manifest-path", manifest],
        cwd=work, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = [
        Path(p["manifest_path"]).parent
        for p in json.loads(out.stdout)["packages"]
        if p["name"] == CRATE and p["version"] == version
    ]
    if len(found) != 1:
        sys.exit(f"cargo knows {len(found)} packages {CRATE} {version}; exactly one was expected")
    copy = work / "source"
    shutil.copytree(found[0], copy)
    (copy / "Cargo.lock").unlink(missing_ok=True)
    return copy


def pin_siblings(manifest: Path, version: str) -> None:
    """Pin every sibling crate in ``manifest`` to exactly ``version``."""
    text = manifest.read_text()
    named = tomllib.loads(text)["dependencies"]
    for crate in sorted(set(SIBLINGS) & set(named)):
        section = rf"(\[dependencies\.{re.escape(crate)}\]\nversion = )\"[^\"]*\""
        text, count = re.subn(section, rf'\1"={version}"', text)
        if count != 1:
            sys.exit(f"{manifest}: expected one version of {crate}, found {count}")
    for crate in sorted(set(SIBLINGS) - set(named)):
        text += f'\n[dependencies.{crate}]\nversion = "={version}"\n'
    manifest.write_text(text)


def run(command: list[str], cwd: Path, env: dict[str, str] | None = None) -> None:
    """Run a build step; its output goes to stderr, so that stdout stays the program's path."""
    done = subprocess.run(command, cwd=cwd, env=env, stdout=sys.stderr, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])} … failed with exit status {done.returncode}")


def build(version: str, target: Path) -> None:
    """Build the program and put it, with a receipt that holds its digest, into ``target``."""
    if shutil.which("cargo") is None:
        sys.exit("cargo is not on PATH: install Rust 1.94 or newer (https://rustup.rs), then run `make runtime` again")
    with tempfile.TemporaryDirectory(prefix="meerkat-runtime-") as name:
        work = Path(name)
        source = fetch_source(version, work)
        pin_siblings(source / "Cargo.toml", version)
        env = os.environ | {
            "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
            "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "256",
            "CARGO_PROFILE_RELEASE_STRIP": "symbols",
            "CARGO_TARGET_DIR": str(work / "target"),
        }
        run(["cargo", "install", "--path", str(source), "--root", str(work / "out")], work, env)
        built = work / "out" / "bin" / BINARY
        said = subprocess.run([built, "--version"], check=True, capture_output=True, text=True).stdout.strip()
        if said != f"{BINARY} {version}":
            sys.exit(f"built {said!r}, wanted {BINARY} {version}")
        (target / "bin").mkdir(parents=True, exist_ok=True)
        # A rename is atomic: a test run beside this build sees the old program or the new one, never half of it.
        staged = target / "bin" / f".{BINARY}.new"
        shutil.copy2(built, staged)
        receipt = {"sha256": sha256(staged), "version": version}
        staged.rename(target / "bin" / BINARY)
        written = target / ".receipt.new"
        written.write_text(json.dumps(receipt, indent=1) + "\n")
        written.rename(target / "receipt.json")


def main() -> None:
    """Command line: ``build_runtime.py [--version V] [--force]``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="version to build (default: the contract's)")
    parser.add_argument("--force", action="store_true", help="build even if the cache holds the program")
    args = parser.parse_args()
    version = args.version or contract_version()
    target = cache_root() / version
    program = target / "bin" / BINARY
    fault = fault_of(program, version)
    if fault and program.exists():
        print(f"{fault}; it is built again", file=sys.stderr)
    if args.force or fault:
        build(version, target)
    print(program)


if __name__ == "__main__":
    main()
