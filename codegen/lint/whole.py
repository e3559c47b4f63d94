"""Checks of the contract as a whole: what is reached, in which direction, in which order."""

from __future__ import annotations

from itertools import pairwise

from codegen.ir import Direction, StructType
from codegen.lint.check import Check


class Whole(Check):
    """What follows from all references together, which must resolve."""

    def whole(self) -> None:
        """Everything is reached, closed only where it is sent, and can be split into modules."""
        for named in self.types.values():
            direction = self.flow.direction(named.name)
            if direction is Direction.NONE:
                self.wrong("unreachable", named.pointer, f"no method and no error needs the type {named.name}")
            if isinstance(named, StructType) and named.closed and Direction.RECEIVED in direction:
                self.wrong("closed", named.pointer, f"{named.name} is received, so it must accept unknown fields")
        cycle = self.flow.module_cycle()
        if cycle is not None:
            graph = self.flow.module_graph()
            needs = [f"{here}.yaml needs {there}.yaml for {graph[here][there]}" for here, there in pairwise(cycle)]
            where = self.types[graph[cycle[0]][cycle[1]]].pointer
            self.wrong("file-cycle", where, f"files need each other in a circle: {', '.join(needs)}")
        statements = self.flow.statement_cycle()
        if statements is not None:
            message = f"these types are each made of the next: {' -> '.join(statements)}; one must be a struct"
            self.wrong("type-cycle", self.types[statements[0]].pointer, message)
