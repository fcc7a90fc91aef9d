"""What a benchmark found: rows of name, value, unit, reference and goal."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        reference: the same figure of something to compare with, measured in the same run, or None.
        goal: what it should be below, or None.
    """

    name: str
    value: float
    unit: str
    reference: float | None = None
    goal: float | None = None


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the value below which `fraction` of the sorted values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]


def parser(description: str) -> argparse.ArgumentParser:
    """Return a command line with `--json FILE`."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON too")
    return arguments


def show(title: str, rows: Sequence[Row], json_file: Path | None) -> None:
    """Print the rows as a table; write them as JSON where asked."""
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("figure")
    for heading in ("value", "unit", "reference", "ratio", "goal"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.value:,.2f}",
            row.unit,
            "" if row.reference is None else f"{row.reference:,.2f}",
            "" if not row.reference else f"{row.value / row.reference:.1f}",
            "" if row.goal is None else f"< {row.goal:g}",
        )
    Console(width=110).print(table)
    if json_file is not None:
        json_file.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
