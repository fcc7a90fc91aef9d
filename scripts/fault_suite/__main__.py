"""Plays a storm of faults and says whether every promise was kept.

.venv/bin/python -m scripts.fault_suite [--seed N] [--requests N]
"""

import argparse
import asyncio
import secrets
import sys

from rich.console import Console

from emulator import Sandbox
from scripts.fault_suite.plan import Plan, make_plan
from scripts.fault_suite.report import show
from scripts.fault_suite.storm import Result, Storm

OPTIONS = {"action_modules": ["streamer.testing"]}


async def play(plan: Plan) -> Result:
    """Start a sandbox, carry the plan out, stop it."""
    async with Sandbox(options=OPTIONS) as sandbox:
        return await Storm(sandbox, plan).run()


def main() -> int:
    """Run as a program; 0 only if every promise was kept."""
    parser = argparse.ArgumentParser(prog="fault_suite", description="Plays a storm of faults, by seed.")
    parser.add_argument(
        "--seed", type=int, default=None, help="of a storm that was before; a new one if left out"
    )
    parser.add_argument("--requests", type=int, default=1_000, help="how many are sent (1000)")
    arguments = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    print(f"Seed {seed}", flush=True)
    result = asyncio.run(play(make_plan(seed, arguments.requests)))
    show(result, Console(width=160))
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
