"""`check` notices every edit, every file too many and every file that is missing; `regen` undoes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codegen import emit, templates, types
from tests.codegen.small import GOLDEN, run


@pytest.fixture
def out(contract: Path, tmp_path: Path) -> Path:
    """The package, freshly generated."""
    directory = tmp_path / "out"
    assert run("regen", contract, directory) == 0
    return directory


def test_fresh_files_pass(contract: Path, out: Path) -> None:
    assert run("check", contract, out) == 0


@pytest.mark.requirement("G01")
def test_edit_of_any_file_fails(contract: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [*sorted(path for path in out.rglob("*.py")), contract / "openrpc.json"]
    assert len(files) == len(emit.present(GOLDEN))
    for path in files:
        before = path.read_text("utf-8")
        path.write_text(f"{before}# edited\n", "utf-8")
        assert run("check", contract, out) == 1, path
        printed = capsys.readouterr()
        assert "-# edited" in printed.out
        assert path.name in printed.out
        assert "make regen" in printed.err
        path.write_text(before, "utf-8")


@pytest.mark.requirement("G01")
def test_edit_of_the_last_newline_fails(contract: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = out / "index.py"
    path.write_text(path.read_text("utf-8").rstrip("\n"), "utf-8")
    assert run("check", contract, out) == 1
    assert "No newline at end of file" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["x = 1\n", ""])
@pytest.mark.requirement("G01")
def test_extra_file_fails(contract: Path, out: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (out / "types" / "extra.py").write_text(content, "utf-8")
    assert run("check", contract, out) == 1
    assert "types/extra.py" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["types/things.py", "calls/__init__.py", "openrpc.json"])
@pytest.mark.requirement("G01")
def test_missing_file_fails(contract: Path, out: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (contract / name if name == "openrpc.json" else out / name).unlink()
    assert run("check", contract, out) == 1
    assert name in capsys.readouterr().out


@pytest.mark.requirement("G01")
def test_edit_of_any_template_fails(
    contract: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of those that make the package; pages have tests of their own."""
    copied = Path(shutil.copytree(Path(templates.__file__).parent, tmp_path / "templates"))
    monkeypatch.setattr(templates, "__file__", str(copied / "__init__.py"))
    monkeypatch.setattr(types, "_STRUCT_TEMPLATES", copied / "structs")
    assert run("check", contract, out) == 0
    edited = sorted(path for path in copied.rglob("*.jinja2") if ".md." not in path.name)
    assert len(edited) >= 10
    for path in edited:
        before = path.read_text("utf-8")
        path.write_text(f"{before}# edited\n", "utf-8")
        assert run("check", contract, out) == 1, path.name
        printed = capsys.readouterr()
        assert "+# edited" in printed.out
        assert "make regen" in printed.err
        path.write_text(before, "utf-8")


@pytest.mark.requirement("G01")
def test_edit_of_the_contract_fails(contract: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = contract / "things.yaml"
    path.write_text(path.read_text("utf-8").replace("description: A stamp.", "description: A seal."), "utf-8")
    assert run("check", contract, out) == 1
    printed = capsys.readouterr().out
    assert '-    """A stamp."""' in printed
    assert '+    """A seal."""' in printed


def test_check_writes_nothing(contract: Path, out: Path) -> None:
    path = out / "index.py"
    path.write_text("edited\n", "utf-8")
    run("check", contract, out)
    assert path.read_text("utf-8") == "edited\n"


def test_regen_rebuilds_the_whole_directory(contract: Path, out: Path) -> None:
    expected = emit.present(out)
    (out / "types" / "extra.py").write_text("x = 1\n", "utf-8")
    (out / "index.py").unlink()
    assert run("regen", contract, out) == 0
    assert emit.present(out) == expected


def test_caches_of_python_do_not_count(contract: Path, out: Path) -> None:
    (out / "types" / "__pycache__").mkdir()
    (out / "types" / "__pycache__" / "things.cpython-311.pyc").write_bytes(b"\xff")
    assert run("check", contract, out) == 0


def test_bundle_writes_the_document_alone(contract: Path, tmp_path: Path) -> None:
    assert run("bundle", contract, tmp_path / "nowhere") == 0
    assert (contract / "openrpc.json").exists()
    assert not (tmp_path / "nowhere").exists()
