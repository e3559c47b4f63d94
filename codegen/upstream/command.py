"""``python -m codegen upstream``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codegen import pipeline
from codegen.problems import ContractError
from codegen.upstream import report
from codegen.upstream.corrections import read_corrections
from codegen.upstream.folder import Folder, UnusableError
from codegen.upstream.walk import Walk
from codegen.upstream.work import Work

if TYPE_CHECKING:
    import argparse

AS_RECORDED, WORK, UNUSABLE = 0, 1, 2
_CONTRACT = Path(__file__).resolve().parents[2] / "contract"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `upstream`."""
    parser.add_argument("published", type=Path, metavar="DIR", help="directory of the schemas that a runtime publishes")
    parser.add_argument(
        "--contract", type=Path, default=_CONTRACT, metavar="DIR", help="directory of the contract and its corrections"
    )
    parser.add_argument("--unreached", action="store_true", help="list the published types that nothing needs")


def run(options: argparse.Namespace) -> int:
    """Run `upstream` and return its exit status."""
    return upstream(options.published, options.contract, unreached=options.unreached)


def upstream(published: Path, contract: Path, *, unreached: bool = False) -> int:
    """Print what a bump to the published schemas of a directory would have to take over.

    Args:
        published: The directory.
        contract: Directory of the contract and its corrections.
        unreached: Whether to list the published types that nothing needs.

    Returns:
        0 when nothing differs but what is recorded, 1 when there is work, 2 when the input cannot be used.
    """
    try:
        folder = Folder(published)
        topics = read_corrections(contract)
        loaded, text = pipeline.read(contract)
    except (ContractError, UnusableError) as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    walk = Walk(folder, loaded, json.loads(text))
    work = Work(walk, topics)
    for line in report.lines(work, walk, (folder.version, loaded.version)):
        print(line)
    if unreached:
        print("\n".join(report.unreached_lines(work)))
    return WORK if work.any else AS_RECORDED
