"""Checks of descriptions: there, whole sentences, with units."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from codegen.ir import ListOf, MapOf, Nullable, Scalar, StructType, Type
from codegen.lint.check import Check

if TYPE_CHECKING:
    from codegen.ir import Property

_SUMMARY: Final = 100
_MEASURED: Final = re.compile(r"(^|_)(at|ms|secs?|seconds|time|timestamp|timeout|duration|bytes|since|until)(_utc)?$")
_UNIT: Final = re.compile(r"\b(micro|milli)?seconds?\b|\bbytes?\b|\bUnix\b", re.IGNORECASE)
_BEGINS: Final = re.compile(r"[A-Z0-9`'\"(]")


class Prose(Check):
    """What everything is described by."""

    def descriptions(self) -> None:
        """Everything public is described in full sentences."""
        for named in self.types.values():
            if isinstance(named, StructType):
                for item in named.properties:
                    self._sentence(item.description, item.pointer)
                    self._unit(item)
                if named.method is not None:
                    continue
            self._described(named.description, named.pointer, f"the type {named.name}")
        for method in self.contract.methods:
            self._described(method.summary, method.pointer, f"the method {method.name} (`summary`)")
            if len(method.summary) > _SUMMARY or "\n" in method.summary:
                message = f"the summary has {len(method.summary)} characters; {_SUMMARY} at most, on one line"
                self.wrong("summary", method.pointer, message)
            self._sentence(method.description, method.pointer)
            for param in method.params:
                self._described(param.description, param.pointer, f"the parameter {param.wire}")
            if method.result is not None:
                self._described(method.result_description, f"{method.pointer}/result", "the result")
        for kind in self.contract.errors.values():
            self._described(kind.description, kind.pointer, f"the error {kind.name}")
            self._sentence(kind.message, kind.pointer)

    def _described(self, text: str, where: str, what: str) -> None:
        if text:
            self._sentence(text, where)
        else:
            self.wrong("description", where, f"{what} has no description")

    def _sentence(self, text: str, where: str) -> None:
        if text and not text.endswith("."):
            self.wrong("sentence", where, f"a description ends with a full stop, not with {text[-20:]!r}")
        if text and not _BEGINS.match(text):
            self.wrong("sentence", where, f"a description begins with a capital letter, not with {text[:20]!r}")

    def _unit(self, item: Property) -> None:
        if _is_number(item.type) and _MEASURED.search(item.wire) and not _UNIT.search(item.description):
            self.wrong("unit", item.pointer, f"the description of `{item.wire}` does not say what it counts")


def _is_number(type_: Type) -> bool:
    match type_:
        case Scalar(kind=kind):
            return kind in {"integer", "number"}
        case Nullable(inner=inner) | ListOf(item=inner) | MapOf(value=inner):
            return _is_number(inner)
        case _:
            return False
