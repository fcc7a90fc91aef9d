"""`python -m emulator up`: the sandbox in the foreground."""

import asyncio
import json
import signal
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from emulator.cli.console import address_lines, err, out, read_pair
from emulator.sandbox import Sandbox

_SETTING = "ROOM.NAME=VALUE"

_FIRST_STEPS = {"streamer": 'python -m streamer call echo \'{"message": "hi"}\''}
"""What to try first, by application."""


def up(
    application: Annotated[
        str,
        typer.Option(
            help="a module of emulator.applications, any other as package.module, or a Python file (chat.py)"
            " with a function application(), a constant APPLICATION or a class Source",
        ),
    ] = "streamer",
    port: Annotated[int, typer.Option(help="of the gateway; 0 takes a free one", min=0, max=65535)] = 0,
    aws_endpoint: Annotated[
        str | None, typer.Option(help="a running AWS back end, instead of LocalStack started here")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="what the application takes, NAME=VALUE; again for another", metavar="NAME=VALUE"),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="a switch or limit that differs, gateway.idle_timeout_s=60; again for another",
            metavar=_SETTING,
        ),
    ] = None,
    json_line: Annotated[bool, typer.Option("--json", help="print one line of JSON when ready")] = False,
) -> None:
    """Run the sandbox in the foreground until Ctrl-C."""
    code = asyncio.run(
        _up(
            Sandbox(
                application,
                options=_options(option or []),
                aws_endpoint=aws_endpoint,
                port=port,
                settings=_settings(setting or []),
                report=_report,
                named=True,
            ),
            json_line=json_line,
        )
    )
    raise typer.Exit(code)


def _options(texts: list[str]) -> dict[str, Any]:
    """Read `NAME=VALUE` texts; a name that comes again has the list of its values."""
    values: dict[str, list[str]] = {}
    for text in texts:
        name, value = read_pair(text, option="--option")
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _settings(texts: list[str]) -> dict[str, dict[str, str]]:
    """Read `ROOM.NAME=VALUE` texts."""
    rooms: dict[str, dict[str, str]] = {}
    for text in texts:
        name, value = read_pair(text, option="--set", form=_SETTING)
        room, _, field = name.partition(".")
        if not field:
            raise typer.BadParameter(f"{text!r} is not {_SETTING}.", param_hint="--set")
        rooms.setdefault(room, {})[field] = value
    return rooms


def _report(text: str) -> None:
    err.print(f"[dim]·[/dim] {text}", highlight=False)


async def _up(sandbox: Sandbox, *, json_line: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)

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
        ready = {
            "event": "ready",
            "websocket": addresses.websocket,
            "management": addresses.management,
            "https": addresses.https,
            "aws_endpoint": addresses.aws_endpoint,
            "lambda_endpoint": addresses.lambda_endpoint,
            "ca_bundle": addresses.ca_bundle,
            "stages": addresses.stages,
        }
        print(json.dumps(ready), flush=True)
        return
    for line in address_lines(addresses):
        out.print(line, highlight=False, soft_wrap=True)
    out.print(f"{'back end':16} {sandbox.backend['name']} {sandbox.backend['version']}", highlight=False)
    out.print(
        f"Ready in {sandbox.state.started_in_s['ready']:.1f} s; Ctrl-C ends it. In another terminal:\n"
        f"  {_FIRST_STEPS.get(sandbox.name, 'python -m emulator status')}",
        highlight=False,
        soft_wrap=True,
    )
