"""The house rules of the contract: what they are, and the checks that need more than one schema at a time."""

from __future__ import annotations

from codegen.lint.checks import check_document, check_rules

__all__ = ["check_document", "check_rules"]
