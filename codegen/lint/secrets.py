"""The check that no secret comes into the contract unnoticed."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Final

from codegen.ir import MASKED, Alias, AnyJson, ListOf, MapOf, Nullable, Ref, Scalar, StructType, UntaggedUnion
from codegen.lint.check import Check

if TYPE_CHECKING:
    from codegen.ir import Property, Type

# Run as a file on its own: importing it would import the package, which may be what is to be generated.
_NAMES: Final = Path(__file__).resolve().parents[2] / "src" / "meerkat" / "_core" / "secret_names.py"
_SUSPICIOUS: Final[re.Pattern[str]] = re.compile(runpy.run_path(str(_NAMES))["SUSPICIOUS"])


class Secrets(Check):
    """Whether everything that can hold a secret says so."""

    def secrets(self) -> None:
        """A field whose name promises a secret is described as one, or says why it is none."""
        for named in self.types.values():
            if isinstance(named, StructType):
                for item in named.properties:
                    self._field(item)

    def _field(self, item: Property) -> None:
        secret = item.description.startswith(MASKED)
        doubtful = _SUSPICIOUS.search(item.wire) is not None and self._holds_text(item.type)
        if secret and item.not_secret:
            self.wrong("secret", item.pointer, f"`{item.wire}` is described as a secret, and `x-not-secret` denies it")
        elif item.not_secret and not doubtful:
            self.wrong(
                "secret", item.pointer, f"nobody would take `{item.wire}` for a secret; leave out `x-not-secret`"
            )
        elif doubtful and not secret and not item.not_secret:
            message = (
                f"`{item.wire}` sounds like a secret: begin its description with `{MASKED}`, which keeps it out of "
                "reprs, or say by `x-not-secret` why it is none"
            )
            self.wrong("secret", item.pointer, message)

    def _holds_text(self, type_: Type) -> bool:
        """Whether a value can be any text; fields of structs are looked at on their own, and enums have no secrets."""
        match type_:
            case Scalar(kind=kind):
                return kind == "string"
            case AnyJson():
                return True
            case ListOf(item=inner) | MapOf(value=inner) | Nullable(inner=inner):
                return self._holds_text(inner)
            case Ref(name=name):
                match self.types.get(name):
                    case Alias(type=inner):
                        return self._holds_text(inner)
                    case UntaggedUnion(members=members):
                        return any(self._holds_text(member) for member in members)
                    case _:
                        return False
            case _:
                return False
