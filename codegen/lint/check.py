"""What all checks have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codegen.flow import Flow
    from codegen.ir import Contract
    from codegen.problems import Problems


class Check:
    """Checks of one topic.

    Args:
        contract: The contract.
        flow: What follows from it as a whole.
        problems: Takes what is wrong.
    """

    def __init__(self, contract: Contract, flow: Flow, problems: Problems) -> None:
        self.contract = contract
        self.types = contract.types
        self.flow = flow
        self._problems = problems

    def wrong(self, rule: str, where: str, message: str, *, file: str = "") -> None:
        """Report a problem; a pointer into the bundled document tells the file."""
        self._problems.add(rule, where, message, file=file)
