"""What was counted, by package and by file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Count:
    """Statements and branches, and how many of them ran."""

    statements: int = 0
    run_statements: int = 0
    branches: int = 0
    run_branches: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.statements + other.statements,
            self.run_statements + other.run_statements,
            self.branches + other.branches,
            self.run_branches + other.run_branches,
        )

    @property
    def branch_percentage(self) -> float:
        """Of the branches alone, the strictest figure."""
        return 100 * self.run_branches / self.branches if self.branches else 100.0

    @property
    def percentage(self) -> float:
        """Of statements and branches together: what coverage.py calls the total with branches."""
        all_of_it = self.statements + self.branches
        return 100 * (self.run_statements + self.run_branches) / all_of_it if all_of_it else 100.0

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> "Count":
        """Read a summary of coverage.py's JSON report."""
        return cls(
            summary["num_statements"],
            summary["covered_lines"],
            summary["num_branches"],
            summary["covered_branches"],
        )


def packages_of(file: str) -> Iterable[str]:
    """Return what a file counts for: its package, and the room in it.

    `streamer/store/models.py` counts for `streamer` and for `streamer.store`.
    """
    parts = Path(file).with_suffix("").parts
    yield parts[0]
    yield ".".join(parts[:2])


def show(report: Mapping[str, Any], console: Console, *, missing: bool) -> None:
    """Print the totals; with `missing`, every file with lines and branches that did not run.

    Args:
        report: coverage.py's, as JSON.
    """
    totals: dict[str, Count] = {}
    for file, found in report["files"].items():
        for package in packages_of(file):
            totals[package] = totals.get(package, Count()) + Count.of(found["summary"])
    table = Table(box=None)
    table.add_column("package")
    for heading in ("statements", "branches", "branches run", "both"):
        table.add_column(heading, justify="right")
    for package, count in sorted(totals.items()):
        table.add_row(
            package,
            f"{count.statements:,}",
            f"{count.branches:,}",
            f"{count.branch_percentage:.1f} %",
            f"{count.percentage:.1f} %",
            style=None if "." in package else "bold",
        )
    console.print(table)
    if missing:
        for file, found in sorted(report["files"].items(), key=_worst_first):
            if found["missing_lines"] or found["missing_branches"]:
                console.print(f"{file}: {_places(found)}", highlight=False, soft_wrap=True, markup=False)


def _worst_first(item: tuple[str, Mapping[str, Any]]) -> int:
    return -(len(item[1]["missing_lines"]) + len(item[1]["missing_branches"]))


def _places(found: Mapping[str, Any]) -> str:
    missing = set(found["missing_lines"])
    lines = ", ".join(map(str, found["missing_lines"]))
    branches = ", ".join(
        f"{start}→{'end' if end < 0 else end}"
        for start, end in found["missing_branches"]
        if start not in missing and end not in missing
    )
    return "; ".join(
        part for part in (lines and f"lines {lines}", branches and f"branches {branches}") if part
    )


def read(file: Path) -> Mapping[str, Any]:
    """Read coverage.py's JSON report."""
    report: Mapping[str, Any] = json.loads(file.read_text())
    return report
