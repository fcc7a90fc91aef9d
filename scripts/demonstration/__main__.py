"""Plays the demo: `python3 scripts/demo.py` sets up what this needs, then runs it."""

import argparse
import asyncio
import sys
from pathlib import Path

from rich.console import Console

from emulator import EmulatorError, Sandbox
from scripts.demonstration.flow import Demo
from scripts.demonstration.record import Record
from scripts.demonstration.transcript import Transcript


async def play(transcript: Transcript, record: Record, aws_endpoint: str | None) -> None:
    """Start a sandbox, play the flow on it, stop it."""
    transcript.console.rule("Streamer: long answers over a WebSocket, from real Lambda handlers")
    sandbox = Sandbox(
        options={"action_modules": ["streamer.testing"]},
        aws_endpoint=aws_endpoint,
        report=transcript.progress,
    )
    with record.timed("ready"):
        await sandbox.__aenter__()
    try:
        record.backend = dict(sandbox.backend)
        transcript.console.print(
            f"· Ready in {record.timings_ms['ready'] / 1000:.1f} s on {sandbox.backend['name']}"
            f" {sandbox.backend['version']} with the {sandbox.backend['engine']} DynamoDB engine.",
            highlight=False,
        )
        await Demo(sandbox, transcript, record).play()
    finally:
        with record.timed("stop"):
            await sandbox.stop()


def main() -> int:
    """Run as a program; 0 only if the flow was right."""
    parser = argparse.ArgumentParser(prog="demo.py", description="Plays the whole flow in the terminal.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was seen as JSON")
    parser.add_argument("--aws-endpoint", help="a running AWS back end, instead of LocalStack started here")
    arguments = parser.parse_args()
    if arguments.json is not None:
        try:
            arguments.json.open("a").close()
        except OSError as error:
            parser.error(f"{arguments.json} cannot be written ({error.strerror}); name another file.")
    transcript = Transcript(Console(highlight=False))
    record = Record()
    try:
        asyncio.run(play(transcript, record, arguments.aws_endpoint))
    except EmulatorError as error:
        transcript.check(str(error), passed=record.check("the sandbox runs", passed=False))
    except KeyboardInterrupt:
        return 130
    if arguments.json is not None:
        record.write(arguments.json)
    transcript.console.print()
    transcript.check(
        "Everything went as it should." if record.passed else "Something went wrong; see above.",
        passed=record.passed,
    )
    if record.passed:
        transcript.progress("Next: .venv/bin/python -m emulator up")
    return 0 if record.passed else 1


if __name__ == "__main__":
    sys.exit(main())
