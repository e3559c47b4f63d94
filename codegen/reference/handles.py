"""Reads from the source of the package which Python methods do which RPC method, and how they are called.

A method says it itself in the last line of its docstring, as in "RPC: ``turn/start``." Nothing is imported or run, so a
package that cannot be imported yet can be described, and no signature differs from the one that is described.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from codegen.types import GeneratorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

WIDTH = 100

_RPC = re.compile(r"^RPC: (``[^`]+``(?:, ``[^`]+``)*)\.$", re.MULTILINE)


class PythonMethod(NamedTuple):
    """A public method of a handle.

    Attributes:
        handle: The class that users hold, such as ``MeerkatClient``.
        name: Name of the method.
        arguments: Its arguments without ``self``, as they are written in a signature; ``*`` and ``/`` are among them.
        returns: Annotation of what it returns.
        is_async: Whether it is awaited.
        shorthands: What names in the signature stand for that the package has given to longer expressions.
    """

    handle: str
    name: str
    arguments: tuple[str, ...]
    returns: str
    is_async: bool
    shorthands: tuple[str, ...] = ()

    @property
    def of_client(self) -> bool:
        """Whether the client itself has it."""
        return self.handle == _CLIENT

    @property
    def call(self) -> str:
        """How to refer to it."""
        return f"{self.handle}.{self.name}"

    def signature(self) -> list[str]:
        """Return the lines of the signature, as documentation of Python writes them."""
        start = f"{'async ' if self.is_async else ''}{self.call}("
        end = f") -> {self.returns}"
        line = f"{start}{', '.join(self.arguments)}{end}"
        if len(line) <= WIDTH:
            return [line]
        return [start, *(f"    {argument}," for argument in self.arguments), end]


class Handles:
    """The methods of the package that users hold.

    Args:
        sources: Source of each module by file name, generated and written by hand.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._classes: dict[str, _Class] = {}
        self._private: dict[tuple[str, str], _Class] = {}
        self._shorthands: dict[str, dict[str, ast.expr]] = {}
        for name, source in sorted(sources.items()):
            try:
                tree = ast.parse(source)
            except SyntaxError as error:
                raise GeneratorError(f"{name}:{error.lineno}: this is no Python: {error.msg}") from error
            self._shorthands[name] = dict(_shorthands(tree.body))
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    self._private[name, node.name] = self._classes[node.name] = _Class(name, node)
        self._by_rpc: dict[str, list[PythonMethod]] = defaultdict(list)
        for handle in self._handles():
            for member in self._members(self._classes[handle]).values():
                for rpc in _told(member.node):
                    self._by_rpc[rpc].append(self._described(handle, member))

    def of(self, rpc: str) -> list[PythonMethod]:
        """Return the methods that do an RPC method: those of the client first, otherwise in the order of the source."""
        return sorted(self._by_rpc.get(rpc, []), key=lambda method: (not method.of_client, method.handle))

    def signatures(self, rpc: str) -> list[str]:
        """Return the lines of all their signatures, one for handles that have the same, after what they abbreviate."""
        same: dict[PythonMethod, list[str]] = defaultdict(list)
        for method in self.of(rpc):
            same[method._replace(handle="")].append(method.handle)
        found = sorted({shorthand for method in same for shorthand in method.shorthands})
        for method, handles in same.items():
            first, *others = sorted(handles, key=len)
            *lines, last = method._replace(handle=first).signature()
            found += [*lines, f"{last}  # and {', '.join(others)}" if others else last]
        return found

    def names(self) -> set[str]:
        """Return the RPC methods that some method does."""
        return set(self._by_rpc)

    def _handles(self) -> list[str]:
        """Public classes that no other public class derives from: the others are parts of them."""
        public = {name: found for name, found in self._classes.items() if not name.startswith("_")}
        parts = {base.node.name for found in public.values() for base in self._order(found)[1:]}
        return sorted(public.keys() - parts)

    def _described(self, handle: str, member: _Member) -> PythonMethod:
        node = member.node
        return PythonMethod(
            handle=handle,
            name=node.name,
            arguments=tuple(_arguments(node.args))[1:],
            returns=_written(node.returns) if node.returns is not None else "None",
            is_async=isinstance(node, ast.AsyncFunctionDef),
            shorthands=tuple(self._used(member)),
        )

    def _used(self, member: _Member) -> Iterator[str]:
        """The shorthands in a signature: those of its own module go before those of others."""
        parts = [member.node.args, *filter(None, [member.node.returns])]
        names = {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}
        places = [self._shorthands[member.file], *(self._shorthands[file] for file in sorted(self._shorthands))]
        for name in sorted(names):
            meaning = next((place[name] for place in places if name in place), None)
            if meaning is not None:
                yield f"{name} = {_written(meaning)}"

    def _members(self, class_: _Class) -> dict[str, _Member]:
        """Public methods of a class and its bases; that of the class which Python would ask first counts."""
        found: dict[str, _Member] = {}
        for each in self._order(class_):
            for statement in each.node.body:
                if isinstance(statement, _FUNCTIONS) and not statement.name.startswith("_"):
                    found.setdefault(statement.name, _Member(each.file, statement))
        return found

    def _order(self, class_: _Class) -> list[_Class]:
        """Return a class and its bases in Python's order, which is that of the C3 linearisation."""
        bases = [
            base
            for name in _bases(class_.node)
            if (base := self._private.get((class_.file, name)) or self._classes.get(name)) is not None
        ]
        waiting = [*(self._order(base) for base in bases), bases]
        order = [class_]
        while waiting := [rest for rest in waiting if rest]:
            later = [each for rest in waiting for each in rest[1:]]
            following = next((rest[0] for rest in waiting if rest[0] not in later), None)
            if following is None:
                raise GeneratorError(f"{class_.file}: the bases of {class_.node.name} contradict each other")
            order.append(following)
            waiting = [[each for each in rest if each is not following] for rest in waiting]
        return order


class _Class(NamedTuple):
    file: str
    node: ast.ClassDef


class _Member(NamedTuple):
    file: str
    node: _Function


_CLIENT = "MeerkatClient"
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _bases(node: ast.ClassDef) -> Iterable[str]:
    for base in node.bases:
        target = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(target, ast.Name):
            yield target.id


def _told(function: _Function) -> list[str]:
    found = _RPC.findall(ast.get_docstring(function) or "")
    return re.findall(r"``([^`]+)``", found[-1]) if found else []


def _shorthands(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Names that a module gives to types and constants, also to those that only type checkers see."""
    for statement in body:
        match statement:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=inner):
                yield from _shorthands(inner)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if not isinstance(value, ast.Call):
                yield name, value
            case _:
                pass


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = reversed(list(zip_longest(reversed(positional), reversed(arguments.defaults))))
    for index, (argument, default) in enumerate(defaults, start=1):
        yield _argument(argument, default)
        if index == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg is not None:
        yield f"*{_argument(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _argument(argument, default)
    if arguments.kwarg is not None:
        yield f"**{_argument(arguments.kwarg, None)}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    name = f"{argument.arg}: {_written(argument.annotation)}" if argument.annotation is not None else argument.arg
    if default is None:
        return name
    return f"{name}{' = ' if argument.annotation is not None else '='}{_written(default)}"


def _written(expression: ast.expr) -> str:
    text = ast.unparse(expression)
    # `unparse` prefers single quotes, and the package double ones.
    return text if '"' in text else text.replace("'", '"')
