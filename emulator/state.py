"""Where things of a running sandbox lie: its run folder, and the file that names it to other commands."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from emulator.errors import SandboxNotRunning, StartFailed


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running sandbox answers; all on loopback.

    Attributes:
        websocket: of the first API's first stage, for clients: `ws://127.0.0.1:PORT/STAGE`.
        management: the `@connections` API over plain HTTP.
        https: the same over TLS; what `domainName` in events names.
        aws_endpoint: the AWS back end.
        lambda_endpoint: the Lambda API, for boto3's `lambda` client.
        control: the emulator's own control API.
        ca_bundle: file with the certificate authority of `https`.
        stages: every stage of every API, `websocket`, `management` and `https` by `API/STAGE`.
    """

    websocket: str
    management: str
    https: str
    aws_endpoint: str
    lambda_endpoint: str
    control: str
    ca_bundle: str
    stages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """A running sandbox, as its state file names it.

    Attributes:
        pid: of the emulator process.
        secret: opens the control API; the file is readable by its owner only.
        backend: name, version, DynamoDB engine and endpoint of the AWS back end, and the session token of the
            sandbox's credentials there.
        clock_offset_s: seconds that its clock was ahead of the machine's when this was written.
        started_in_s: seconds from the process's start to ready, in parts.
    """

    pid: int
    addresses: Addresses
    secret: str
    backend: Mapping[str, str]
    run_folder: str
    started_in_s: Mapping[str, float]
    clock_offset_s: float = 0.0

    def __repr__(self) -> str:
        return f"State(pid={self.pid}, addresses={self.addresses})"


def state_path() -> Path:
    """Return the state file's path: `$STREAMER_SANDBOX_STATE`, else in the user's state folder.

    Source:
        XDG Base Directory Specification, `XDG_STATE_HOME`; a relative path there is to be ignored.
    """
    if named := os.environ.get("STREAMER_SANDBOX_STATE"):
        return Path(named).expanduser()
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "streamer" / "sandbox.json"


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def save(state: State, path: Path) -> None:
    """Write the state file. Raises StartFailed."""
    try:
        write_private(path, json.dumps(asdict(state), indent=2))
    except OSError as error:
        raise StartFailed(
            f"The state file {path} cannot be written ({error.strerror});"
            " name another with STREAMER_SANDBOX_STATE."
        ) from error


def parse(text: str) -> State:
    """Read what `save` wrote. Raises KeyError, TypeError or ValueError."""
    fields = json.loads(text)
    return State(**{**fields, "addresses": Addresses(**fields["addresses"])})


def find(path: Path) -> State | None:
    """Return the state of the sandbox that runs now, or None."""
    try:
        state = parse(path.read_text())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if is_alive(state.pid) else None


def get(path: Path) -> State:
    """Return the state of the sandbox that runs now. Raises SandboxNotRunning."""
    state = find(path)
    if state is None:
        raise SandboxNotRunning('No sandbox is running: start one with "python -m emulator up".')
    return state


def remove(path: Path, pid: int) -> None:
    """Remove the state file if it still names the process `pid`."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if parse(path.read_text()).pid == pid:
            path.unlink()


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _runs() -> Path:
    return Path(tempfile.gettempdir()) / f"streamer-sandbox-{os.getuid()}"


def make_run_folder(pid: int) -> Path:
    """Make the folder of one run, private to the user, and remove those of runs that died.

    Raises:
        StartFailed: it cannot be written, or what lies there is not ours.
    """
    runs = _runs()
    try:
        runs.mkdir(mode=0o700, exist_ok=True)
        if runs.is_symlink() or runs.stat().st_uid != os.getuid():
            raise StartFailed(f"{runs} is not this user's own folder; remove it or set TMPDIR.")
        for folder in runs.iterdir():
            owner = folder.name.split("-")[0]
            if owner.isdigit() and not is_alive(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{pid}-", dir=runs))
    except OSError as error:
        raise StartFailed(
            f"No folder for this run can be made in {runs} ({error.strerror}); remove what is in the way"
            " or set TMPDIR."
        ) from error
