"""Edits that make the division into pages wrong."""

from __future__ import annotations

from tests.codegen.cases.spoilt import Spoilt

DOMAINS = {
    "domain without files": Spoilt("domains", "files: [things]", "files: []", "domain", "/domains/1/files"),
    "domain without title": Spoilt("domains", "    title: Things\n", "", "domain", "/domains/1"),
    "file in two domains": Spoilt(
        "domains", "files: [errors]", "files: [errors, things]", "domain", "/domains/2/files", "library-things"
    ),
    "file in one domain twice": Spoilt(
        "domains", "files: [errors]", "files: [errors, errors]", "domain", "/domains/2/files", "already"
    ),
    "file in no domain": Spoilt("domains", "files: [errors]", "files: [things]", "domain", "/domains", "`errors`"),
    "file that is not there": Spoilt(
        "domains", "files: [errors]", "files: [errors, lost]", "domain", "/domains/2/files", "lost.yaml"
    ),
    "domain of another name": Spoilt(
        "domains", "name: library-things", "name: Library_Things", "domain", "/domains/1/name", "lower case"
    ),
    "two domains of one name": Spoilt("domains", "name: errors", "name: library", "domain", "/domains/2/name"),
    "page that is there already": Spoilt("domains", "name: errors", "name: types", "domain", "/domains/2/name"),
    "parent further down": Spoilt("domains", "parent: library", "parent: errors", "domain", "/domains/1/parent"),
    "part of a part": Spoilt(
        "domains",
        "  - name: errors\n",
        "  - name: errors\n    parent: library-things\n",
        "domain",
        "/domains/2/parent",
    ),
    "domain without full stop": Spoilt(
        "domains", "description: What can go wrong.", "description: What can go wrong", "sentence", "/domains/2"
    ),
    "unknown key of the domains": Spoilt("domains", "domains:\n", "pages: []\ndomains:\n", "unknown-keyword", "/pages"),
}
