"""What of an execution environment outlives its process: its `/tmp` and its log stream (row E34).

Every environment has a folder of its own, which `TMPDIR` names: `tempfile`, and whatever else asks for it,
stays in there. A path that is written as `/tmp/...` is the machine's. (A mount of one's own over `/tmp`
would hide what lies there already: on many machines the function's code and the sandbox's certificates.)
How much is written is not limited.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emulator.threads import in_thread


@dataclass(frozen=True, slots=True)
class Site:
    """Where an environment's processes run, one after another."""

    folder: Path
    log_stream: str
    is_used: bool = False


class Sites:
    """Makes sites, keeps those whose process is gone for the next one of the function, removes the rest.

    Args:
        folder: of the sandbox's run; None: a temporary one.
    """

    def __init__(self, folder: Path | None) -> None:
        self._parent = folder
        self._root: Path | None = None
        self._kept: dict[str, list[Site]] = {}
        self._count = 0

    def take(self, function: str, new_log_stream: Callable[[], str]) -> Site:
        """Return the site that a process of the function left, or a new one."""
        kept = self._kept.get(function)
        if kept:
            return kept.pop()
        self._count += 1
        folder = self._folder() / str(self._count)
        folder.mkdir(mode=0o700)
        return Site(folder, new_log_stream())

    def keep(self, function: str, site: Site) -> None:
        """Keep a site whose process was ended by itself, a timeout or a failure."""
        self._kept.setdefault(function, []).append(Site(site.folder, site.log_stream, is_used=True))

    async def remove(self, site: Site) -> None:
        """Remove a site whose environment is not needed any more."""
        try:
            site.folder.rmdir()
        except OSError:
            await in_thread(lambda: shutil.rmtree(site.folder, ignore_errors=True), name="site")

    async def close(self) -> None:
        """Remove everything; idempotent."""
        self._kept.clear()
        root, self._root = self._root, None
        if root is not None:
            await in_thread(lambda: shutil.rmtree(root, ignore_errors=True), name="sites")

    def _folder(self) -> Path:
        if self._root is None:
            if self._parent is not None:
                self._parent.mkdir(parents=True, exist_ok=True)
            self._root = Path(tempfile.mkdtemp(prefix="environments-", dir=self._parent))
        return self._root
