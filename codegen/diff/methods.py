"""Comparison of the methods of two contracts: how they are called, on the wire and in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.diff.changes import Place
from codegen.ir import Direction, Ref

if TYPE_CHECKING:
    from codegen.diff.changes import Changes
    from codegen.diff.contracts import ContractTypes
    from codegen.ir import Contract, Method, Property, Wrapper

_FLAGS = (
    ("cancellable", "cancellable", "gained", "lost"),
    ("long_running", "long-running", "gained", "lost"),
    ("mutates", "mutates", "gained", "lost"),
    ("null_id_errors", "null-id", "gained", "lost"),
)


class Methods:
    """Compares the methods of two contracts.

    Args:
        old: The older contract.
        new: The newer one.
        types: Compares the types of parameters and results.
        changes: Takes what is found.
    """

    def __init__(self, old: Contract, new: Contract, types: ContractTypes, changes: Changes) -> None:
        self._old = {method.name: method for method in old.methods}
        self._new = {method.name: method for method in new.methods}
        self._types = types
        self._changes = changes

    def compare(self) -> None:
        """Compare all methods."""
        for name, method in self._new.items():
            if name not in self._old:
                self._changes.add("method-added", _place(method), _asked(method))
        for name, method in self._old.items():
            if name in self._new:
                self._pair(method, self._new[name])
            else:
                self._changes.add("method-removed", _place(method), _asked(method))

    def _pair(self, old: Method, new: Method) -> None:
        place, direction = _place(new), _asked(new)
        if old.from_server != new.from_server:
            self._changes.add("method-direction", place, direction, _side(old), _side(new))
        if old.module != new.module:
            self._changes.add("method-moved", place, direction, old.module, new.module)
        if old.deprecated != new.deprecated:
            self._changes.add(f"method-{'' if new.deprecated else 'un'}deprecated", place, direction)
        texts = [(method.summary, method.description) for method in (old, new)]
        answers = [method.result_description for method in (old, new) if method.result is not None]
        if len({*texts}) > 1 or len({*answers}) > 1:
            self._changes.add("method-description", place, direction)
        self._behaviour(old, new, place, direction)
        self._errors(old, new, place)
        self._params(old, new, place, direction)
        self._result(old, new, place)
        self._wrapper(old.wrapper, new.wrapper, place, direction)
        self._options(old, new, place, direction)

    def _behaviour(self, old: Method, new: Method, place: Place, direction: Direction) -> None:
        for attribute, rule, gained, lost in _FLAGS:
            # Whether a notification changes something cannot be said.
            relevant = attribute != "mutates" or (not old.notification and not new.notification)
            if relevant and getattr(old, attribute) != getattr(new, attribute):
                self._changes.add(f"{rule}-{gained if getattr(new, attribute) else lost}", place, direction)
        if old.requires != new.requires:
            what = "added" if old.requires is None else "removed" if new.requires is None else "changed"
            self._changes.add(f"requirement-{what}", place, direction, old.requires or "", new.requires or "")
        if old.route_by != new.route_by:
            self._changes.add("route-changed", place, direction, old.route_by or "", new.route_by or "")

    def _errors(self, old: Method, new: Method, place: Place) -> None:
        for name in new.errors:
            if name not in old.errors:
                self._changes.add("method-error-added", place, Direction.RECEIVED, "", name)
        for name in old.errors:
            if name not in new.errors:
                self._changes.add("method-error-removed", place, Direction.RECEIVED, name)

    def _params(self, old: Method, new: Method, place: Place, direction: Direction) -> None:
        if old.params_type is not None and new.params_type is not None:
            if old.derived != new.derived:
                self._changes.add("params-form", place, direction, old.params_type, new.params_type)
                return
            if not old.derived:
                here = place.part(" (parameters)", "x-params-type")
                self._types.types(Ref(name=old.params_type), Ref(name=new.params_type), here, direction)
                return
            if old.params_type != new.params_type:
                self._changes.add("params-renamed", place, direction, old.params_type, new.params_type)
        before, after = _by_name(old.params), _by_name(new.params)
        self._types.properties(before, after, "param", place, direction)
        orders = [
            [param.wire for param in method.params if param.required and _required_in_both(param, before, after)]
            for method in (old, new)
        ]
        if orders[0] != orders[1]:
            self._changes.add("param-order", place, direction, ", ".join(orders[0]), ", ".join(orders[1]))

    def _result(self, old: Method, new: Method, place: Place) -> None:
        direction = Direction.SENT if new.from_server else Direction.RECEIVED
        if old.result is not None and new.result is not None:
            self._types.types(old.result, new.result, place.part(" (result)", "result", "schema"), direction)
        elif old.result is not None or new.result is not None:
            self._changes.add("answer-added" if old.result is None else "answer-removed", place, direction)

    def _wrapper(self, old: Wrapper | None, new: Wrapper | None, place: Place, direction: Direction) -> None:
        if old is None or new is None:
            if new is not None:
                self._changes.add("wrapper-added", place, direction, "", new.name)
            elif old is not None:
                self._changes.add("wrapper-removed", place, direction, old.name)
            return
        if old.name != new.name:
            self._changes.add("wrapper-renamed", place, direction, old.name, new.name)
        if _returns(old) != _returns(new):
            self._changes.add("wrapper-returns", place, direction, _returns(old), _returns(new))
        if old.request != new.request:
            self._changes.add("wrapper-request", place, direction, old.request or "", new.request or "")
        for name in new.positional:
            if name not in old.positional:
                self._changes.add("positional-added", place, direction, "", name)
        for name in old.positional:
            if name not in new.positional:
                self._changes.add("positional-removed", place, direction, name)
        kept = tuple(name for name in old.positional if name in new.positional)
        if new.positional[: len(kept)] != kept:
            before, after = ", ".join(old.positional), ", ".join(new.positional)
            self._changes.add("positional-order", place, direction, before, after)

    def _options(self, old: Method, new: Method, place: Place, direction: Direction) -> None:
        if old.options != new.options:
            what = "added" if old.options is None else "removed" if new.options is None else "renamed"
            self._changes.add(f"options-{what}", place, direction, old.options or "", new.options or "")


def _asked(method: Method) -> Direction:
    """Return who writes the parameters of a method."""
    return Direction.RECEIVED if method.from_server else Direction.SENT


def _side(method: Method) -> str:
    return "from the server" if method.from_server else "from the client"


def _place(method: Method) -> Place:
    return Place(method.name, method.module, method.pointer)


def _by_name(params: tuple[Property, ...]) -> dict[str, Property]:
    return {param.wire: param for param in params}


def _required_in_both(param: Property, old: dict[str, Property], new: dict[str, Property]) -> bool:
    return all(param.wire in params and params[param.wire].required for params in (old, new))


def _returns(wrapper: Wrapper) -> str:
    """Return what a wrapper returns of the result, in short."""
    if wrapper.returns_none:
        return "nothing"
    what = f"`{wrapper.unwrap}`" if wrapper.unwrap is not None else "the result"
    return f"{what}, or None by `{wrapper.none_when}`" if wrapper.none_when is not None else what
