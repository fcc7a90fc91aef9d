"""What several commands show as a table. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from emulator.displays.words import duration

Row = Mapping[str, Any]


def schedules_table(schedules: Sequence[Row], *, title: str | None = None) -> Table:
    """Return the schedules; a row is `{"name", "function", "expression", "is_enabled", "next_due_in_s"}`."""
    table = Table("name", "function", "expression", "next due", title=title, box=None)
    for one in schedules:
        table.add_row(one["name"], one["function"], one["expression"], _due(one))
    return table


def _due(schedule: Row) -> str:
    if not schedule["is_enabled"]:
        return "disabled"
    due_in_s = schedule["next_due_in_s"]
    return "never" if due_in_s is None else f"in {duration(due_in_s * 1000)}"


def faults_table(faults: Sequence[Row], *, title: str | None = None) -> Table:
    """Return the declared faults; a row has an id, the fields of `emulator.faults.Fault`, and `struck`.

    A column is left out where every fault has nothing, or the default, in it.
    """
    rows = [
        {
            "id": fault["id"],
            "kind": fault["kind"],
            "where": ", ".join(f"{name}={value}" for name, value in fault["where"].items()),
            "probability": f"{fault['probability']:g}" if fault["probability"] < 1 else "",
            "times": "for ever" if fault["times"] is None else str(fault["times"]),
            "skip": str(fault["skip"] or ""),
            "delay": duration(fault["delay_s"] * 1000) if fault["delay_s"] else "",
            "code": fault["code"],
            "seed": str(fault["seed"] or ""),
            "struck": str(fault["struck"]),
        }
        for fault in faults
    ]
    names = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    table = Table(title=title, box=None)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in ("id", "kind"))
    for row in rows:
        table.add_row(*(row[name] for name in names))
    return table
