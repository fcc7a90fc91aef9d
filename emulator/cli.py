"""The emulator's commands: `python -m emulator up | doctor | logs | timeline | status`."""

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
import urllib3
from rich.console import Console
from rich.table import Table

from emulator import doctor as examinations
from emulator import state as states
from emulator.displays.timeline import timeline_text
from emulator.errors import EmulatorError
from emulator.handle.control_client import call
from emulator.sandbox import Sandbox

app = typer.Typer(
    help="Runs WebSocket-API applications on this machine, with no AWS account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
err = Console(stderr=True)
out = Console()


def main() -> None:
    """Run a command; an error is one sentence, not a traceback."""
    try:
        app()
    except EmulatorError as error:
        err.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(1)


@app.command()
def up(
    application: Annotated[str, typer.Option(help="a module of emulator.applications")] = "streamer",
    port: Annotated[int, typer.Option(help="of the gateway; 0 takes a free one", min=0, max=65535)] = 0,
    aws_endpoint: Annotated[
        str | None, typer.Option(help="a running AWS back end, instead of LocalStack started here")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="what the application takes, NAME=VALUE; again for another", metavar="NAME=VALUE"),
    ] = None,
    json_line: Annotated[bool, typer.Option("--json", help="print one line of JSON when ready")] = False,
) -> None:
    """Run the sandbox in the foreground until Ctrl-C."""
    code = asyncio.run(_up(application, _options(option or []), port, aws_endpoint, json_line=json_line))
    raise typer.Exit(code)


def _options(texts: list[str]) -> dict[str, Any]:
    """Read `NAME=VALUE` texts; a name that comes again has the list of its values."""
    values: dict[str, list[str]] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not (name and separator):
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE.", param_hint="--option")
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


async def _up(
    application: str, options: dict[str, Any], port: int, aws_endpoint: str | None, *, json_line: bool
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)

    def report(text: str) -> None:
        err.print(f"[dim]·[/dim] {text}", highlight=False)

    sandbox = Sandbox(
        application, options=options, aws_endpoint=aws_endpoint, port=port, report=report, named=True
    )
    started = await _unless(stop, sandbox.__aenter__())
    if started is None:
        await sandbox.stop()
        return 130
    try:
        _announce(sandbox, json_line=json_line)
        reason = await _unless(stop, sandbox.wait())
    finally:
        err.print("[dim]·[/dim] Stopping.")
        await sandbox.stop()
    if reason is None:
        return 0
    err.print(reason, style="red", markup=False, highlight=False)
    return 1


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of `work`, None if `stop` is set first."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        return None
    finally:
        for future in (task, stopping):
            future.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


def _announce(sandbox: Sandbox, *, json_line: bool) -> None:
    addresses = sandbox.addresses
    if json_line:
        line = {
            "event": "ready",
            "websocket": addresses.websocket,
            "management": addresses.management,
            "https": addresses.https,
            "aws_endpoint": addresses.aws_endpoint,
            "ca_bundle": addresses.ca_bundle,
        }
        print(json.dumps(line), flush=True)
        return
    table = Table.grid(padding=(0, 2))
    for name, value in asdict(addresses).items():
        if name != "control":
            table.add_row(name.replace("_", " "), value)
    table.add_row("back end", f"{sandbox.backend['name']} {sandbox.backend['version']}")
    out.print(table)
    out.print(
        f"Ready in {sandbox.state.started_in_s['ready']:.1f} s; Ctrl-C ends it. In another terminal:\n"
        '  python -m streamer call echo \'{"message": "hi"}\'',
        highlight=False,
        soft_wrap=True,
    )


@app.command()
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


def _ask(path: str, **query: str) -> Any:
    """Ask the running sandbox's control API. Raises SandboxNotRunning."""
    if query:
        path += f"?{urlencode(query)}"
    return call(urllib3.PoolManager(retries=False), states.get(states.state_path()), "GET", path)


@app.command()
def status() -> None:
    """Show the running sandbox: addresses, environments, memory."""
    for name, value in asdict(states.get(states.state_path()).addresses).items():
        out.print(f"{name.replace('_', ' '):16} {value}", highlight=False)
    environments = Table("function", "pid", "state", "invocations", title="Environments", box=None)
    for row in _ask("/environments"):
        environments.add_row(row["function"], str(row["pid"]), row["state"], str(row["invocations"]))
    out.print(environments)
    memory = Table("pid", "process", "RSS MB", "PSS MB", title="Memory", box=None)
    for row in _ask("/memory"):
        memory.add_row(str(row["pid"]), row["name"], str(row["rss_mb"]), str(row["pss_mb"] or ""))
    out.print(memory)


@app.command()
def logs(function: Annotated[str, typer.Argument(help="name of the function, executor say")]) -> None:
    """Print the kept logs of a function."""
    for invocation in _ask("/logs", function=function):
        print(invocation["log"], end="" if invocation["log"].endswith("\n") else "\n")


@app.command()
def timeline(
    request: Annotated[str | None, typer.Argument(help="id of a request; without it, everything")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON per entry")] = False,
) -> None:
    """Print what happened in the running sandbox, or to one request."""
    entries = _ask("/timeline") if request is None else _ask("/timeline", of=request)
    if as_json:
        for entry in entries:
            print(json.dumps(entry))
    else:
        print(timeline_text(entries))
