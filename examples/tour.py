"""A walk through what a client can do, one function a topic; the README quotes from here.

Prompts with a script tell the embedded model what to do; a real model gets ordinary prompts.
"""

from __future__ import annotations

import os

import trio

from meerkat import (
    MeerkatClient,
    RunCompleted,
    SessionAssistantBlockText,
    SessionMessageBlockAssistant,
    SessionMessageUser,
    SessionNotFoundError,
    TextDelta,
    TurnFailedError,
)

NOBODY = "018f0000-0000-7000-8000-000000000001"
FAIL = '{"script": [{"status": 401}]}'
SLEEP = '{"script": [{"sleep": 60}]}'


async def text_as_it_comes(client: MeerkatClient) -> None:
    async with client.create_session_streaming("Say hello") as events:
        async for event in events:
            if isinstance(event, TextDelta):
                print(event.delta, end="|")
    print(events.result.text)


async def only_the_text(client: MeerkatClient) -> None:
    session = await client.create_session("Hello")
    text, result = await session.stream("Are you there?").collect_text()
    print(text, result.usage.output_tokens)


async def several_at_once(client: MeerkatClient) -> None:
    async def ask(question: str) -> None:
        session = await client.create_session(question)
        answers[question] = session.text

    answers: dict[str, str] = {}
    async with trio.open_nursery() as nursery:
        for question in ("one", "two", "three"):
            nursery.start_soon(ask, question)
    print(sorted(answers.values()))


async def leaving_early(client: MeerkatClient) -> None:
    session = await client.create_session("Hello")
    with trio.move_on_after(0.3):  # the runtime is told to stop the turn, too
        await session.turn(SLEEP)
    print((await session.turn("Still there?")).text)


async def errors(client: MeerkatClient) -> None:
    try:
        await client.read_session(NOBODY)
    except SessionNotFoundError as error:
        print(error.code, error.method)

    session = await client.create_session("Hello")
    try:
        await session.turn(FAIL)
    except TurnFailedError as error:
        print(error.report.class_ if error.report else error)


async def following_a_session(client: MeerkatClient) -> None:
    session = await client.create_session("Hello")
    async with await session.subscribe_events() as events:
        await session.turn("Anything new?")
        async for event in events:
            if isinstance(event, RunCompleted):
                print("heard:", event.result)
                break


async def history(client: MeerkatClient) -> None:
    session = await client.create_session("Hello", labels={"topic": "greeting"})
    (summary,) = await client.list_sessions(labels={"topic": "greeting"})
    print(summary.message_count, summary["labels"])  # results read like the JSON that they were, too
    for message in (await session.history()).messages:
        match message:
            case SessionMessageUser(content=content):
                print("user:", content)
            case SessionMessageBlockAssistant(blocks=blocks):
                print("model:", *[block.data.text for block in blocks if isinstance(block, SessionAssistantBlockText)])
            case _:
                pass


async def any_method(client: MeerkatClient) -> None:
    print(await client.call("session/list", {"limit": 0}))
    print((await client.with_timeout(5).get_config()).backend)


async def main() -> None:
    topics = [text_as_it_comes, only_the_text, several_at_once, leaving_early, errors, following_a_session, history]
    async with MeerkatClient(runtime=None if "MEERKAT_RUNTIME" in os.environ else "embedded") as client:
        for topic in [*topics, any_method]:
            print(f"-- {topic.__name__.replace('_', ' ')}")
            await topic(client)


if __name__ == "__main__":
    trio.run(main)
