"""What the machine must have for the sandbox, and how to mend what it lacks."""

import os
import resource
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from emulator import virtual_environment
from emulator.localstack import environment as localstack

MIN_FREE_BYTES = 1_000_000_000
"""Disk for the environments (about 600 MB) and a run. Measured."""

MIN_OPEN_FILES = 1_024
"""Descriptors for some hundred connections and environments."""

NEEDED_MODULES = ("awslambdaric", "boto3", "httptools", "msgspec", "uvicorn", "uvloop", "websockets")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mend` says what to do where it is not `good`."""

    what: str
    good: bool
    found: str
    mend: str


def examine() -> list[Finding]:
    """Look at everything."""
    return [examination() for examination in EXAMINATIONS]


def _python() -> Finding:
    return Finding(
        "Python 3.11 or later",
        sys.version_info >= (3, 11),
        sys.version.split()[0],
        "Install a later Python and make the environment again with scripts/demo.py.",
    )


def _system() -> Finding:
    return Finding(
        "Linux or macOS",
        sys.platform in ("linux", "darwin"),
        sys.platform,
        "On Windows, work inside WSL.",
    )


def _modules() -> Finding:
    missing = [name for name in NEEDED_MODULES if find_spec(name) is None]
    return Finding(
        "the packages of the emulator",
        not missing,
        f"missing: {', '.join(missing)}" if missing else "all there",
        "Run scripts/demo.py once, or: pip install 'streamer[emulator]'.",
    )


def _localstack() -> Finding:
    made = virtual_environment.is_made(localstack.folder(), localstack.LOCK)
    return Finding(
        "LocalStack's environment",
        True,
        str(localstack.folder())
        if made
        else "not there yet: the next start makes it, from the package index",
        "",
    )


def _loopback() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
            return Finding("loopback sockets", True, "work", "")
    except OSError as error:
        return Finding(
            "loopback sockets",
            False,
            str(error),
            "Allow connections to 127.0.0.1 in the sandbox or firewall.",
        )


def _localhost() -> Finding:
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo("localhost", None)}
    except OSError as error:
        return Finding("the name localhost", False, str(error), 'Add "127.0.0.1 localhost" to /etc/hosts.')
    return Finding(
        "the name localhost",
        "127.0.0.1" in addresses,
        ", ".join(sorted(str(address) for address in addresses)),
        'Add "127.0.0.1 localhost" to /etc/hosts.',
    )


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Finding(
        f"{MIN_OPEN_FILES} open files",
        soft == resource.RLIM_INFINITY or soft >= MIN_OPEN_FILES,
        str(soft),
        f"Run: ulimit -n {MIN_OPEN_FILES * 4}",
    )


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    return Finding(
        "1 GB of disk",
        free >= MIN_FREE_BYTES,
        f"{free / 1e9:.1f} GB free",
        "Free some space where the checkout lies.",
    )


def _temporary() -> Finding:
    folder = tempfile.gettempdir()
    return Finding(
        "a folder for temporary files",
        os.access(folder, os.W_OK | os.X_OK),
        folder,
        "Set TMPDIR to a folder that you may write to.",
    )


EXAMINATIONS: tuple[Callable[[], Finding], ...] = (
    _python,
    _system,
    _modules,
    _localstack,
    _loopback,
    _localhost,
    _open_files,
    _disk,
    _temporary,
)
