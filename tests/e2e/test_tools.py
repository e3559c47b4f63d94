"""Callback tools: their schemas, and every way in which a call of one can end."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping  # noqa: TC003  # a tool's hints are read when it is declared
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError, validate

from meerkat import InvalidArgumentError, MeerkatClient, NotConnectedError
from meerkat.tools import Tool, ToolRegistry
from tests.e2e.conftest import LIMIT
from tests.e2e.test_sessions import script

if TYPE_CHECKING:
    from threading import Thread as OnlyForTypeCheckers


class Place(msgspec.Struct):
    """A place."""

    city: str
    country: str = "NO"


async def forecast(place: Place, days: Annotated[int, msgspec.Meta(ge=1)] = 1, unit: Literal["C", "F"] = "C") -> Any:
    """Tell the weather of a place.

    More words that the model does not need.

    Args:
        place: Where.
        days: How many days
            from today on.
        unit: Unit of temperatures.

    Returns:
        Something.
    """
    return {"city": place.city, "days": days, "unit": unit}


@pytest.mark.requirement("P04")
def test_schema_from_hints_and_docstring() -> None:
    tool = Tool(forecast, "forecast")
    Draft202012Validator.check_schema(tool.input_schema)
    assert tool.description == "Tell the weather of a place."
    properties = tool.input_schema["properties"]
    assert tool.input_schema["required"] == ["place"]
    assert properties["days"] == {
        "type": "integer",
        "minimum": 1,
        "description": "How many days from today on.",
        "default": 1,
    }
    assert properties["unit"]["enum"] == ["C", "F"]
    assert properties["place"]["description"] == "Where."
    validate({"place": {"city": "Oslo"}, "days": 2}, tool.input_schema)
    with pytest.raises(ValidationError):
        validate({"place": {"city": "Oslo"}, "day": 2}, tool.input_schema)


@pytest.mark.parametrize(
    ("arguments", "content", "is_error"),
    [
        ({"place": {"city": "Oslo"}}, {"city": "Oslo", "days": 1, "unit": "C"}, False),
        ({"place": {"city": "Oslo"}, "days": 3, "unit": "F"}, {"city": "Oslo", "days": 3, "unit": "F"}, False),
        ({"place": {}}, "city", True),
        ({"place": {"city": "Oslo"}, "days": 0}, "days", True),
        ({"place": {"city": "Oslo"}, "dayz": 1}, "dayz", True),
        (None, "place", True),
        ([1], "Expected `object`", True),
    ],
)
@pytest.mark.requirement("P03", "P04")
async def test_arguments_are_checked(arguments: Any, content: Any, is_error: bool) -> None:
    text, failed = await Tool(forecast, "forecast").run(arguments)
    assert failed is is_error
    if is_error:
        assert content in text
        assert "forecast" in text
    else:
        assert json.loads(text) == content


async def test_a_function_of_one_mapping_gets_the_arguments_as_they_are() -> None:
    async def first(arguments: dict[str, Any]) -> str:
        return json.dumps(arguments)

    async def second(arguments):  # type: ignore[no-untyped-def]  # without hints, on purpose
        return arguments  # pyright: ignore[reportUnknownVariableType]

    async def third(arguments: Mapping[str, Any], /) -> Any:
        return dict(arguments)

    functions: list[Any] = [first, second, third]
    for function in functions:
        tool = Tool(function, "t")
        assert tool.input_schema == {"type": "object"}
        assert await tool.run({"a": [1]}) in {('{"a": [1]}', False), ('{"a":[1]}', False)}


async def test_an_explicit_schema_is_kept() -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}

    async def one(query: Any) -> str:
        return str(query["q"])

    async def several(q: str, n: int = 1) -> str:
        return q * n

    assert Tool(one, "t", input_schema=schema).input_schema is schema
    assert await Tool(one, "t", input_schema=schema).run({"q": "x"}) == ("x", False)
    assert await Tool(several, "t", input_schema=schema).run({"q": "x", "n": 2}) == ("xx", False)


@pytest.mark.parametrize(
    ("result", "content"),
    [
        ("text", "text"),
        (None, ""),
        (True, "true"),
        (1.5, "1.5"),
        ([1, "a"], '[1,"a"]'),
        (Place(city="Oslo"), '{"city":"Oslo","country":"NO"}'),
    ],
)
@pytest.mark.requirement("P03", "P04")
async def test_results_are_text_or_json(result: Any, content: str) -> None:
    async def tool() -> Any:
        return result

    assert await Tool(tool, "t").run({}) == (content, False)


@pytest.mark.requirement("P03")
async def test_a_failing_tool_is_a_failed_call() -> None:
    async def broken() -> str:
        raise KeyError("nothing here")

    async def odd() -> object:
        return object()

    text, failed = await Tool(broken, "broken").run({})
    assert failed
    assert "KeyError" in text
    text, failed = await Tool(odd, "odd").run({})
    assert failed
    assert "not JSON" in text


@pytest.mark.requirement("P02")
async def test_a_function_that_blocks_runs_in_a_thread() -> None:
    def where() -> str:
        return threading.current_thread().name

    text, failed = await Tool(where, "where").run({})
    assert not failed
    assert text != threading.main_thread().name


@pytest.mark.requirement("P03")
async def test_an_unknown_tool() -> None:
    registry = ToolRegistry()
    registry.add(Tool(forecast, "forecast"))
    text, failed = await registry.run("forcast", {})
    assert failed
    assert "forcast" in text
    assert "forecast" in text


def test_parameters_that_no_schema_can_describe() -> None:
    def starred(*args: int) -> None: ...

    def odd(thing: threading.Thread) -> None: ...

    for function in (starred, odd):
        with pytest.raises(InvalidArgumentError, match="t"):
            Tool(function, "t")


def test_hints_that_are_not_there_when_the_program_runs() -> None:
    def tool(thing: OnlyForTypeCheckers) -> None: ...

    with pytest.raises(InvalidArgumentError, match="OnlyForTypeCheckers"):
        Tool(tool, "t")


def test_the_decorator_keeps_the_function() -> None:
    client = MeerkatClient()

    @client.tool
    async def plain(x: int) -> str:
        """Do it."""
        return str(x)

    @client.tool("other", description="said", input_schema={"type": "object"})
    def named(arguments: dict[str, Any]) -> str:
        return str(arguments)

    definitions = {tool.name: tool.definition() for tool in client._state.tools.to_register(runs_agent=True)}
    assert definitions["plain"]["description"] == "Do it."
    assert definitions["other"] == {"name": "other", "description": "said", "input_schema": {"type": "object"}}
    assert callable(plain)
    assert callable(named)


@pytest.mark.requirement("P01", "T10")
async def test_tools_declared_before_and_after_connect(client: MeerkatClient) -> None:
    @client.tool
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    session = await client.create_session(script({"tool": "add", "args": {"a": 2, "b": 3}}, {"text": "done"}))

    @client.tool
    def double(a: int) -> int:
        """Double a number."""
        return 2 * a

    result = await session.turn(script({"tool": "double", "args": {"a": 4}}, {"text": "done"}))
    assert result.tool_calls == 1
    history = json.dumps(msgspec.to_builtins((await session.history()).messages))
    assert '"content": "5"' in history
    assert '"content": "8"' in history


@pytest.mark.requirement("P02")
async def test_slow_tools_run_beside_each_other_and_calls_go_on(client: MeerkatClient) -> None:
    """The tools of two sessions wait for each other: they must run at the same time, outside the reader."""
    here: list[str] = []
    together = anyio.Event()

    @client.tool
    async def meet(name: str) -> str:
        here.append(name)
        if len(here) == 2:
            # A call from within a tool: the reader must be free for its answer.
            await client.get_runtime_host_health()
            together.set()
        await together.wait()
        return name

    with anyio.fail_after(LIMIT / 3):
        async with anyio.create_task_group() as group:
            for name in ("left", "right"):
                group.start_soon(
                    client.create_session, script({"tool": "meet", "args": {"name": name}}, {"text": "done"})
                )
    assert sorted(here) == ["left", "right"]


@pytest.mark.requirement("P03")
async def test_a_tool_that_fails_does_not_fail_the_turn(client: MeerkatClient) -> None:
    @client.tool
    async def broken() -> str:
        raise RuntimeError("no luck")

    session = await client.create_session(script({"tool": "broken"}, {"text": "done"}))
    assert session.text == "done"
    history = json.dumps(msgspec.to_builtins((await session.history()).messages))
    assert "no luck" in history


@pytest.mark.requirement("P05")
async def test_closing_cancels_a_running_tool(client: MeerkatClient) -> None:
    started = anyio.Event()
    ended: list[str] = []

    @client.tool
    async def endless() -> None:
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cancelled")

    async def run() -> None:
        with pytest.raises(NotConnectedError, match="closed"):
            await client.create_session(script({"tool": "endless"}))

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            group.start_soon(run)
            await started.wait()
            await client.close()
    assert ended == ["cancelled"]
