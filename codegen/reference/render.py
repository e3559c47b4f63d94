"""IR -> all pages of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.reference import markdown
from codegen.reference.links import (
    ERRORS_HEADING,
    INDEX,
    METHODS_HEADING,
    RAISED_HEADING,
    TYPES,
    TYPES_HEADING,
    Links,
    Page,
    page_file,
)  # fmt: skip
from codegen.reference.methods import MethodTexts
from codegen.reference.types import TypeTexts

if TYPE_CHECKING:
    from codegen.flow import Flow
    from codegen.ir import Contract, Domain, ErrorKind, Method
    from codegen.reference.handles import Handles
    from codegen.templates import Templates


class Reference:
    """Renders the method reference.

    Args:
        contract: The contract.
        flow: Who writes which type.
        handles: The Python methods of the package.
        templates: Our templates.
        header: Comment at the top of every page.
    """

    def __init__(self, contract: Contract, flow: Flow, handles: Handles, templates: Templates, header: str) -> None:
        self._contract = contract
        self._templates = templates
        self._header = header
        self._pages = [Page(contract, domain) for domain in contract.domains]
        self._links = Links(contract, self._pages)
        self._methods = MethodTexts(contract, handles, self._links)
        self._types = TypeTexts(contract, flow, self._links)

    def render(self) -> dict[str, str]:
        """Return the pages by file name."""
        files = {page.file: self._page(page) for page in self._pages}
        files[INDEX] = self._index()
        files[TYPES] = self._type_index()
        return dict(sorted(files.items()))

    def _page(self, page: Page) -> str:
        here = page.file
        domain = page.domain
        return self._templates.render(
            "reference_page.md",
            header=self._header,
            title=markdown.text(domain.title),
            description=markdown.text(domain.description),
            around=[self._to(other) for other in self._around(domain)],
            headings={
                "methods": METHODS_HEADING,
                "raised": RAISED_HEADING,
                "errors": ERRORS_HEADING,
                "types": TYPES_HEADING,
            },
            methods=[self._methods.section(method, here) for method in page.methods],
            raised=markdown.table(
                ("exception", "code", "what it means, and what to do"),
                [
                    (
                        self._links.error(kind, here),
                        markdown.code(str(kind.code)),
                        markdown.text(f"{kind.message} {_beyond(kind)}"),
                    )
                    for kind in page.raised
                ],
            ),
            errors=[self._error(kind, here) for kind in page.errors],
            types=[self._types.section(named, here) for named in page.types],
        )

    def _around(self, domain: Domain) -> list[Domain]:
        """The domain that this one is a part of, or its parts."""
        return [other for other in self._contract.domains if domain.name == other.parent or domain.parent == other.name]

    def _to(self, domain: Domain) -> str:
        return f"[{markdown.text(domain.title)}]({page_file(domain)}): {markdown.text(domain.description)}"

    def _error(self, kind: ErrorKind, here: str) -> dict[str, Any]:
        bases = {other.class_name: other for other in self._contract.errors.values()}
        base = self._links.error(bases[kind.base], here) if kind.base is not None else markdown.code("MeerkatError")
        facts = [f"Code {markdown.code(str(kind.code))}.", f"Derives from {base}."]
        if kind.data is not None:
            facts.append(f"`details` holds the {self._links.type_name(kind.data, here)}.")
        facts += [
            f"{markdown.code(attribute)} is {self._links.type_name(target, here)} or `None`."
            for attribute, target in kind.attributes
        ]
        return {
            "heading": markdown.code(kind.class_name),
            "prose": [
                markdown.text(kind.message),
                *markdown.paragraphs(_beyond(kind)),
                " ".join(facts),
            ],
        }

    def _index(self) -> str:
        sections = [
            {
                "heading": f"[{markdown.text(page.domain.title)}]({page.file})",
                "depth": "##" if page.domain.parent is None else "###",
                "prose": markdown.text(page.domain.description),
                "table": markdown.table(
                    ("RPC method", "in Python", "what it does"), [self._entry(method) for method in page.methods]
                ),
            }
            for page in self._pages
        ]
        return self._templates.render(
            "reference_index.md", header=self._header, version=self._contract.version, sections=sections, types=TYPES
        )

    def _entry(self, method: Method) -> tuple[str, str, str]:
        return self._links.method(method.name, INDEX), self._methods.python(method), markdown.text(method.summary)

    def _type_index(self) -> str:
        letters: dict[str, list[str]] = {}
        for name in sorted(self._contract.types):
            letters.setdefault(name[0], []).append(self._links.type_name(name, TYPES))
        return self._templates.render(
            "reference_types.md",
            header=self._header,
            letters=[{"letter": letter, "links": links} for letter, links in letters.items()],
        )


def _beyond(kind: ErrorKind) -> str:
    """Return what the description of an error says beyond its message."""
    return "" if kind.description == kind.message else kind.description
