"""Callback tools: functions of this program that the agent can call."""

from __future__ import annotations

import inspect
import logging
import re
import typing
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meerkat._core.codec import checked, encode
from meerkat._core.errors import InvalidArgumentError

if TYPE_CHECKING:
    from typing import TypeAlias

    Handler: TypeAlias = Callable[..., Any]

logger = logging.getLogger("meerkat.tools")

OPEN_SCHEMA: Final[dict[str, Any]] = {"type": "object"}


class Tool:
    """A function that the agent can call.

    A function with one parameter that is a mapping (or with an explicit ``input_schema`` and one parameter) gets the
    arguments as a dictionary. Any other function gets them by name; then the JSON Schema comes from its type hints and
    the descriptions from its docstring, and arguments that do not fit are refused before it is called.

    Attributes:
        name: Name that the model sees.
        description: What the tool does, for the model.
        input_schema: JSON Schema of its arguments.
    """

    def __init__(
        self, handler: Handler, name: str, description: str = "", input_schema: dict[str, Any] | None = None
    ) -> None:
        self._handler = handler
        self._arguments: type[msgspec.Struct] | None = None
        doc = inspect.getdoc(handler) or ""
        self.name = name
        self.description = description or _summary(doc) or f"Tool: {name}"
        if input_schema is None and not _takes_mapping(handler):
            self._arguments = _arguments_type(handler, name, doc)
            input_schema = _schema(self._arguments)
        self.input_schema: dict[str, Any] = OPEN_SCHEMA if input_schema is None else input_schema
        self._check()
        self._by_name = not _takes_mapping(handler, any_single=self._arguments is None)

    def _check(self) -> None:
        """Refuse at once what could not be sent, instead of at the call before which it would be registered."""
        from meerkat._generated.types.tools import ToolDefinition  # noqa: PLC0415  # not needed to make a client

        try:
            checked(ToolDefinition, self.definition())
        except ValueError as error:
            raise InvalidArgumentError(message=f"the tool {self.name!r} cannot be offered: {error}") from error
        if not self.name:
            raise InvalidArgumentError(message="a tool needs a name")

    def definition(self) -> dict[str, Any]:
        """What is registered with the runtime."""
        return {"name": self.name, "description": self.description, "input_schema": self.input_schema}

    async def run(self, arguments: Any) -> tuple[str, bool]:
        """Call the function; return what the model is told, and whether that is an error."""
        try:
            call = self._bind(arguments)
        except (msgspec.ValidationError, TypeError) as error:
            return f"Invalid arguments for the tool {self.name}: {error}", True
        try:
            if inspect.iscoroutinefunction(self._handler):
                result = await call()
            else:
                from anyio import to_thread  # noqa: PLC0415  # not needed to make a client

                # A function that blocks must not stop the reader; one that returns an awaitable is awaited here.
                # In a tuple, since trio takes an awaitable for a mistake.
                (result,) = await to_thread.run_sync(lambda: (call(),), abandon_on_cancel=True)
                if inspect.isawaitable(result):
                    result = await result
            return _content(result), False
        except (Exception, SystemExit) as error:
            logger.exception("the tool %s failed", self.name)
            return f"The tool {self.name} failed: {_words(error)}", True

    def _bind(self, arguments: Any) -> Callable[[], Any]:
        if self._arguments is not None:
            values = msgspec.convert({} if arguments is None else arguments, self._arguments)
            named = {field: getattr(values, field) for field in values.__struct_fields__}
            return partial(self._handler, **named)
        if self._by_name:
            return partial(self._handler, **({} if arguments is None else arguments))
        return partial(self._handler, arguments)


class ToolRegistry:
    """The tools of a client, and which of them the runtime does not know yet."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self.unregistered: set[str] = set()
        self._refused: set[str] = set()

    def add(self, tool: Tool) -> None:
        """Add a tool, or replace the one with its name."""
        self._tools[tool.name] = tool
        self.unregistered.add(tool.name)
        self._refused.discard(tool.name)

    def forget_registrations(self) -> None:
        """A new runtime knows none of them."""
        self.unregistered = set(self._tools)
        self._refused.clear()

    def to_register(self, *, runs_agent: bool) -> list[Tool]:
        """Tools to register before a call, in the order of their declaration.

        Args:
            runs_agent: Whether the call runs an agent, which must not do so without the tools that it is to have. Any
                other call goes out without tools that the runtime has refused: that was raised once already.
        """
        wanted = self.unregistered if runs_agent or self.unregistered - self._refused else ()
        return [tool for name, tool in self._tools.items() if name in wanted]

    def refused(self, tools: list[Tool]) -> None:
        """The runtime does not take these, at least not together."""
        self._refused.update(tool.name for tool in tools)

    def registered(self, tools: list[Tool]) -> None:
        """The runtime knows these now."""
        names = {tool.name for tool in tools if self._tools.get(tool.name) is tool}
        self.unregistered -= names
        self._refused -= names

    async def run(self, name: str, arguments: Any) -> tuple[str, bool]:
        """Call a tool by name."""
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(sorted(self._tools)) or "none"
            return f"Unknown tool: {name} (known: {known})", True
        return await tool.run(arguments)


def _words(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except Exception:  # noqa: BLE001  # whatever a program's own exception does when it is asked for its text
        return name


def _content(result: Any) -> str:
    if isinstance(result, str):
        return result
    return "" if result is None else encode(result).decode()


def _parameters(handler: Handler) -> list[inspect.Parameter]:
    return list(inspect.signature(handler).parameters.values())


def _takes_mapping(handler: Handler, *, any_single: bool = False) -> bool:
    """Whether a function takes all arguments as one mapping."""
    parameters = _parameters(handler)
    if len(parameters) != 1 or parameters[0].kind not in _POSITIONAL:
        return False
    hint = _hints(handler).get(parameters[0].name, inspect.Parameter.empty)
    if hint is inspect.Parameter.empty or any_single:
        return True
    origin = typing.get_origin(hint) or hint
    return isinstance(origin, type) and issubclass(origin, Mapping)


_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _hints(handler: Handler) -> dict[str, Any]:
    function = handler if inspect.isroutine(handler) else type(handler).__call__
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except NameError as error:
        name = getattr(handler, "__name__", repr(handler))
        message = f"the type hints of {name} cannot be resolved: {error}; import the name where the program runs too"
        raise InvalidArgumentError(message=message) from error


def _arguments_type(handler: Handler, tool: str, doc: str) -> type[msgspec.Struct]:
    hints = _hints(handler)
    described = _described_arguments(doc)
    fields: list[tuple[str, Any, Any]] = []
    for parameter in _parameters(handler):
        if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
            message = f"the tool {tool} has a parameter that has no name of its own: {parameter}"
            raise InvalidArgumentError(message=message)
        hint = hints.get(parameter.name, Any)
        if parameter.name in described:
            hint = typing.Annotated[hint, msgspec.Meta(description=described[parameter.name])]
        default = msgspec.NODEFAULT if parameter.default is inspect.Parameter.empty else parameter.default
        fields.append((parameter.name, hint, default))
    try:
        return msgspec.defstruct(f"{tool} arguments", fields, kw_only=True, forbid_unknown_fields=True)
    except TypeError as error:
        message = f"the parameters of the tool {tool} cannot be described: {error}; give input_schema"
        raise InvalidArgumentError(message=message) from error


def _schema(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """JSON Schema of the arguments, complete in itself."""
    try:
        (schema,), components = msgspec.json.schema_components([arguments], ref_template="#/$defs/{name}")
    except TypeError as error:
        message = f"no JSON Schema for the {arguments.__name__}: {error}; give input_schema"
        raise InvalidArgumentError(message=message) from error
    own = dict(components.pop(schema["$ref"].removeprefix("#/$defs/")))
    own.pop("title", None)
    own["additionalProperties"] = False
    if components:
        own["$defs"] = components
    return own


def _summary(doc: str) -> str:
    """First paragraph of a docstring, on one line."""
    return " ".join(doc.split("\n\n", 1)[0].split())


def _described_arguments(doc: str) -> dict[str, str]:
    """Descriptions in the ``Args:`` section of a docstring."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", doc, re.MULTILINE)
    if section is None:
        return {}
    out: dict[str, str] = {}
    name = ""
    lines = section.group(1).splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    for line in lines:
        start = re.match(rf"^ {{{indent}}}(\w+)(?: \([^)]*\))?: ?(.*)", line)
        if start:
            name = start.group(1)
            out[name] = start.group(2).strip()
        elif name and line.strip():
            out[name] += " " + line.strip()
    return out
