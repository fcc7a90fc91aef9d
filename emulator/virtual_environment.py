"""Virtual environments made from hashed locks, with the standard library alone.

Set-up scripts run this before anything is installed, and the emulator runs it for LocalStack's own
environment. `uv` installs when it can be had (itself from a hashed lock); else pip does the same, slower.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

BOOTSTRAP_LOCK = Path(__file__).with_name("requirements-bootstrap.lock")
"""The lock of `uv` alone."""

STAMP = "environment.json"
"""Written last; an environment without it is incomplete and is made again."""

REPORT_EVERY_S = 5.0
"""Seconds between two reports of a step that goes on."""

TAIL_LINES = 15

Report = Callable[[str], None]


class EnvironmentFailed(Exception):
    """An environment could not be made; `str()` says what failed and what to do next."""


def base_python_of_this() -> str:
    """Return the interpreter behind the one that runs this, which may be an environment's.

    So an environment that a script made is the one that a program inside another environment finds.
    """
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


BASE_PYTHON = base_python_of_this()


def is_made(
    folder: Path, lock: Path, *, base_python: str = BASE_PYTHON, extra_steps: Sequence[Sequence[str]] = ()
) -> bool:
    """Whether `make` with the same arguments would find its environment made."""
    return _is_made(folder, _stamp(lock, base_python, extra_steps))


def make(
    folder: Path,
    lock: Path,
    *,
    report: Report,
    bootstrap_lock: Path | None = BOOTSTRAP_LOCK,
    base_python: str = BASE_PYTHON,
    extra_steps: Sequence[Sequence[str]] = (),
) -> Path:
    """Return the Python of the environment in `folder`, after making it from `lock` where it is not.

    Idempotent: a stamp with the lock's hash makes a later call return in milliseconds; a changed lock,
    another Python or an interrupted call makes the environment again from nothing. Calls in several
    processes wait for one another.

    Args:
        folder: of the environment; owned by this function, emptied where it must be made again.
        lock: requirements with hashes for every file, as `--require-hashes` wants them.
        report: receives a sentence at a time, for a person who waits.
        bootstrap_lock: the lock that has `uv`, or None to let pip install everything.
        base_python: the interpreter that the environment is made of.
        extra_steps: arguments for the environment's Python, run in order once the lock is installed.

    Raises:
        EnvironmentFailed: with the end of the installer's output.
    """
    python = folder / "bin" / "python"
    wanted = _stamp(lock, base_python, extra_steps)
    if _is_made(folder, wanted):
        return python
    with _only_one(folder, report):
        if not _is_made(folder, wanted):
            _make(folder, lock, report, bootstrap_lock, base_python, extra_steps)
            (folder / STAMP).write_text(wanted)
    return python


def _make(
    folder: Path,
    lock: Path,
    report: Report,
    bootstrap_lock: Path | None,
    base_python: str,
    extra_steps: Sequence[Sequence[str]],
) -> None:
    started = time.monotonic()
    python = folder / "bin" / "python"
    (folder / STAMP).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    report(f"Making the environment {folder.name} ...")
    if base_python == BASE_PYTHON and sys.prefix == sys.base_prefix:
        _create(folder)
    else:
        _run([base_python, "-m", "venv", str(folder)], report, "creating the environment")
    installing = f"installing the packages of {folder.name}"
    uv = _install_uv(python, bootstrap_lock, report) if bootstrap_lock is not None else None
    if uv is None or not _installed_by_uv(uv, python, lock, report, installing):
        _run([*_pip(python), "--require-hashes", "--requirement", str(lock)], report, installing)
    for step in extra_steps:
        _run([str(python), *step], report, "finishing the environment")
    report(f"The environment {folder.name} is made ({time.monotonic() - started:.1f} s).")


def _create(folder: Path) -> None:
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        output = getattr(error, "output", None) or str(error)
        raise EnvironmentFailed(
            f"No environment could be created in {folder}: {_tail(output)}\n"
            "Python's venv module with ensurepip is needed (on Debian and Ubuntu: apt install python3-venv),"
            " and room to write."
        ) from error


def _install_uv(python: Path, bootstrap_lock: Path, report: Report) -> Path | None:
    """Return uv's path, or None where there is no wheel of it: then pip does its work."""
    command = [
        *_pip(python),
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--requirement",
        str(bootstrap_lock),
    ]
    uv = python.with_name("uv")
    try:
        _run(command, report, "getting the installer")
        _run([str(uv), "--version"], report, "starting the installer")
    except EnvironmentFailed:
        report("The quick installer (uv) cannot be had here; pip is used, which takes longer.")
        return None
    return uv


def _installed_by_uv(uv: Path, python: Path, lock: Path, report: Report, doing: str) -> bool:
    """Install with uv; False where it fails, as it may where only pip is told of another index."""
    command = [str(uv), "pip", "install", "--quiet", "--no-progress", "--python", str(python)]
    try:
        _run([*command, "--require-hashes", "--requirement", str(lock)], report, doing)
    except EnvironmentFailed:
        report("The quick installer (uv) failed; pip tries the same.")
        return False
    return True


def _pip(python: Path) -> list[str]:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    return [*command, "--retries", "2"]


def _run(command: Sequence[str], report: Report, doing: str) -> None:
    """Run a command to its end, reporting now and then that it still runs."""
    started = time.monotonic()
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(REPORT_EVERY_S):
            report(f"Still {doing} ({time.monotonic() - started:.0f} s) ...")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        result = subprocess.run(
            list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_surroundings(), check=False
        )
    except OSError as error:
        raise EnvironmentFailed(f"While {doing}: {command[0]} could not be started: {error}.") from error
    finally:
        ended.set()
        teller.join()
    if result.returncode != 0:
        output = result.stdout.decode(errors="replace")
        raise EnvironmentFailed(
            f"While {doing}, {Path(command[0]).name} ended with status {result.returncode}.\n"
            f"{_tail(output)}\n{_advice(output)}"
        )


def _surroundings() -> dict[str, str]:
    """Return the environment for an installer: the caller's, without what would lead it to another place."""
    surroundings = {
        name: value
        for name, value in os.environ.items()
        if name
        not in {
            "VIRTUAL_ENV",
            "PYTHONHOME",
            "PYTHONPATH",
            "PIP_TARGET",
            "PIP_PREFIX",
            "PIP_USER",
            "PIP_REQUIRE_VIRTUALENV",
        }
    }
    surroundings.setdefault("UV_HTTP_TIMEOUT", "120")
    if index := surroundings.get("PIP_INDEX_URL"):
        surroundings.setdefault("UV_DEFAULT_INDEX", index)
    return surroundings


def _advice(output: str) -> str:
    """Return what a person should do, by the words that pip and uv use."""
    lower = output.lower()
    if any(words in lower for words in ("certificate", "tls", "ssl")):
        return (
            "The package index is not trusted: set SSL_CERT_FILE (and PIP_CERT) to your network's CA bundle."
        )
    if any(
        words in lower
        for words in ("connect", "dns", "resolve host", "timed out", "network", "temporary failure")
    ):
        return (
            "The package index cannot be reached: check the network, or set HTTPS_PROXY, and run this again."
        )
    if "hash" in lower:
        return (
            "A downloaded file is not the one in the lock: make the lock again, or use the index of the lock."
        )
    if any(
        words in lower for words in ("requires-python", "no matching distribution", "no solution", "no wheel")
    ):
        version = sys.version.split()[0]
        return f"There is no build for this Python ({version}) or system: use Python 3.11, 3.12 or 3.13."
    return "Mend what the lines above name and run this again: it starts from nothing."


def _tail(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-TAIL_LINES:])


def _stamp(lock: Path, base_python: str, extra_steps: Sequence[Sequence[str]]) -> str:
    try:
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    except OSError as error:
        raise EnvironmentFailed(f"The lock {lock} cannot be read: {error.strerror}.") from error
    steps = [list(step) for step in extra_steps]
    return json.dumps({"lock": digest, "python": [base_python, sys.version], "steps": steps})


def _is_made(folder: Path, wanted: str) -> bool:
    try:
        return (folder / STAMP).read_text() == wanted and (folder / "bin" / "python").exists()
    except OSError:
        return False


@contextmanager
def _only_one(folder: Path, report: Report) -> Iterator[None]:
    """Hold the lock of `folder` among processes; the kernel frees it when its holder dies."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = folder.with_name(folder.name + ".lock").open("w")
    except OSError as error:
        raise EnvironmentFailed(
            f"{folder.parent} cannot be written: {error.strerror}; choose another place."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"Another process is making the environment {folder.name}; waiting for it ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
