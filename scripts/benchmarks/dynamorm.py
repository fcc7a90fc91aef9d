"""DynamORM beside boto3's client and resource and PynamoDB: the same work, in turn, on one server.

.venv/bin/python -m scripts.benchmarks.dynamorm [--json FILE] [--endpoint-url URL] [--only WORK]

The server is DynamoDB in LocalStack unless another is named. PynamoDB is installed into an environment of
its own, from `pynamodb.lock`. boto3's client reads and writes items in DynamoDB's form, which nobody makes
or reads: it is what I/O alone costs. A ratio is DynamORM's time by the other's, the median over rounds in
which each had its turn.
"""

import asyncio
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from emulator import virtual_environment
from emulator.account import CREDENTIALS, ISOLATION
from emulator.localstack.environment import home
from emulator.localstack.process import LocalStack
from scripts.benchmarks.rows import Row, parser, show

ROOT = Path(__file__).parents[2]
LOCK = Path(__file__).with_name("pynamodb.lock")

CLIENT, PYNAMODB, OURS = "boto3's client", "PynamoDB", "DynamORM"

UNITS = {"import": "ms", "memory with 1,000 items": "MB"}
"""Of the rows that are no calls."""

GOALS_WITH_IO = {CLIENT: 1.1, PYNAMODB: 1.0}
GOALS_WITHOUT_IO = {CLIENT: 0.5, PYNAMODB: 0.5}
IMPORT_GOAL_MS = 60


async def main() -> None:
    """Measure and show."""
    arguments = parser("DynamORM beside boto3 and PynamoDB.")
    arguments.add_argument("--endpoint-url", metavar="URL", help="a DynamoDB that runs already")
    arguments.add_argument("--only", action="append", default=[], metavar="WORK", help="a row's name")
    given = arguments.parse_args()
    python = virtual_environment.make(home() / "pynamodb", LOCK, report=print)
    if given.endpoint_url is not None:
        found = await asyncio.to_thread(measure, python, given.endpoint_url, given.only)
    else:
        with tempfile.TemporaryDirectory() as folder:
            localstack = LocalStack(Path(folder), print)
            await localstack.start()
            try:
                found = await asyncio.to_thread(measure, python, localstack.endpoint_url, given.only)
            finally:
                await localstack.stop()
    show("DynamORM beside boto3 and PynamoDB, medians", rows(found), given.json)


def measure(python: Path, endpoint_url: str, only: list[str]) -> dict[str, Any]:
    """Run the measurement in its environment."""
    done = subprocess.run(
        [str(python), "-m", "scripts.benchmarks.dynamorm_work.measure", endpoint_url, *only],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "PYTHONPATH": str(ROOT),
            **CREDENTIALS,
            **ISOLATION,
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(found: dict[str, Any]) -> list[Row]:
    """Return for each kind of work what it takes, and how it compares with each of the others."""
    made = []
    for work, measured in found.items():
        times, unit = measured["values"], UNITS.get(work, "ms")
        if work == "import":
            made.append(
                Row("import on top of botocore, CPU", times[OURS], unit, times[PYNAMODB], goal=IMPORT_GOAL_MS)
            )
            continue
        made.append(Row(work, times[OURS], unit, reference=times[CLIENT]))
        goals = goals_of(work)
        for name, ratio in measured["ratios"].items():
            made.append(Row(f"  by {name}", ratio, "ratio", reference=1.0, goal=goals.get(name)))
    return made


def goals_of(work: str) -> dict[str, float]:
    """Return the goals of the ratios, by the name of the other."""
    if work in UNITS:
        return {}
    return GOALS_WITHOUT_IO if work in ("encode 1,000", "decode 1,000") else GOALS_WITH_IO


if __name__ == "__main__":
    asyncio.run(main())
