"""Runs the tests counted, and says how much ran; see `scripts/measure_coverage.py`."""

import argparse
import sys

from rich.console import Console

from scripts.coverage_measurement.report import read, show
from scripts.coverage_measurement.run import FOLDER, combine, run_tests


def main() -> int:
    """Run as a program; the exit status is pytest's."""
    parser = argparse.ArgumentParser(prog="measure_coverage.py", description="Branch coverage of the tests.")
    parser.add_argument("--append", action="store_true", help="add to what runs before have counted")
    parser.add_argument("--missing", action="store_true", help="list what did not run, by file")
    parser.add_argument(
        "--only-report", action="store_true", help="run nothing, tell what was counted before"
    )
    arguments, further = parser.parse_known_args()
    status = 0 if arguments.only_report else run_tests(further, append=arguments.append)
    file = FOLDER / "report.json"
    combine().json_report(outfile=str(file))
    show(read(file), Console(width=110), missing=arguments.missing)
    return status


if __name__ == "__main__":
    sys.exit(main())
