"""Where commands write, and how they ask a running sandbox."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from rich.console import Console

from emulator import state as states
from emulator.handle.control_client import call

err = Console(stderr=True)
out = Console()


def ask(path: str, **query: str) -> Any:
    """Ask the running sandbox's control API. Raises SandboxNotRunning, EmulatorError."""
    return _call("GET", f"{path}?{urlencode(query)}" if query else path)


def tell(path: str, **body: Any) -> Any:
    """Tell the running sandbox's control API to do something. Raises SandboxNotRunning, EmulatorError."""
    return _call("POST", path, body)


def _call(method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    return call(urllib3.PoolManager(retries=False), states.get(states.state_path()), method, path, body)
