"""Command line: ``python -m codegen bundle | regen | check | lint | diff``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codegen import emit, pipeline
from codegen.diff import command as diff
from codegen.problems import ContractError
from codegen.types import GeneratorError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 fine, 1 something is wrong with contract or files, 2 bad input."""
    options = _parser().parse_args(arguments)
    if options.command == "diff":
        return diff.run(options)
    command = {"bundle": _bundle, "regen": _regen, "check": _check, "lint": _lint}[options.command]
    try:
        return command(options.contract, options.out)
    except ContractError as error:
        print(error, file=sys.stderr)
        print(f"{len(error.problems)} problem(s) in the contract", file=sys.stderr)
    except GeneratorError as error:
        print(error, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--contract", type=Path, default=_ROOT / "contract", metavar="DIR", help="directory of the contract"
    )
    common.add_argument(
        "--out",
        type=Path,
        default=_ROOT / "src" / "meerkat" / "_generated",
        metavar="DIR",
        help="directory of the generated package",
    )
    parser = argparse.ArgumentParser(prog="python -m codegen", description="Generates the package from the contract.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("bundle", parents=[common], help="merge the YAML files into openrpc.json")
    commands.add_parser("regen", parents=[common], help="bundle and write the package anew")
    commands.add_parser("check", parents=[common], help="compare what is there with what would be written")
    commands.add_parser("lint", parents=[common], help="check the contract")
    diff.add_arguments(commands.add_parser("diff", help="tell what has changed from one contract to another"))
    return parser


def _bundle(contract: Path, _out: Path) -> int:
    _, text = pipeline.read(contract)
    (contract / "openrpc.json").write_text(text, "utf-8", newline="\n")
    return 0


def _regen(contract: Path, out: Path) -> int:
    loaded, text = pipeline.read(contract)
    files = pipeline.render(loaded)
    (contract / "openrpc.json").write_text(text, "utf-8", newline="\n")
    emit.write(files, out)
    return 0


def _check(contract: Path, out: Path) -> int:
    loaded, text = pipeline.read(contract)
    files = pipeline.render(loaded)
    bundled = contract / "openrpc.json"
    found = {bundled.name: bundled.read_text("utf-8")} if bundled.exists() else {}
    difference = emit.differences({bundled.name: text}, found, contract.name)
    difference += emit.differences(files, emit.present(out) if out.exists() else {}, out.name)
    if difference:
        print(difference, end="")
        print("The generated files are not those of the contract; run `make regen`.", file=sys.stderr)
        return 1
    return 0


def _lint(contract: Path, _out: Path) -> int:
    loaded, _ = pipeline.read(contract)
    pipeline.render(loaded)
    return 0
