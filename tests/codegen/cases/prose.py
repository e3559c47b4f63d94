"""Edits that make descriptions wrong."""

from __future__ import annotations

from tests.codegen.cases.spoilt import SCHEMAS, Spoilt

PROSE = {
    "no description of a type": Spoilt(
        "things", "      description: A stamp.\n", "", "description", f"{SCHEMAS}/MarkStamp"
    ),
    "no full stop": Spoilt(
        "things", "description: A stamp.", "description: A stamp", "sentence", f"{SCHEMAS}/MarkStamp"
    ),
    "no summary": Spoilt("library", "    summary: Lend a book.\n", "", "description", "/methods/2"),
    "no description of a parameter": Spoilt(
        "library", "description: Which door., ", "", "description", "/methods/7/params/0"
    ),
    "lower case": Spoilt(
        "things", "description: A stamp.", "description: a stamp.", "sentence", f"{SCHEMAS}/MarkStamp", "capital"
    ),
    "message without full stop": Spoilt(
        "errors", "message: It failed.", "message: It failed", "sentence", "/components/errors/Failed"
    ),
    "no description of a result": Spoilt(
        "library",
        "result: {name: names, description: The names., schema",
        "result: {name: names, schema",
        "description",
        "/methods/1/result",
    ),
    "long summary": Spoilt(
        "library",
        "summary: Lend a book.",
        f"summary: Lend a book{' and a book' * 9}.",
        "summary",
        "/methods/2",
        "111 characters",
    ),
    "summary of two lines": Spoilt(
        "library",
        "    summary: Lend a book.\n",
        "    summary: |-\n      Lend a book.\n      Or two.\n",
        "summary",
        "/methods/2",
        "on one line",
    ),
    "no unit of a field": Spoilt(
        "errors",
        "since: {type: integer, description: Unix seconds.}",
        "since: {type: integer, description: When it was lent.}",
        "unit",
        f"{SCHEMAS}/LoanFailedData/properties/since",
    ),
    "secret that is not called one": Spoilt(
        "library", "Secret. What opens it.", "What opens it.", "secret", "/methods/7/params/3", "`pin`"
    ),
    "secret that is denied": Spoilt(
        "library",
        "description: Secret. What opens it.,",
        "description: Secret. What opens it., x-not-secret: It is known.,",
        "secret",
        "/methods/7/params/3",
        "denies",
    ),
    "denied where nobody asks": Spoilt(
        "library",
        "{name: door, required: true, description: Which door.,",
        "{name: door, required: true, description: Which door., x-not-secret: It is a door.,",
        "secret",
        "/methods/7/params/0",
        "nobody",
    ),
    "no unit of a parameter": Spoilt(
        "library", "Since when in Unix seconds.", "Since when.", "unit", "/methods/10/params/1", "`since`"
    ),
}
