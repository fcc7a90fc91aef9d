"""Where LocalStack's own environment lives, and how it is made. Standard library alone."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from emulator import virtual_environment

LOCK = Path(__file__).with_name("requirements.lock")
"""LocalStack and everything it needs, each file with its hashes."""

PROVIDER = Path(__file__).with_name("provider")
"""The folder that is put on LocalStack's `sys.path`: our package and, beside it, its entry points.

Nothing of ours is installed into the environment, so that it depends on the lock alone and an edited source
file takes effect with the next start.
"""

_HOME_VARIABLE = "STREAMER_EMULATOR_HOME"


def home(surroundings: Mapping[str, str] = os.environ, package: Path = Path(__file__).parent.parent) -> Path:
    """Return the folder in which the emulator keeps its environments.

    `$STREAMER_EMULATOR_HOME`; else `.emulator` in the checkout, if this is one; else the user's cache.

    Args:
        package: the folder of the package `emulator`.
    """
    if named := surroundings.get(_HOME_VARIABLE):
        return Path(named).expanduser().resolve()
    if (package.parent / "pyproject.toml").is_file():
        return package.parent / ".emulator"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "streamer-emulator"
    cache = surroundings.get("XDG_CACHE_HOME", "")
    return (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "streamer-emulator"


def folder() -> Path:
    """Return the folder of LocalStack's environment, made or not."""
    return home() / "localstack"


def make(report: Callable[[str], None]) -> Path:
    """Return the Python of LocalStack's environment, after making it where it is not there.

    Raises:
        virtual_environment.EnvironmentFailed: it could not be made.
    """
    return virtual_environment.make(folder(), LOCK, report=report)
