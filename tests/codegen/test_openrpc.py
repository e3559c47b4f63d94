"""The bundled document is OpenRPC 1.3 and every type in it is JSON Schema 2020-12."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from codegen import pipeline
from tests.codegen.small import GOLDEN, ROOT

DOCUMENTS = {"small": GOLDEN / "openrpc.json", "real": ROOT / "contract" / "openrpc.json"}
PACKAGES = ("@open-rpc/spec@1.4.1", "@json-schema-tools/meta-schema@1.8.0")


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Either document."""
    return load(DOCUMENTS[request.param])


def _install() -> Path:
    """Install the published meta-schemas once, into the user's cache, and return their directory."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meerkat" / "npm"
    modules = cache / "node_modules"
    if not all((modules / package.rpartition("@")[0]).is_dir() for package in PACKAGES):
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, so the published meta-schema of OpenRPC cannot be fetched")
        cache.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(cache), "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            pytest.skip(f"npm cannot install the published meta-schema of OpenRPC: {done.stderr.strip()[-200:]}")
    return modules


@pytest.fixture(scope="module")
def openrpc() -> Any:
    """A validator of OpenRPC 1.3 documents."""
    modules = _install()
    meta = load(modules / "@json-schema-tools" / "meta-schema" / "schema.json")
    schema = load(modules / "@open-rpc" / "spec" / "dist" / "1_3" / "schema.json")
    resource: Resource[Any] = DRAFT7.create_resource(meta)
    # The meta-schema calls itself by its address with a slash at the end, and is referred to without.
    addresses = ("https://meta.json-schema.tools", "https://meta.json-schema.tools/")
    registry = Registry[Any]().with_resources([(address, resource) for address in addresses])
    return Draft7Validator(schema, registry=registry)


def faults(validator: Any, document: Any) -> list[str]:
    return [f"/{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(document)]


def test_document_is_openrpc(openrpc: Any, document: dict[str, Any]) -> None:
    assert faults(openrpc, document) == []


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), "surprise", 1),
        (("methods", 0), "surprise", 1),
        (("methods", 0), "params", None),
        (("components", "errors", "NotFound"), "x-python", {}),
        (("info",), "version", 1),
    ],
)
def test_validator_can_fail(openrpc: Any, path: tuple[str | int, ...], key: str, value: object) -> None:
    document = load(DOCUMENTS["small"])
    place: Any = document
    for part in path:
        place = place[part]
    place[key] = value
    assert faults(openrpc, document)


def test_types_are_json_schema(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert faults(Draft202012Validator(Draft202012Validator.META_SCHEMA), schema) == [], name


def test_schema_validator_can_fail() -> None:
    schema = load(DOCUMENTS["small"])["components"]["schemas"]["Book"]
    assert faults(Draft202012Validator(Draft202012Validator.META_SCHEMA), {**schema, "required": "title"})


def test_document_is_canonical(document: dict[str, Any], request: pytest.FixtureRequest) -> None:
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    path = DOCUMENTS[request.node.callspec.params["document"]]
    assert path.read_bytes() == text.encode()
    assert [method["name"] for method in document["methods"]] == sorted(m["name"] for m in document["methods"])
    assert {method["paramStructure"] for method in document["methods"]} == {"by-name"}


def test_generated_code_names_the_document() -> None:
    contract, text = pipeline.read(ROOT / "contract")
    assert text == DOCUMENTS["real"].read_text("utf-8")
    assert contract.sha256 in (ROOT / "src" / "meerkat" / "_generated" / "contract.py").read_text("utf-8")
