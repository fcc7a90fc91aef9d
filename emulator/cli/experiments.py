"""The commands that change what happens: `clock`, `fault`, `kill`, `cut`, `schedule`."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from emulator.cli.console import ask, out, read_pair, tell
from emulator.cli.tables import faults_table, schedules_table
from emulator.displays.words import count, duration
from emulator.errors import EmulatorError
from emulator.faults import KINDS, FaultKind

clock_app = typer.Typer(help="The sandbox's time.", no_args_is_help=True)
fault_app = typer.Typer(help="Let something go wrong on purpose, by seed.", no_args_is_help=True)
schedule_app = typer.Typer(help="The application's schedules.", no_args_is_help=True)

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "": 1.0}
_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"
_DURATION = re.compile(rf"\d+(?:\.\d+)?|(?:{_PART})+")


def duration_s(text: str) -> float:
    """Read `90`, `90s`, `10m`, `1h30m`, `200ms`, `1.5d` as seconds. Raises BadParameter."""
    if text.startswith("-") and _DURATION.fullmatch(text[1:]):
        raise typer.BadParameter(f"Time only goes forward; {text} would be back.")
    if _DURATION.fullmatch(text) is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 200ms, 90s, 10m, 1h30m or 2d.")
    return sum(float(number) * _UNIT_S[unit] for number, unit in re.findall(_PART, text) or [(text, "")])


@clock_app.command("show")
def clock_show() -> None:
    """Print the sandbox's time and how far it is ahead."""
    _print_clock(ask("/clock"))


@clock_app.command("advance", context_settings={"ignore_unknown_options": True})  # -5m has a sentence of ours
def clock_advance(
    by: Annotated[str, typer.Argument(help="how far: 200ms, 90s, 10m, 1h30m, 2d", metavar="DURATION")],
) -> None:
    """Move the sandbox's time forward; timeouts, retries, schedules and TTL follow at once."""
    _print_clock(tell("/clock/advance", seconds=duration_s(by)))


def clock_line(told: Mapping[str, Any]) -> str:
    """Return the sandbox's time and how far it is ahead; `told` is `{"now", "offset_s", …}`."""
    ahead_s = told["offset_s"]
    words = f" ({duration(ahead_s * 1000)})" if ahead_s >= 60 else ""
    return f"{told['now']}, {ahead_s:.15g} s ahead of this machine{words}."


def _print_clock(told: Mapping[str, Any]) -> None:
    out.print(clock_line(told), highlight=False)
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
        where=_limits(where or []),
        probability=probability,
        times=times or None,
        skip=skip,
        delay_s=duration_s(delay),
        code=code,
        seed=seed,
    )
    print(told["id"])


def _limits(texts: Sequence[str]) -> dict[str, str]:
    limits: dict[str, str] = {}
    for text in texts:
        name, value = read_pair(text, option="--where")
        if name in limits:
            raise typer.BadParameter(f"{name} is given twice; add two faults.", param_hint="--where")
        limits[name] = value
    return limits


@fault_app.command("kinds")
def fault_kinds() -> None:
    """Show what can go wrong, what each kind can be limited to, and what it needs."""
    for kind, known in KINDS.items():
        out.print(f"[bold]{kind}[/bold]: {known.does}", highlight=False)
        takes = [f"--where {name}=…" for name in known.limits]
        takes += [
            f"--{name} ({need})" for name, need in (("delay", known.delay), ("code", known.code)) if need
        ]
        out.print(f"    {', '.join(takes)}", highlight=False)


@fault_app.command("list")
def fault_list(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show the declared faults and how often each struck."""
    faults = ask("/faults")
    if as_json:
        print(json.dumps(faults))
        return
    out.print(faults_table(faults) if faults else "No faults are declared.")


@fault_app.command("remove")
def fault_remove(fault_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Take a fault back."""
    tell("/faults/remove", id=fault_id)
    out.print(f"{fault_id} is taken back.", highlight=False)


@fault_app.command("clear")
def fault_clear() -> None:
    """Take every fault back."""
    cleared = tell("/faults/clear")["cleared"]
    out.print(
        f"{count(cleared, 'fault')} taken back." if cleared else "No faults were declared.", highlight=False
    )


def kill(function: Annotated[str, typer.Argument(help="name of the function, executor say")]) -> None:
    """Kill an environment of a function, one at work if there is one."""
    pid = tell("/environments/kill", function=function)
    if pid is None:
        raise EmulatorError(f"{function} has no environment.")
    out.print(f"Killed process {pid}.", highlight=False)


def cut(connection_id: Annotated[str, typer.Argument(metavar="CONNECTION")]) -> None:
    """Cut a client's connection, without a close frame."""
    if not tell("/connections/cut", connection_id=connection_id):
        raise EmulatorError(f"There is no open connection {connection_id}; status lists those there are.")
    out.print("Cut.")


@schedule_app.command("list")
def schedule_list(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show the schedules and when each is due."""
    schedules = ask("/events")["schedules"]
    if as_json:
        print(json.dumps(schedules))
        return
    out.print(schedules_table(schedules) if schedules else "The application has no schedules.")


@schedule_app.command("fire")
def schedule_fire(name: str) -> None:
    """Fire a schedule now."""
    _say(tell("/schedules/fire", name=name), "has fired")


@schedule_app.command("enable")
def schedule_enable(name: str) -> None:
    """Let a schedule fire again."""
    _say(tell("/schedules/enable", name=name, enabled=True), "is enabled")


@schedule_app.command("disable")
def schedule_disable(name: str) -> None:
    """Let a schedule fire no longer."""
    _say(tell("/schedules/enable", name=name, enabled=False), "is disabled")


def _say(told: Mapping[str, Any], what: str) -> None:
    out.print(f"The schedule {told['name']} {what}.", highlight=False, markup=False)
