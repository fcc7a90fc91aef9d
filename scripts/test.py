"""Sets everything up and runs the tests.

    python3 scripts/test.py [--fast] [pytest arguments]

`--fast` leaves out the slow tests and the linters: an answer in under a minute.
"""

import sys

from prepare import DEVELOPMENT_LOCK, call, prepare, run

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    # `-m importlinter.cli` would only import that module.
    ("import contracts", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
)

if __name__ == "__main__":
    arguments = sys.argv[1:]
    python = prepare(DEVELOPMENT_LOCK)
    if "--fast" in arguments:
        arguments.remove("--fast")
        run(python, ["-m", "pytest", "-m", "not slow", *arguments])
    if not arguments:
        for name, check in CHECKS:
            print(f"\N{MIDDLE DOT} {name}", file=sys.stderr, flush=True)
            if call(python, check) != 0:
                sys.exit(f"{name} found something; see above.")
    run(python, ["-m", "pytest", *arguments])
