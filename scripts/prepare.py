"""Makes the environments that the other scripts run in. Standard library alone."""

import os
import sys
import time
from pathlib import Path
from typing import NoReturn

if sys.version_info < (3, 11):  # noqa: UP036  # before anything is imported that an older one cannot read
    sys.exit(
        f"Streamer needs Python 3.11 or later and this is {sys.version.split()[0]};"
        " run the script with a later one, python3.12 for example."
    )
if sys.platform == "win32":
    sys.exit("Streamer runs on Linux and macOS; on Windows use it inside WSL.")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from emulator.localstack import environment as localstack  # noqa: E402
from emulator.virtual_environment import EnvironmentFailed, is_made, make  # noqa: E402

ENVIRONMENT = ROOT / ".venv"
RUNTIME_LOCK = ROOT / "requirements.lock"
NOTEBOOKS_LOCK = ROOT / "requirements-notebooks.lock"
DEVELOPMENT_LOCK = ROOT / "requirements-dev.lock"

INSTALL = (
    ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-e", str(ROOT)),
)
"""Makes the checkout a distribution of its environment: notebooks import it, pytest finds its plugin."""

STEPS = {RUNTIME_LOCK: (), NOTEBOOKS_LOCK: INSTALL, DEVELOPMENT_LOCK: INSTALL}
"""What follows the installation of each lock. Each lock has everything of the one before it."""


def say(text: str) -> None:
    """Tell the person at the terminal what happens; standard output is the program's own."""
    print(f"\N{MIDDLE DOT} {text}", file=sys.stderr, flush=True)


def prepare(lock: Path) -> Path:
    """Make both environments unless they are there already; returns the Python to run.

    Args:
        lock: what is needed: to run the sandbox, for the notebooks beside, or to check and test the
            project too. An environment that has more is left as it is.
    """
    began = time.monotonic()
    try:
        enough = list(STEPS)[list(STEPS).index(lock) :]
        made = (other for other in enough if is_made(ENVIRONMENT, other, extra_steps=STEPS[other]))
        lock = next(made, lock)
        python = make(ENVIRONMENT, lock, extra_steps=STEPS[lock], report=say)
        localstack.make(say)
    except EnvironmentFailed as error:
        sys.exit(str(error))
    elapsed_s = time.monotonic() - began
    if elapsed_s > 1:
        say(f"The environments are ready ({elapsed_s:.1f} s).")
    return python


def run(python: Path, arguments: list[str]) -> NoReturn:
    """Become `python ARGUMENTS`, in the environment it belongs to; modules are compiled once, and kept."""
    environment = {**os.environ, "VIRTUAL_ENV": str(ENVIRONMENT)}
    environment.pop("PYTHONHOME", None)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    os.chdir(ROOT)
    os.execve(python, [str(python), *arguments], environment)
