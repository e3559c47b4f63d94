"""The quick start on asyncio, with an explicit connect and close.

Nothing but the event loop differs from `quickstart.py`: the same client, sessions, streams and tools work on trio and
on asyncio.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from meerkat import CONTRACT_VERSION, MeerkatClient, TextDelta, ToolCallRequested

DIAMETERS = {"Io": 3643, "Europa": 3122, "Ganymede": 5268}


async def main() -> None:
    client = MeerkatClient(
        runtime=None if "MEERKAT_RUNTIME" in os.environ else "embedded",
        env={"MEERKAT_EMBEDDED_SCRIPT": str(Path(__file__).with_name("quickstart.json"))},
    )

    @client.tool("diameter", description="Look up how wide a moon of Jupiter is.")
    def look_up(moon: str) -> dict[str, int]:
        return {"km": DIAMETERS[moon]}

    await client.connect()
    try:
        print(f"{client.server_info.name}, contract {CONTRACT_VERSION}")

        print("> Name three moons of Jupiter.")
        session = await client.create_session("Name three moons of Jupiter.")
        print(session.text)

        print("> How wide is the last one?")
        async with session.stream("How wide is the last one?") as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    print(event.delta, end="", flush=True)
                elif isinstance(event, ToolCallRequested):
                    print(f"[the model calls {event.name} with {event.args}]")
        print(f"\n{events.result.tool_calls} tool call, {events.result.usage.total_tokens} tokens")
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main())
