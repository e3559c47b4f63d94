"""Edits that make errors wrong."""

from __future__ import annotations

from tests.codegen.cases.spoilt import Spoilt

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
        "error-data",
        "/components/errors/LoanFailed/x-data",
    ),
    "attribute of no type": Spoilt(
        "errors",
        "attributes: {loan: Loan}",
        "attributes: {loan: Lone}",
        "ref",
        "/components/errors/LoanFailed/x-python/attributes/loan",
    ),
    "no error for parameters": Spoilt(
        "library",
        "schema: {}}\n    errors:\n      - {$ref: '#/components/errors/InvalidParams'}\n",
        "schema: {}}\n",
        "params-error",
        "/methods/6",
        "-32602",
    ),
    "no error for cancelling": Spoilt(
        "library",
        "      - {$ref: '#/components/errors/RequestCancelled'}\n",
        "",
        "cancel-error",
        "/methods/2",
    ),
    "no error for what does not exist": Spoilt(
        "library",
        "      - {$ref: '#/components/errors/MethodNotFound'}\n",
        "",
        "requirement-error",
        "/methods/4",
        "-32601",
    ),
    "no message": Spoilt(
        "errors", "      message: It failed.\n", "", "error-code", "/components/errors/Failed", "message"
    ),
}
