"""Tools that the runtime does not take, and tools that could not even be offered: told once, where it was caused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from meerkat import InvalidArgumentError, InvalidParamsError, MeerkatClient
from meerkat.tools import Tool
from tests.support.answers import Answers, result

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 30
SESSION = "018f0000-0000-7000-8000-000000000001"
REFUSAL = {"jsonrpc": "2.0", "id": "$id", "error": {"code": -32602, "message": "Invalid params: no such kind"}}
SAYS = re.escape("tools/register: the tools good, odd could not be registered: Invalid params: no such kind")


def refusing(directory: Path) -> Answers:
    """A runtime that takes no tools."""
    return Answers(directory, {"tools/register": [REFUSAL], "session/list": [result({"sessions": []})]})


def offer_two(client: MeerkatClient) -> None:
    """Declare two tools."""

    @client.tool
    async def good() -> None:
        """Do nothing."""

    @client.tool
    async def odd() -> None:
        """Do nothing."""


def anything(arguments: dict[str, Any]) -> None:
    """Do nothing."""


def asked(runtime: Answers) -> list[str]:
    """The methods that were called after the handshake."""
    return [method for method, _ in runtime.requests()]


@pytest.mark.requirement("P01", "C03")
async def test_a_refusal_is_the_error_of_connect(tmp_path: Path) -> None:
    runtime = refusing(tmp_path)
    client = runtime.client()
    offer_two(client)
    with anyio.fail_after(LIMIT):
        for _ in range(2):
            with pytest.raises(InvalidParamsError, match=SAYS) as caught:
                await client.connect()
            assert (caught.value.code, caught.value.method) == (-32602, "tools/register")
            assert client.pid is None
            assert asked(runtime) == ["tools/register"]


@pytest.mark.requirement("P01", "C03")
async def test_a_refusal_is_the_error_of_the_call_that_it_went_before(tmp_path: Path) -> None:
    runtime = refusing(tmp_path)
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            offer_two(client)
            with pytest.raises(InvalidParamsError, match=SAYS):
                await client.list_sessions()
            # What the tools mean nothing to works.
            assert await client.list_sessions() == []
            assert await client.call("session/list") == {"sessions": []}
            # An agent must not run without the tools that it is to have.
            with pytest.raises(InvalidParamsError, match=SAYS):
                await client.create_session("hello")
            with pytest.raises(InvalidParamsError, match=SAYS):
                async with client.session(SESSION).stream("hello"):
                    pass
            with pytest.raises(InvalidParamsError, match=SAYS):
                await client.call("turn/start", {"session_id": SESSION, "prompt": "hello"})
            assert await client.list_sessions() == []
            assert client.server_info.name == "answers"
    register, read = "tools/register", "session/list"
    assert asked(runtime) == [register, read, read, register, register, register, read]


@pytest.mark.requirement("P01")
async def test_a_new_tool_is_offered_with_the_refused_ones(tmp_path: Path) -> None:
    runtime = refusing(tmp_path)
    with anyio.fail_after(LIMIT):
        async with runtime.client() as client:
            offer_two(client)
            with pytest.raises(InvalidParamsError, match=SAYS):
                await client.list_sessions()

            @client.tool
            async def third() -> None:
                """Do nothing."""

            with pytest.raises(InvalidParamsError, match="the tools good, odd, third could not be registered"):
                await client.list_sessions()
            assert await client.list_sessions() == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"input_schema": {"minimum": float("nan")}}, r"'odd' cannot be offered: nan is not JSON - at `\$.*minimum`"),
        ({"input_schema": {"default": object()}}, r"'odd' cannot be offered: a object is not JSON"),
        ({"description": "\ud800"}, r"'odd' cannot be offered: surrogates not allowed.*description"),
        ({"name": ""}, "a tool needs a name"),
    ],
)
@pytest.mark.requirement("C06")
def test_what_could_not_be_sent_is_refused_where_it_is_declared(given: dict[str, Any], says: str) -> None:
    client = MeerkatClient(runtime="embedded")
    declare: Any = client.tool
    with pytest.raises(InvalidArgumentError, match=says):
        declare(**{"name": "odd", **given})(anything)
    assert not client._state.tools.unregistered


async def test_a_client_with_a_tool_that_was_refused_here_works(tmp_path: Path) -> None:
    with anyio.fail_after(LIMIT):
        client = MeerkatClient(runtime="embedded")
        with pytest.raises(InvalidArgumentError):
            client.tool("odd", input_schema={"minimum": float("inf")})(anything)
        await client.connect(state_root=tmp_path)
        try:
            assert await client.list_sessions() == []
        finally:
            await client.close()


@pytest.mark.requirement("P03")
async def test_a_function_that_returns_an_awaitable_is_waited_for() -> None:
    async def later(word: str) -> str:
        await anyio.lowlevel.checkpoint()
        return f"late {word}"

    def function(arguments: dict[str, Any]) -> object:
        return later(arguments["word"])

    tool = Tool(function, "later", input_schema={"type": "object"})
    assert await tool.run({"word": "x"}) == ("late x", False)
