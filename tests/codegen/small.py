"""The small contract: where it is and how to use it; ``python -m tests.codegen.small`` rewrites the golden files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from codegen import emit, pipeline
from codegen.cli import main
from codegen.problems import ContractError, Problem

ROOT = Path(__file__).resolve().parents[2]
SMALL = Path(__file__).parent / "small"
GOLDEN = Path(__file__).parent / "golden"
GOLDEN_PAGES = Path(__file__).parent / "golden_pages"

# What would be written by hand around the generated package; no module, since what it derives from is not there.
HANDLES = SMALL / "handles.txt"


def copy_to(directory: Path) -> Path:
    """Copy the small contract, with the extensions of the real one, and return its directory."""
    contract = directory / "contract"
    shutil.copytree(SMALL, contract)
    shutil.copy(ROOT / "contract" / "extensions.yaml", contract)
    return contract


def generate(contract: Path) -> dict[str, str]:
    """Return what is generated from a contract, ``openrpc.json`` included."""
    loaded, text = pipeline.read(contract)
    return {"openrpc.json": text, **pipeline.render(loaded)}


def pages(contract: Path) -> dict[str, str]:
    """Return the pages of the reference that are made of a contract and of `HANDLES`."""
    loaded, _ = pipeline.read(contract)
    return pipeline.render_pages(loaded, pipeline.render(loaded), {"client.py": HANDLES.read_text("utf-8")})


def problems_of(contract: Path) -> list[Problem]:
    """Return what is wrong with a contract."""
    try:
        pipeline.read(contract)
    except ContractError as error:
        return error.problems
    return []


def run(command: str, contract: Path, out: Path) -> int:
    """Run a command of the generator."""
    return main([command, "--contract", str(contract), "--out", str(out)])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        small = copy_to(Path(place))
        emit.write(generate(small), GOLDEN)
        emit.write(pages(small), GOLDEN_PAGES)
