"""Many long requests at once, beside one that runs for a minute.

.venv/bin/python -m scripts.benchmarks.many_requests [--json FILE]
"""

import asyncio
import time

from emulator import Sandbox
from scripts.benchmarks.rows import Row, parser, percentile, show

MANY = 200
SECONDS = 2.0
"""Of work in each: it sleeps, as work that waits for others does."""

GOAL_S = 60.0


async def measure() -> list[Row]:
    """Submit all of them together; seconds until they are acknowledged and complete."""
    async with (
        Sandbox(options={"action_modules": ["streamer.testing"]}) as sandbox,
        await sandbox.connect(user="demo", tenant="demo") as client,
    ):
        await client.request("noop")
        long = client.request("sleep", {"seconds": GOAL_S, "steps": 60})
        await long.acknowledgment()
        began = time.perf_counter()
        acknowledged: list[float] = []
        completed: list[float] = []

        async def follow() -> None:
            request = client.request("sleep", {"seconds": SECONDS, "steps": 2})
            await request.acknowledgment()
            acknowledged.append(time.perf_counter() - began)
            await request
            completed.append(time.perf_counter() - began)

        async def follow_long() -> float:
            await long
            return time.perf_counter() - began

        following_long = asyncio.create_task(follow_long())
        await asyncio.gather(*(follow() for _ in range(MANY)))
        alone = await following_long
    name = f"{MANY} requests of {SECONDS:g} s together"
    return [
        Row(f"{name}: the last acknowledged", max(acknowledged), "s"),
        Row(f"{name}: half complete", percentile(completed, 0.5), "s"),
        Row(f"{name}: all complete", max(completed), "s", goal=GOAL_S),
        Row(f"one of {GOAL_S:g} s beside them: complete", alone, "s", GOAL_S),
    ]


if __name__ == "__main__":
    arguments = parser(__doc__ or "").parse_args()
    show("Many requests at once on this machine", asyncio.run(measure()), arguments.json)
