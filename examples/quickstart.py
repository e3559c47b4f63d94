"""A first session: a turn, then a second one that streams while it runs and calls a function of this program.

It runs on the embedded runtime, whose model plays `quickstart.json`: no key, no network, the same output every time.
With ``MEERKAT_RUNTIME=rkat-rpc`` and a key for a model it runs on the real one.
"""

from __future__ import annotations

import os
from pathlib import Path

import trio

from meerkat import CONTRACT_VERSION, MeerkatClient, TextDelta, ToolCallRequested

client = MeerkatClient(
    runtime=None if "MEERKAT_RUNTIME" in os.environ else "embedded",
    env={"MEERKAT_EMBEDDED_SCRIPT": str(Path(__file__).with_suffix(".json"))},
)


@client.tool
async def diameter(moon: str) -> dict[str, int]:
    """Look up how wide a moon of Jupiter is."""
    return {"km": {"Io": 3643, "Europa": 3122, "Ganymede": 5268}[moon]}


async def main() -> None:
    async with client:
        print(f"{client.server_info.name}, contract {CONTRACT_VERSION}")

        print("> Name three moons of Jupiter.")
        session = await client.create_session("Name three moons of Jupiter.")
        print(session.text)

        print("> How wide is the last one?")
        async with session.stream("How wide is the last one?") as events:
            async for event in events:
                match event:
                    case TextDelta(delta=text):
                        print(text, end="", flush=True)
                    case ToolCallRequested(name=name, args=args):
                        print(f"[the model calls {name} with {args}]")
                    case _:
                        pass
        print(f"\n{events.result.tool_calls} tool call, {events.result.usage.total_tokens} tokens")


if __name__ == "__main__":
    trio.run(main)
