"""Edits that make names wrong."""

from __future__ import annotations

from tests.codegen.cases.spoilt import SCHEMAS, Spoilt

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
    "published under the same name": Spoilt(
        "things",
        "    BookId:\n",
        "    BookId:\n      x-upstream-name: BookId\n",
        "upstream-name",
        f"{SCHEMAS}/BookId/x-upstream-name",
    ),
    "method that gives no name": Spoilt("library", "- name: book/search", "- name: '*'", "naming", "/methods/6"),
    "wrapper not in snake_case": Spoilt(
        "library", "x-python: {name: names}", "x-python: {name: namesOf}", "wrapper-name", "/methods/1", "snake_case"
    ),
}
