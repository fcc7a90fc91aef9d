"""The commands that look: `doctor | status | logs | timeline`."""

import json
from typing import Annotated

import typer
from rich.table import Table

from emulator import doctor as examinations
from emulator import state as states
from emulator.cli.console import address_lines, ask, out
from emulator.cli.experiments import clock_line
from emulator.cli.tables import faults_table, schedules_table
from emulator.displays.tables import time_of
from emulator.displays.timeline import nothing_known, timeline_text
from emulator.errors import EmulatorError


def doctor() -> None:
    """Say what this machine lacks and how to mend it."""
    findings = examinations.examine()
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found", "what to do"):
        table.add_column(heading)
    for finding in findings:
        mark = "[green]ok[/green]" if finding.good else "[red]no[/red]"
        table.add_row(mark, finding.what, finding.found, "" if finding.good else finding.mend)
    out.print(table)
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def status() -> None:
    """Show the running sandbox: addresses, clock, environments, connections, schedules, faults, memory."""
    for line in address_lines(states.get(states.state_path()).addresses):
        out.print(line, highlight=False, soft_wrap=True)
    out.print(f"{'clock':16} {clock_line(ask('/clock'))}", highlight=False, soft_wrap=True)
    environments = Table("function", "pid", "state", "invocations", title="Environments", box=None)
    for row in ask("/environments"):
        environments.add_row(row["function"], str(row["pid"]), row["state"], str(row["invocations"]))
    out.print(environments)
    connections = Table("id", "connected", "last active", title="Connections", box=None)
    for row in ask("/overview")["connections"]:
        connections.add_row(
            row["connection_id"], time_of(row["connected_at"]), time_of(row["last_active_at"])
        )
    schedules, faults = ask("/events")["schedules"], ask("/faults")
    for table, is_there in (
        (connections, connections.row_count > 0),
        (schedules_table(schedules, title="Schedules"), bool(schedules)),
        (faults_table(faults, title="Faults"), bool(faults)),
    ):
        if is_there:
            out.print(table)
    memory = Table("pid", "process", "RSS MB", "PSS MB", title="Memory", box=None)
    for row in ask("/memory"):
        memory.add_row(str(row["pid"]), row["name"], str(row["rss_mb"]), str(row["pss_mb"] or ""))
    out.print(memory)


def logs(function: Annotated[str, typer.Argument(help="name of the function, executor say")]) -> None:
    """Print the kept logs of a function."""
    for invocation in ask("/logs", function=function):
        print(invocation["log"], end="" if invocation["log"].endswith("\n") else "\n")


def timeline(
    request: Annotated[str | None, typer.Argument(help="id of a request; without it, everything")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON per entry")] = False,
) -> None:
    """Print what happened in the running sandbox, or to one request."""
    entries = ask("/timeline") if request is None else ask("/timeline", of=request)
    if request is not None and not entries:
        raise EmulatorError(nothing_known(request))
    if as_json:
        for entry in entries:
            print(json.dumps(entry))
    else:
        print(timeline_text(entries))
