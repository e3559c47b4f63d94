"""Command line: ``python -m codegen bundle | regen | check | lint | diff | upstream``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codegen import emit, pipeline
from codegen.diff import command as diff
from codegen.lint import rules
from codegen.problems import ContractError
from codegen.types import GeneratorError
from codegen.upstream import command as upstream
from codegen.upstream.document import page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codegen.ir import Contract

_REFERENCE = "reference"
_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 fine, 1 something is wrong with contract or files, 2 bad input."""
    options = _parser().parse_args(arguments)
    if options.command == "diff":
        return diff.run(options)
    if options.command == "upstream":
        return upstream.run(options)
    if options.command == "lint" and options.rules:
        print("\n".join(rules.lines()))
        return 0
    command = {"bundle": _bundle, "regen": _regen, "check": _check, "lint": _lint}[options.command]
    try:
        return command(_Places.of(options))
    except ContractError as error:
        print(error, file=sys.stderr)
        print(f"{len(error.problems)} problem(s) in the contract", file=sys.stderr)
    except GeneratorError as error:
        print(error, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--contract", type=Path, metavar="DIR", help="directory of the contract")
    common.add_argument(
        "--out", type=Path, metavar="DIR", help="directory of the generated package, inside the one written by hand"
    )
    common.add_argument(
        "--docs",
        type=Path,
        metavar="DIR",
        help="directory of the generated pages; with --contract or --out there are none unless it is given",
    )
    parser = argparse.ArgumentParser(prog="python -m codegen", description="Generates the package from the contract.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("bundle", parents=[common], help="merge the YAML files into openrpc.json")
    commands.add_parser("regen", parents=[common], help="bundle and write the package anew")
    commands.add_parser("check", parents=[common], help="compare what is there with what would be written")
    lint = commands.add_parser("lint", parents=[common], help="check the contract")
    lint.add_argument("--rules", action="store_true", help="list the house rules and do nothing else")
    diff.add_arguments(commands.add_parser("diff", help="tell what has changed from one contract to another"))
    upstream.add_arguments(
        commands.add_parser("upstream", help="tell what newer published schemas ask of the contract")
    )
    return parser


class _Places(NamedTuple):
    """Where everything is. Pages that belong to one contract are never written over those of another."""

    contract: Path
    out: Path
    docs: Path | None

    @classmethod
    def of(cls, options: argparse.Namespace) -> _Places:
        elsewhere = options.contract is not None or options.out is not None
        return cls(
            options.contract or _ROOT / "contract",
            options.out or _ROOT / "src" / "meerkat" / "_generated",
            options.docs or (None if elsewhere else _ROOT / "docs"),
        )

    @property
    def bundled(self) -> Path:
        return self.contract / "openrpc.json"


def _bundle(places: _Places) -> int:
    _, text = pipeline.read(places.contract)
    places.bundled.write_text(text, "utf-8", newline="\n")
    return 0


def _regen(places: _Places) -> int:
    contract, text = pipeline.read(places.contract)
    files = pipeline.render(contract)
    pages = _pages(places, contract, files)
    corrections = page(places.contract)
    places.bundled.write_text(text, "utf-8", newline="\n")
    emit.add(corrections, places.contract)
    emit.write(files, places.out)
    if places.docs is not None:
        emit.write(pages, places.docs / _REFERENCE)
        emit.add(_documents(), places.docs)
    return 0


def _check(places: _Places) -> int:
    contract, text = pipeline.read(places.contract)
    files = pipeline.render(contract)
    bundled = {places.bundled.name: text, **page(places.contract)}
    present = {
        name: (places.contract / name).read_text("utf-8") for name in bundled if (places.contract / name).exists()
    }
    difference = emit.differences(bundled, present, places.contract.name)
    difference += emit.differences(files, emit.present(places.out), places.out.name)
    if places.docs is not None:
        reference = places.docs / _REFERENCE
        difference += emit.differences(_pages(places, contract, files), emit.present(reference), reference.name)
        documents = _documents()
        there = {name: (places.docs / name).read_text("utf-8") for name in documents if (places.docs / name).exists()}
        difference += emit.differences(documents, there, places.docs.name)
    if difference:
        print(difference, end="")
        print("The generated files are not those of the contract; run `make regen`.", file=sys.stderr)
        return 1
    return 0


def _lint(places: _Places) -> int:
    contract, _ = pipeline.read(places.contract)
    _pages(places, contract, pipeline.render(contract))
    return 0


def _pages(places: _Places, contract: Contract, files: Mapping[str, str]) -> dict[str, str]:
    """Return the pages of the reference; none where there is no place for them."""
    if places.docs is None:
        return {}
    written = {path.name: path.read_text("utf-8") for path in sorted(places.out.parent.glob("*.py"))}
    return pipeline.render_pages(contract, files, written)


def _documents() -> dict[str, str]:
    """Return the other generated pages."""
    return {"rules.md": rules.page()}
