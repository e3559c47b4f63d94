"""Each class of bad contract is refused, with rule, file and pointer; several are reported at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.codegen.small import problems_of, run

if TYPE_CHECKING:
    from pathlib import Path


class Spoilt(NamedTuple):
    """One edit of the small contract and the problem that it makes."""

    file: str
    old: str
    new: str
    rule: str
    pointer: str
    says: str = ""
    found_in: str = ""


SCHEMAS = "/components/schemas"

FORMS = {
    "not yaml": Spoilt("things", "components:\n", "components: [\n", "yaml", "/"),
    "duplicate key": Spoilt(
        "things",
        "        title: {type: string}\n",
        "        title: {type: string}\n        title: {type: string}\n",
        "duplicate-key",
        f"{SCHEMAS}/Book/properties/title",
    ),
    "anchor": Spoilt("things", "id: {type: string}", "id: &id {type: string}", "yaml-anchor", f"{SCHEMAS}/Shelf/prop"),
    "date": Spoilt("library", "default: name}", "default: 2024-01-01}", "yaml", "/methods/0/params/2/schema/default"),
    "unknown key of a file": Spoilt(
        "errors", "components:\n", "servers: []\ncomponents:\n", "unknown-keyword", "/servers"
    ),
    "unknown keyword": Spoilt(
        "things",
        "from: {type: integer, minimum: 0}",
        "from: {type: integer, multipleOf: 2}",
        "unknown-keyword",
        f"{SCHEMAS}/Shelf/properties/from/multipleOf",
    ),
    "keyword beside a reference": Spoilt(
        "things",
        "cover: {$ref: '#/components/schemas/Cover'}",
        "cover: {$ref: '#/components/schemas/Cover', minLength: 1}",
        "unknown-keyword",
        f"{SCHEMAS}/Book/properties/cover/minLength",
    ),
    "unknown key of a method": Spoilt(
        "library",
        "    x-mutates: false\n",
        "    x-mutates: false\n    tags: []\n",
        "unknown-keyword",
        "/methods/0/tags",
    ),
    "what bundling adds": Spoilt(
        "library",
        "    x-mutates: false\n",
        "    x-mutates: false\n    paramStructure: by-name\n",
        "unknown-keyword",
        "/methods/0/paramStructure",
    ),
    "boolean schema": Spoilt(
        "things", "get: {type: boolean, default: false}", "get: true", "form", f"{SCHEMAS}/Shelf/properties/get"
    ),
    "unknown type": Spoilt(
        "things", "get: {type: boolean", "get: {type: bool", "form", f"{SCHEMAS}/Shelf/properties/get/type"
    ),
    "unknown format": Spoilt(
        "library", "format: date-time", "format: date", "form", "/methods/2/params/3/schema/format"
    ),
    "array without items": Spoilt(
        "things",
        "list: {type: array, items: {type: string}, default: []}",
        "list: {type: array}",
        "form",
        f"{SCHEMAS}/Shelf/properties/list",
    ),
    "object without properties": Spoilt(
        "things",
        "dict: {type: object, additionalProperties: {type: integer}, default: {}}",
        "dict: {type: object}",
        "form",
        f"{SCHEMAS}/Shelf/properties/dict",
    ),
    "inline struct": Spoilt(
        "things",
        "get: {type: boolean, default: false}",
        "get: {type: object, properties: {a: {type: string}}}",
        "form",
        f"{SCHEMAS}/Shelf/properties/get",
    ),
    "inline union": Spoilt(
        "things",
        "get: {type: boolean, default: false}",
        "get: {anyOf: [{type: string}, {type: integer}]}",
        "form",
        f"{SCHEMAS}/Shelf/properties/get/anyOf",
    ),
    "constant outside a tag": Spoilt(
        "things",
        "str: {type: array, items: {type: array, items: {type: [string, 'null']}}}",
        "str: {type: array, items: {const: a}}",
        "form",
        f"{SCHEMAS}/Shelf/properties/str/items/const",
    ),
    "list of types": Spoilt(
        "things",
        "note: {type: [string, 'null']",
        "note: {type: [string, integer]",
        "form",
        f"{SCHEMAS}/Shelf/properties",
    ),
    "nullable enum without null": Spoilt(
        "things",
        "state: {type: string, enum: [open, closed]",
        "state: {type: [string, 'null'], enum: [open, closed]",
        "form",
        f"{SCHEMAS}/Shelf/properties/state/enum",
    ),
    "enum of numbers": Spoilt("library", "enum: [name, size]", "enum: [1, 2]", "form", f"{SCHEMAS}/Order/enum"),
    "value twice": Spoilt("library", "enum: [name, size]", "enum: [name, name]", "form", f"{SCHEMAS}/Order/enum"),
    "untagged union of one": Spoilt(
        "things", "        - type: string\n        - type: array", "        - type: array", "form", f"{SCHEMAS}/Words"
    ),
    "half a limit of properties": Spoilt("library", "      maxProperties: 1\n", "", "form", f"{SCHEMAS}/Sticker"),
    "exactly one and required": Spoilt(
        "library",
        "      maxProperties: 1\n",
        "      maxProperties: 1\n      required: [Red]\n",
        "form",
        f"{SCHEMAS}/Sticker",
    ),
    "open additional properties": Spoilt(
        "library",
        "      additionalProperties: false\n      required: [id]",
        "      additionalProperties: {}\n      required: [id]",
        "form",
        f"{SCHEMAS}/BookInput/additionalProperties",
    ),
    "required and no property": Spoilt(
        "things", "required: [id, title]", "required: [id, titel]", "required", f"{SCHEMAS}/Book/required", "titel"
    ),
    "two bases": Spoilt(
        "things",
        "allOf: [{$ref: '#/components/schemas/Book'}]",
        "allOf: [{$ref: '#/components/schemas/Book'}, {$ref: '#/components/schemas/Loan'}]",
        "form",
        f"{SCHEMAS}/RareBook/allOf",
    ),
    "default that does not fit": Spoilt(
        "things",
        "field: {type: string, default: wood}",
        "field: {type: string, default: 1}",
        "default",
        f"{SCHEMAS}/Shelf/properties/field",
    ),
    "default that is no value": Spoilt(
        "things", "default: tall}", "default: huge}", "default", f"{SCHEMAS}/Shelf/properties/kind"
    ),
    "default of something required": Spoilt(
        "things",
        "        title: {type: string}",
        "        title: {type: string, default: x}",
        "default",
        f"{SCHEMAS}/Book/properties/title",
    ),
    "filled default of something received": Spoilt(
        "things",
        "items: {type: string}, default: []}",
        "items: {type: string}, default: [a]}",
        "default",
        f"{SCHEMAS}/Shelf/properties/list",
    ),
}

REFERENCES = {
    "dangling reference": Spoilt(
        "things",
        "shelf: {$ref: '#/components/schemas/Shelf'}",
        "shelf: {$ref: '#/components/schemas/Shelv'}",
        "ref",
        f"{SCHEMAS}/Book/properties/shelf/$ref",
        "Shelv",
    ),
    "reference to elsewhere": Spoilt(
        "things",
        "shelf: {$ref: '#/components/schemas/Shelf'}",
        "shelf: {$ref: 'shelf.yaml#/Shelf'}",
        "ref",
        f"{SCHEMAS}/Book/properties/shelf/$ref",
    ),
    "dangling error": Spoilt(
        "library", "#/components/errors/LoanFailed'", "#/components/errors/LoanLost'", "ref", "/methods/2/errors/1"
    ),
    "inline error": Spoilt(
        "library", "{$ref: '#/components/errors/Failed'}", "{code: 1, message: No.}", "ref", "/methods/0/errors/0"
    ),
    "missing mapping": Spoilt(
        "things",
        "          leather: '#/components/schemas/CoverLeather'\n",
        "",
        "discriminator",
        f"{SCHEMAS}/Cover/discriminator/mapping",
        "CoverLeather",
    ),
    "no discriminator": Spoilt(
        "library",
        "      discriminator:\n        propertyName: by\n        mapping:\n"
        "          title: '#/components/schemas/QueryTitle'\n          shelf: '#/components/schemas/QueryShelf'\n",
        "",
        "discriminator",
        f"{SCHEMAS}/Query",
    ),
    "tag mismatch": Spoilt(
        "things", "type: {const: paper}", "type: {const: cloth}", "tag", f"{SCHEMAS}/CoverPaper", "cloth"
    ),
    "no tag": Spoilt(
        "things", "        type: {const: paper}", "        type: {type: string}", "tag", f"{SCHEMAS}/CoverPaper"
    ),
    "optional tag": Spoilt(
        "things", "      required: [type]\n", "      required: []\n", "tag", f"{SCHEMAS}/CoverPaper/properties/type"
    ),
    "two-level tag": Spoilt(
        "things",
        "        color: {type: string}",
        "        color: {const: red}",
        "tag",
        f"{SCHEMAS}/CoverLeather/properties/color",
        "merge",
    ),
    "union of unions": Spoilt(
        "things",
        "        - $ref: '#/components/schemas/CoverPaper'\n",
        "        - $ref: '#/components/schemas/Mark'\n",
        "discriminator",
        f"{SCHEMAS}/Cover",
    ),
    "tag without union": Spoilt(
        "things", "        not_lent: {type: boolean}", "        not_lent: {const: 'yes'}", "tag", f"{SCHEMAS}/NoLoan"
    ),
    "inline arm": Spoilt(
        "things",
        "        - $ref: '#/components/schemas/CoverPaper'\n",
        "        - {type: object}\n",
        "form",
        f"{SCHEMAS}/Cover/oneOf/0",
    ),
    "base that is an arm": Spoilt(
        "things",
        "allOf: [{$ref: '#/components/schemas/Book'}]",
        "allOf: [{$ref: '#/components/schemas/CoverPaper'}]",
        "inheritance",
        f"{SCHEMAS}/RareBook",
    ),
    "field of the base again": Spoilt(
        "things",
        "        price: {type: number",
        "        title: {type: string}\n        price: {type: number",
        "inheritance",
        f"{SCHEMAS}/RareBook/properties/title",
    ),
    "file cycle": Spoilt(
        "things",
        "        free: {description: Whatever was said about it.}",
        "        free: {$ref: '#/components/schemas/DoorReply'}",
        "file-cycle",
        SCHEMAS,
        "things.yaml needs library.yaml for Shelf",
        found_in="library",
    ),
    "alias cycle": Spoilt(
        "things",
        "    BookId:\n      description: Identifier of a book.\n      type: string",
        "    BookId:\n      description: Identifier of a book.\n      type: array\n"
        "      items: {$ref: '#/components/schemas/BookId'}",
        "type-cycle",
        f"{SCHEMAS}/BookId",
        "BookId -> BookId",
    ),
    "unreachable": Spoilt(
        "things",
        "    BookId:\n",
        "    Nobody:\n      description: For nobody.\n      type: string\n\n    BookId:\n",
        "unreachable",
        f"{SCHEMAS}/Nobody",
    ),
    "received and closed": Spoilt(
        "things",
        "      required: [not_lent]",
        "      additionalProperties: false\n      required: [not_lent]",
        "closed",
        f"{SCHEMAS}/NoLoan",
    ),
}

NAMES = {
    "type not in PascalCase": Spoilt("things", "BookId", "book_id_type", "naming", f"{SCHEMAS}/book_id_type"),
    "builtin": Spoilt("library", "DoorReply", "TimeoutError", "name-taken", f"{SCHEMAS}/TimeoutError"),
    "name of the package": Spoilt("library", "DoorReply", "Session", "name-taken", f"{SCHEMAS}/Session"),
    "name of the scaffold": Spoilt("library", "DoorReply", "Params", "name-taken", f"{SCHEMAS}/Params"),
    "name in two files": Spoilt(
        "library",
        "    DoorReply:\n",
        "    Loan:\n      description: A loan.\n      type: string\n\n    DoorReply:\n",
        "duplicate-name",
        f"{SCHEMAS}/Loan",
        "library.yaml",
        found_in="things",
    ),
    "parameters named like a type": Spoilt(
        "library", "x-params-type: LendParams", "x-params-type: Loan", "duplicate-name", "/methods/2/x-params-type"
    ),
    "two parameter structs of one name": Spoilt(
        "library",
        "x-params-type: ReadParams",
        "x-params-type: LendParams",
        "duplicate-name",
        "/methods/3/x-params-type",
    ),
    "error class like a type": Spoilt(
        "errors", "class: LoanFailedError", "class: Loan", "duplicate-name", "/components/errors/LoanFailed"
    ),
    "options like a type": Spoilt("library", "options: OpenOptions", "options: Loan", "duplicate-name", "/methods/7"),
    "union base like a type": Spoilt(
        "library", "base: Happening,", "base: Loan,", "duplicate-name", f"{SCHEMAS}/LibraryEvent"
    ),
    "members of an enum": Spoilt(
        "library", "enum: [name, size]", "enum: [name, Name]", "member-name", f"{SCHEMAS}/Order/enum"
    ),
    "no member name": Spoilt(
        "library", "enum: [name, size]", "enum: [name, '*']", "member-name", f"{SCHEMAS}/Order/enum"
    ),
    "fields of one Python name": Spoilt(
        "things",
        "        camelCase:",
        "        camel_case: {type: string}\n        camelCase:",
        "field-name",
        f"{SCHEMAS}/Shelf",
        "camel_case",
    ),
    "no field name": Spoilt("things", "odd-name:", "'?':", "field-name", f"{SCHEMAS}/Shelf/properties/?"),
    "parameters of one name": Spoilt(
        "library", "- {name: days,", "- {name: class_,", "duplicate-name", "/methods/2/params/4"
    ),
    "method twice": Spoilt(
        "library", "- name: book/search", "- name: book/find", "duplicate-name", "/methods/", "book/find"
    ),
    "constants of one name": Spoilt(
        "library", "- name: book/search", "- name: book_find", "duplicate-name", "/methods/6", "BOOK_FIND"
    ),
    "wrapper twice": Spoilt(
        "library", "x-python: {name: read,", "x-python: {name: lend,", "duplicate-name", "/methods/3"
    ),
    "reserved wrapper name": Spoilt(
        "library", "x-python: {name: names}", "x-python: {name: close}", "wrapper-name", "/methods/1"
    ),
    "private wrapper name": Spoilt(
        "library", "x-python: {name: names}", "x-python: {name: _call}", "wrapper-name", "/methods/1"
    ),
    "keyword as wrapper name": Spoilt(
        "library", "x-python: {name: names}", "x-python: {name: import}", "wrapper-name", "/methods/1"
    ),
    "option of another name": Spoilt(
        "library", "- {name: light,", "- {name: light, x-python: {name: lamp},", "options", "/methods/7/params/1"
    ),
}

METHODS = {
    "no wrapper hint": Spoilt("library", "    x-python: {name: names}\n", "", "wrapper-name", "/methods/1"),
    "no statement on mutation": Spoilt(
        "library",
        "x-python: {name: names}\n    x-mutates: false\n",
        "x-python: {name: names}\n",
        "mutates",
        "/methods/1",
    ),
    "parameters without type": Spoilt("library", "    x-params-type: SearchParams\n", "", "params-type", "/methods/6"),
    "type without parameters": Spoilt(
        "library",
        "    x-python: {name: names}\n",
        "    x-python: {name: names}\n    x-params-type: NamesParams\n",
        "params-type",
        "/methods/1/x-params-type",
    ),
    "parameters and a reference": Spoilt(
        "library",
        "    x-params-type: SearchParams\n",
        "    x-params-type: {$ref: '#/components/schemas/Query'}\n",
        "params-type",
        "/methods/6/x-params-type",
    ),
    "required after optional": Spoilt(
        "library",
        "- {name: text, description",
        "- {name: a, description: A., schema: {}}\n      - {name: text, required: true, description",
        "params-order",
        "/methods/6/params/1",
    ),
    "route to nowhere": Spoilt(
        "library", "x-route-by: shelf_id", "x-route-by: shelf", "extension", "/methods/9/x-route-by"
    ),
    "unwrapping nothing": Spoilt("library", "unwrap: shelves", "unwrap: racks", "extension", "/methods/0", "racks"),
    "marker that is none": Spoilt(
        "library", "none_when: not_lent", "none_when: gone", "extension", "/methods/3", "gone"
    ),
    "positional that is none": Spoilt(
        "library", "positional: [days]", "positional: [weeks]", "extension", "/methods/2/x-python/positional", "weeks"
    ),
    "union without request": Spoilt("library", "name: find, request: query", "name: find", "extension", "/methods/5"),
    "wrapper of a notification": Spoilt(
        "library",
        "    x-route-by: shelf_id\n    x-python: {wrapper: false}",
        "    x-route-by: shelf_id\n    x-python: {name: event}",
        "extension",
        "/methods/9",
    ),
    "extension that is not declared": Spoilt(
        "library", "    x-cancellable: true\n", "    x-fast: true\n", "extension", "/methods/2/x-fast"
    ),
    "extension in the wrong place": Spoilt(
        "things",
        "        title: {type: string}",
        "        title: {type: string, x-data: 1}",
        "extension",
        f"{SCHEMAS}/Book/properties/title/x-data",
    ),
    "extension with a wrong value": Spoilt(
        "library", "x-requires: live", "x-requires: luck", "extension", "/methods/4/x-requires", "luck"
    ),
    "no description of a type": Spoilt(
        "things", "      description: A stamp.\n", "", "description", f"{SCHEMAS}/MarkStamp"
    ),
    "no full stop": Spoilt(
        "things", "description: A stamp.", "description: A stamp", "description", f"{SCHEMAS}/MarkStamp"
    ),
    "no summary": Spoilt("library", "    summary: Lend a book.\n", "", "description", "/methods/2"),
    "no description of a parameter": Spoilt(
        "library", "description: Which door., ", "", "description", "/methods/7/params/0"
    ),
    "no version": Spoilt("info", "  version: 1.2.3\n", "", "info", "/info"),
    "other OpenRPC": Spoilt("info", "openrpc: 1.3.2", "openrpc: 1.4.0", "info", "/openrpc"),
    "unknown key of the document": Spoilt(
        "info", "openrpc: 1.3.2", "openrpc: 1.3.2\nservers: []", "unknown-keyword", "/servers"
    ),
}

ERRORS = {
    "code of two errors": Spoilt(
        "errors",
        "class: LoanFailedError, base: FailedError,",
        "class: LoanFailedError,",
        "error-code",
        "/components/errors/LoanFailed",
    ),
    "code twice on a method": Spoilt(
        "library",
        "      - {$ref: '#/components/errors/LoanFailed'}\n",
        "      - {$ref: '#/components/errors/LoanFailed'}\n      - {$ref: '#/components/errors/Failed'}\n",
        "error-code",
        "/methods/2",
    ),
    "error twice on a method": Spoilt(
        "library",
        "#/components/errors/LoanFailed'",
        "#/components/errors/NotFound'",
        "duplicate-name",
        "/methods/2/errors/1",
    ),
    "no class": Spoilt(
        "errors", "      x-python: {class: NotFoundError}\n", "", "error-class", "/components/errors/NotFound"
    ),
    "class of two errors": Spoilt(
        "errors",
        "class: ShelfNotFoundError",
        "class: NotFoundError",
        "duplicate-name",
        "/components/errors/OtherNotFound",
    ),
    "unknown base": Spoilt(
        "errors", "base: FailedError", "base: LostError", "error-base", "/components/errors/LoanFailed", "LostError"
    ),
    "circle of bases": Spoilt(
        "errors",
        "{class: FailedError}",
        "{class: FailedError, base: LoanFailedError}",
        "error-base",
        "/components/errors/Failed",
    ),
    "code that is no number": Spoilt("errors", "code: -32004", "code: many", "error-code", "/components/errors/Other"),
    "data without reference": Spoilt(
        "errors",
        "x-data: {$ref: '#/components/schemas/LoanFailedData'}",
        "x-data: {type: string}",
        "form",
        "/components/errors/LoanFailed/x-data",
    ),
    "attribute of no type": Spoilt(
        "errors",
        "attributes: {loan: Loan}",
        "attributes: {loan: Lone}",
        "ref",
        "/components/errors/LoanFailed/x-python/attributes/loan",
    ),
}

ALL = {**FORMS, **REFERENCES, **NAMES, **METHODS, **ERRORS}


def spoil(contract: Path, spoilt: Spoilt) -> None:
    path = contract / f"{spoilt.file}.yaml"
    text = path.read_text("utf-8")
    assert spoilt.old in text, "the edit does not match the small contract any more"
    # A name is renamed everywhere, so that nothing but the name is wrong; other edits are made once.
    everywhere = spoilt.old.isidentifier()
    for file in contract.glob("*.yaml") if everywhere else [path]:
        text = file.read_text("utf-8")
        file.write_text(text.replace(spoilt.old, spoilt.new, -1 if everywhere else 1), "utf-8")


def test_small_contract_is_good(contract: Path) -> None:
    assert problems_of(contract) == []


@pytest.mark.parametrize("spoilt", ALL.values(), ids=ALL.keys())
def test_refused(contract: Path, spoilt: Spoilt) -> None:
    spoil(contract, spoilt)
    problems = problems_of(contract)
    matching = [
        problem
        for problem in problems
        if problem.rule == spoilt.rule
        and (problem.pointer or "/").startswith(spoilt.pointer)
        and problem.file == f"contract/{spoilt.found_in or spoilt.file}.yaml"
        and spoilt.says in str(problem)
    ]
    assert matching, "\n".join(map(str, problems)) or "nothing was found wrong"


def test_line_is_that_of_the_problem(contract: Path) -> None:
    spoil(contract, METHODS["no full stop"])
    (problem,) = problems_of(contract)
    line = (contract / "things.yaml").read_text("utf-8").splitlines()[problem.line - 1]
    assert line.strip() == "MarkStamp:"


def test_several_are_reported_at_once(contract: Path) -> None:
    chosen = ("unknown keyword", "dangling reference", "reserved wrapper name", "no class", "no full stop")
    for name in chosen:
        spoil(contract, ALL[name])
    rules = {problem.rule for problem in problems_of(contract)}
    assert rules >= {ALL[name].rule for name in chosen}


@pytest.mark.parametrize("file", ["info", "extensions"])
def test_missing_file(contract: Path, file: str) -> None:
    (contract / f"{file}.yaml").unlink()
    assert ("files", f"contract/{file}.yaml") in {(problem.rule, problem.file) for problem in problems_of(contract)}


def test_bad_extensions_file(contract: Path) -> None:
    path = contract / "extensions.yaml"
    path.write_text(path.read_text("utf-8").replace("where: [error]", "where: [nowhere]", 1), "utf-8")
    assert any(problem.rule == "extension" and "nowhere" in problem.message for problem in problems_of(contract))


def test_commands_print_the_problems_and_fail(
    contract: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(contract, METHODS["no full stop"])
    for command in ("bundle", "regen", "check", "lint"):
        assert run(command, contract, tmp_path / "out") == 1
        printed = capsys.readouterr().err
        assert "contract/things.yaml:" in printed
        assert "/components/schemas/MarkStamp" in printed
        assert "[description]" in printed
    assert not (tmp_path / "out").exists()
    assert not (contract / "openrpc.json").exists()


def test_long_module_names_the_file_to_split(
    contract: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegen.emit.MAX_LINES", 100)
    assert run("regen", contract, tmp_path / "out") == 1
    assert "types/library.py has" in (printed := capsys.readouterr().err)
    assert "split contract/library.yaml" in printed
