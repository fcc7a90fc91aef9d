"""Where commands write, and how they ask a running sandbox."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

import typer
import urllib3
from rich.console import Console

from emulator import state as states
from emulator.handle.control_client import call
from emulator.state import Addresses

err = Console(stderr=True)
out = Console()


def read_pair(text: str, *, option: str, form: str = "NAME=VALUE") -> tuple[str, str]:
    """Return name and value of an option's `NAME=VALUE`. Raises BadParameter, which shows `form`."""
    name, separator, value = text.partition("=")
    if not (name and separator):
        raise typer.BadParameter(f"{text!r} is not {form}.", param_hint=option)
    return name, value


def address_lines(addresses: Addresses) -> list[str]:
    """Return where a sandbox answers, a line each: clients of a stage, AWS's APIs, our control API."""
    named = asdict(addresses)
    stages = named.pop("stages")
    lines = [f"{name.replace('_', ' '):16} {address}" for name, address in named.items()]
    return lines + [f"{f'stage {stage}':16} {addresses['websocket']}" for stage, addresses in stages.items()]


def ask(path: str, **query: str) -> Any:
    """Ask the running sandbox's control API. Raises SandboxNotRunning, EmulatorError."""
    return _call("GET", f"{path}?{urlencode(query)}" if query else path)


def tell(path: str, **body: Any) -> Any:
    """Tell the running sandbox's control API to do something. Raises SandboxNotRunning, EmulatorError."""
    return _call("POST", path, body)


def _call(method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    return call(urllib3.PoolManager(retries=False), states.get(states.state_path()), method, path, body)
