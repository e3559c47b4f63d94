"""Where on which page everything stands, and types as Markdown with links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.docs import sentences
from codegen.ir import AnyJson, Choice, ListOf, MapOf, Nullable, Ref, Scalar, StructType
from codegen.reference import markdown
from codegen.reference.markdown import Anchors

if TYPE_CHECKING:
    from codegen.ir import Contract, Domain, ErrorKind, Method, NamedType, Type

INDEX = "README.md"
TYPES = "types.md"
METHODS_HEADING = "Methods"
ERRORS_HEADING = "Errors"
RAISED_HEADING = "What these errors mean"
TYPES_HEADING = "Types"

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_FORMATS = {"date-time": "RFC 3339", "uuid": "UUID", "uri": "URI", "byte": "Base64"}


class Page:
    """What stands on the page of a domain, in the order in which it stands there.

    Args:
        contract: The contract.
        domain: The domain.
    """

    def __init__(self, contract: Contract, domain: Domain) -> None:
        self.domain = domain
        self.file = page_file(domain)
        place = {module: index for index, module in enumerate(domain.modules)}
        self.methods: list[Method] = sorted(
            (method for method in contract.methods if method.module in place), key=lambda method: method.name
        )
        self.errors: list[ErrorKind] = sorted(
            (kind for kind in contract.errors.values() if kind.module in place), key=lambda kind: kind.class_name
        )
        raised = {name for method in self.methods for name in method.errors}
        self.raised: list[ErrorKind] = sorted(
            (contract.errors[name] for name in raised), key=lambda kind: kind.class_name
        )
        # What is derived from the parameters of a method is described there.
        self.types: list[NamedType] = sorted(
            (named for named in contract.types.values() if named.module in place and not _is_derived(named)),
            key=lambda named: named.name,
        )


class Links:
    """Links from one page to everything else.

    Args:
        contract: The contract.
        pages: All pages.
    """

    def __init__(self, contract: Contract, pages: list[Page]) -> None:
        self._types: dict[str, tuple[str, str]] = {}
        self._methods: dict[str, tuple[str, str]] = {}
        self._errors: dict[str, tuple[str, str]] = {}
        self._raised: dict[str, str] = {}
        for page in pages:
            anchors = Anchors()
            anchors.add(page.domain.title)
            if page.methods:
                anchors.add(METHODS_HEADING)
            for method in page.methods:
                self._methods[method.name] = page.file, anchors.add(method.name)
            if page.raised:
                self._raised[page.file] = anchors.add(RAISED_HEADING)
            if page.errors:
                anchors.add(ERRORS_HEADING)
            for kind in page.errors:
                self._errors[kind.name] = page.file, anchors.add(kind.class_name)
            if page.types:
                anchors.add(TYPES_HEADING)
            for named in page.types:
                self._types[named.name] = page.file, anchors.add(named.name)
        for named in contract.types.values():
            if isinstance(named, StructType) and named.method is not None:
                self._types[named.name] = self._methods[named.method]

    def type_name(self, name: str, here: str) -> str:
        """Return a link to a type, from the page ``here``."""
        return _link(markdown.code(name), self._types[name], here)

    def method(self, name: str, here: str) -> str:
        """Return a link to a method."""
        return _link(markdown.code(name), self._methods[name], here)

    def error(self, kind: ErrorKind, here: str) -> str:
        """Return a link to the description of an error."""
        return _link(markdown.code(kind.class_name), self._errors[kind.name], here)

    def raised(self, kind: ErrorKind, here: str) -> str:
        """Return a link to what the page itself says of an error."""
        return _link(markdown.code(kind.class_name), (here, self._raised[here]), here)

    def type(self, type_: Type, here: str) -> str:
        """Return a type as Python writes it, with links to the named ones."""
        match type_:
            case AnyJson():
                return "Any"
            case Scalar(kind=kind):
                return _SCALARS[kind]
            case Ref(name=name):
                return self.type_name(name, here)
            case Choice(values=values):
                return " | ".join(markdown.code(f'"{value}"') for value in values)
            case ListOf(item=item):
                return f"list\\[{self.type(item, here)}\\]"
            case MapOf(value=value):
                return f"dict\\[str, {self.type(value, here)}\\]"
            case Nullable(inner=inner):
                return f"{self.type(inner, here)} | None"


def page_file(domain: Domain) -> str:
    """Return the name of a domain's page."""
    return f"{domain.name}.md"


def limits(type_: Type, description: str) -> str:
    """Return what a type allows less than its Python type, in sentences, as far as its description does not say it."""
    match type_:
        case Scalar():
            unit = "" if type_.kind in {"integer", "number"} else "characters"
            # A count that is no less than nothing goes without saying.
            least = type_.minimum if type_.kind != "integer" or type_.minimum != 0 else None
            bounds = (least, type_.maximum) if not unit else (type_.min_length, type_.max_length)
            form = _FORMATS.get(type_.format or "", "")
            unsaid = form and form.lower() not in description.lower()
            return sentences(f"{form}." if unsaid else "", _between(*bounds, unit))
        case ListOf(item=item):
            return sentences(_between(type_.min_items, type_.max_items, "items"), limits(item, description))
        case MapOf(value=value):
            return limits(value, description)
        case Nullable(inner=inner):
            return limits(inner, description)
        case _:
            return ""


def _between(least: float | None, most: float | None, unit: str) -> str:
    unit = f" {unit}" if unit else ""
    if least is not None and most is not None:
        return f"From {least} to {most}{unit}."
    if least is not None:
        return f"At least {least}{unit}."
    return f"At most {most}{unit}." if most is not None else ""


def _link(shown: str, target: tuple[str, str], here: str) -> str:
    file, anchor = target
    return f"[{shown}]({'' if file == here else file}#{anchor})"


def _is_derived(named: NamedType) -> bool:
    return isinstance(named, StructType) and named.method is not None
