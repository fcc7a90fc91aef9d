"""The commands that change what happens: `clock`, `fault`, `kill`, `cut`, `schedule`."""

import json
import re
from typing import Annotated

import typer
from rich.table import Table

from emulator.cli.console import ask, out, read_pair, tell
from emulator.faults import FACTS, FaultKind

clock_app = typer.Typer(help="The sandbox's time.", no_args_is_help=True)
fault_app = typer.Typer(help="Let something go wrong on purpose, by seed.", no_args_is_help=True)
schedule_app = typer.Typer(help="The application's schedules.", no_args_is_help=True)

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)?")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, None: 1.0}


def duration_s(text: str) -> float:
    """Read `90`, `90s`, `10m`, `2h`, `1.5d` as seconds. Raises BadParameter."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 90s, 10m or 2h.")
    return float(found["number"]) * _UNIT_S[found["unit"]]


@clock_app.command("show")
def clock_show() -> None:
    """Print the sandbox's time and how far it is ahead."""
    _print_clock(ask("/clock"))


@clock_app.command("advance")
def clock_advance(
    by: Annotated[str, typer.Argument(help="how far: 90s, 10m, 2h, 1d", metavar="DURATION")],
) -> None:
    """Move the sandbox's time forward; timeouts, retries, schedules and TTL follow at once."""
    _print_clock(tell("/clock/advance", seconds=duration_s(by)))


def _print_clock(told: dict[str, object]) -> None:
    out.print(f"{told['now']}, {told['offset_s']:g} s ahead of this machine.", highlight=False)
    if not told["backend_follows"]:
        out.print("The back end keeps its own time: it was not started by the sandbox.")


@fault_app.command("add")
def fault_add(
    kind: Annotated[FaultKind, typer.Argument(help="what goes wrong")],
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="only where this holds, function=executor say; again for more", metavar="NAME=VALUE"
        ),
    ] = None,
    probability: Annotated[float, typer.Option(min=0, max=1)] = 1.0,
    times: Annotated[int, typer.Option(help="how often at most; 0: for ever", min=0)] = 1,
    skip: Annotated[int, typer.Option(help="occasions that pass before", min=0)] = 0,
    delay: Annotated[str, typer.Option(help="of the kinds that delay: 200ms, 2s")] = "0",
    code: Annotated[str, typer.Option(help="error code or status of the kinds that refuse")] = "",
    seed: Annotated[int, typer.Option(help="of the dice behind --probability")] = 0,
) -> None:
    """Declare a fault; prints its id."""
    told = tell(
        "/faults",
        kind=kind.value,
        where=dict(read_pair(text, option="--where") for text in where or []),
        probability=probability,
        times=times or None,
        skip=skip,
        delay_s=duration_s(delay),
        code=code,
        seed=seed,
    )
    print(told["id"])


@fault_app.command("kinds")
def fault_kinds() -> None:
    """Show what can go wrong, and what each can be limited to."""
    table = Table("kind", "limited with --where to", box=None)
    for kind, facts in FACTS.items():
        table.add_row(kind.value, ", ".join(facts))
    out.print(table)


@fault_app.command("list")
def fault_list(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show the declared faults and how often each struck."""
    faults = ask("/faults")
    if as_json:
        print(json.dumps(faults))
        return
    table = Table("id", "kind", "where", "times", "struck", box=None)
    for fault in faults:
        where = ", ".join(f"{name}={value}" for name, value in fault["where"].items())
        times = "for ever" if fault["times"] is None else str(fault["times"])
        table.add_row(fault["id"], fault["kind"], where, times, str(fault["struck"]))
    out.print(table if faults else "No faults are declared.")


@fault_app.command("remove")
def fault_remove(fault_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Take a fault back."""
    tell("/faults/remove", id=fault_id)


@fault_app.command("clear")
def fault_clear() -> None:
    """Take every fault back."""
    tell("/faults/clear")


def kill(function: Annotated[str, typer.Argument(help="name of the function, executor say")]) -> None:
    """Kill an environment of a function, one at work if there is one."""
    pid = tell("/environments/kill", function=function)
    out.print(f"Killed process {pid}." if pid is not None else f"{function} has no environment.")


def cut(connection_id: Annotated[str, typer.Argument(metavar="CONNECTION")]) -> None:
    """Cut a client's connection, without a close frame."""
    found = tell("/connections/cut", connection_id=connection_id)
    out.print("Cut." if found else f"There is no open connection {connection_id}.")


@schedule_app.command("fire")
def schedule_fire(name: str) -> None:
    """Fire a schedule now."""
    tell("/schedules/fire", name=name)


@schedule_app.command("enable")
def schedule_enable(name: str) -> None:
    """Let a schedule fire again."""
    tell("/schedules/enable", name=name, enabled=True)


@schedule_app.command("disable")
def schedule_disable(name: str) -> None:
    """Let a schedule fire no longer."""
    tell("/schedules/enable", name=name, enabled=False)
