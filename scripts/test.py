"""Sets everything up and runs the tests.

    python3 scripts/test.py [--fast] [pytest arguments]

`--fast` leaves out the slow tests and the linters: an answer in under a minute. Without pytest arguments two
workers share the tests, each with a sandbox of its own; `-n 0` runs all of them in one process.
"""

import subprocess
import sys
from pathlib import Path

from prepare import DEVELOPMENT_LOCK, ROOT, prepare, run

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    # `-m importlinter.cli` would only import that module.
    ("import contracts", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
)

WORKERS = ["-n", "2"]
"""Half of a worker's time is waiting for processes, so that two keep two cores busy."""


def check(python: Path) -> list[str]:
    """Run the checks beside one another, print what they find, and return the names of those that do."""

    def start(command: list[str]) -> subprocess.Popen[bytes]:
        told = subprocess.PIPE
        return subprocess.Popen([python, *command], cwd=ROOT, stdout=told, stderr=subprocess.STDOUT)

    running = [(name, start(command)) for name, command in CHECKS]
    failed = []
    for name, process in running:
        print(f"\N{MIDDLE DOT} {name}", file=sys.stderr, flush=True)
        said, _ = process.communicate()
        if process.returncode != 0:
            failed.append(name)
            sys.stderr.buffer.write(said)
    return failed


if __name__ == "__main__":
    arguments = sys.argv[1:]
    python = prepare(DEVELOPMENT_LOCK)
    if "--fast" in arguments:
        arguments.remove("--fast")
        run(python, ["-m", "pytest", "-m", "not slow", *(arguments or WORKERS)])
    if not arguments and (failed := check(python)):
        sys.exit(f"{' and '.join(failed)} found something; see above.")
    run(python, ["-m", "pytest", *(arguments or WORKERS)])
