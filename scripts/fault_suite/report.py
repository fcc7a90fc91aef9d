"""What a storm did and what was seen, as tables, and each violation with its timeline."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from emulator.clock import timestamp
from scripts.fault_suite.storm import Result

MAX_SHOWN = 10
"""Requests whose timelines are shown."""

MAX_ENTRIES = 80
"""Entries of one timeline that are shown, the newest."""


def show(result: Result, console: Console) -> None:
    """Print all of it."""
    plan = result.plan
    console.print(f"Seed {plan.seed}, {len(plan.requests)} requests of {plan.users} users\n", highlight=False)
    _table(console, "What was done", result.faults)
    _table(
        console, "How requests ended", {f"{kind}: {ended}": n for (kind, ended), n in result.outcomes.items()}
    )
    _table(console, "Attempts", {f"ended in attempt {n}": count for n, count in result.attempts.items()})
    _table(console, "What consumers saw", result.seen)
    for request_id, losses in result.given_up.items():
        console.print(f"{request_id} was given up; its invocations: {', '.join(losses)}", highlight=False)
    waited = [f"{missing} before the clock moved {seconds:g} s" for seconds, missing in result.settled]
    console.print(f"Without outcome in the calm after: {'; '.join(waited)}", highlight=False)
    console.print(f"Storm {result.storm_s:.1f} s, calm {result.calm_s:.1f} s", highlight=False)
    _violations(result, console)


def _table(console: Console, title: str, counts: Mapping[str, int]) -> None:
    table = Table(title=title, title_justify="left", box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in sorted(counts.items()):
        if count:
            table.add_row(name, f"{count:,}")
    console.print(table)
    console.print()


def _violations(result: Result, console: Console) -> None:
    requests = {request.id: request for request in result.plan.requests}
    for number, (request_id, entries) in enumerate(result.timelines.items()):
        request = requests[request_id]
        console.print(
            f"\n{request_id} · {request.kind} · {dict(request.payload)}", markup=False, highlight=False
        )
        if request_id in result.slow:
            console.print("  The first two sweeps of the calm did not help it.")
        for violation in result.violations:
            if violation.request_id == request_id:
                console.print(f"  {violation.fault}: {violation.details}", markup=False, highlight=False)
        if number < MAX_SHOWN:
            for line in _lines(entries[-MAX_ENTRIES:]):
                console.print(f"    {line}", markup=False, highlight=False)
    if result.violations:
        console.print(f"\n{len(result.violations)} violations; the same again: --seed {result.plan.seed}")
    else:
        console.print("\nNo outcome lost, none doubled, nothing stuck.")


def _lines(entries: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for entry in entries:
        facts = {name: value for name, value in entry["facts"].items() if name != "about"}
        yield f"{timestamp(entry['at'])} {entry['kind']} {facts}"
