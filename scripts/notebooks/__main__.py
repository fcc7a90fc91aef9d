"""Executes the notebooks whose code has changed since their outputs were made, and writes the outputs.

python -m scripts.notebooks [--all] [NOTEBOOK ...]

`--all` executes the others too: after a change of what they show, which `tests/notebooks` sees and the
stamp doesn't.
"""

import argparse
from pathlib import Path

from nbclient.exceptions import CellExecutionError

from scripts.notebooks.execution import paths, read, renew
from scripts.notebooks.stamp import is_current


def main() -> int:
    """Execute what has to be; the exit status tells whether all of it reached its end."""
    parser = argparse.ArgumentParser(prog="python -m scripts.notebooks", description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="those that are up to date too")
    parser.add_argument("notebooks", nargs="*", type=Path, help="these alone, always")
    arguments = parser.parse_args()
    status = 0
    for path in arguments.notebooks or paths():
        if not arguments.notebooks and not arguments.all and is_current(read(path)):
            print(f"{path.name}: up to date")
            continue
        try:
            print(f"{path.name}: {renew(path):.1f} s", flush=True)
        except CellExecutionError as error:
            print(f"{path.name}: a cell failed, nothing was written.\n{error}")
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())
