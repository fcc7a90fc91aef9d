"""What a coverage report says of packages and files."""

import io
from typing import Any

from rich.console import Console

from scripts.coverage_measurement.report import Count, packages_of, show


def summary(statements: int, run: int, branches: int, run_branches: int) -> dict[str, int]:
    return {
        "num_statements": statements,
        "covered_lines": run,
        "num_branches": branches,
        "covered_branches": run_branches,
    }


REPORT: dict[str, Any] = {
    "files": {
        "streamer/store/models.py": {
            "summary": summary(10, 10, 4, 3),
            "missing_lines": [],
            "missing_branches": [[7, 9]],
        },
        "streamer/store/claims.py": {
            "summary": summary(10, 5, 0, 0),
            "missing_lines": [3, 4],
            "missing_branches": [[2, 3]],
        },
        "emulator/clock.py": {"summary": summary(5, 5, 2, 2), "missing_lines": [], "missing_branches": []},
    }
}


def printed(*, missing: bool) -> str:
    console = Console(file=io.StringIO(), width=110)
    show(REPORT, console, missing=missing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_counts_add_up() -> None:
    """Branches alone are the strictest figure; statements and branches together are coverage.py's total."""
    whole = Count(10, 10, 4, 3) + Count(10, 5, 0, 0)
    assert whole.branch_percentage == 75.0
    assert whole.percentage == 75.0
    assert Count().percentage == Count().branch_percentage == 100.0


def test_file_counts_for_its_package_and_its_room() -> None:
    """A module that lies beside the rooms is a room of its own."""
    assert [*packages_of("streamer/store/models.py")] == ["streamer", "streamer.store"]
    assert [*packages_of("emulator/clock.py")] == ["emulator", "emulator.clock"]


def test_totals_are_told_by_package() -> None:
    """Each package and each room has a line with its percentages."""
    lines = {line.split()[0]: line.split() for line in printed(missing=False).splitlines() if line.strip()}
    assert lines["streamer"][1:] == ["20", "4", "75.0", "%", "75.0", "%"]
    assert lines["emulator.clock"][1:] == ["5", "2", "100.0", "%", "100.0", "%"]


def test_what_did_not_run_is_listed_by_file_the_worst_first() -> None:
    """A branch into a line that is missing is not told twice; what ran whole is not told at all."""
    told = [line for line in printed(missing=True).splitlines() if ".py:" in line]
    assert told == ["streamer/store/claims.py: lines 3, 4", "streamer/store/models.py: branches 7→9"]
