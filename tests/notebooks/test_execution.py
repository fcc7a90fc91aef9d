"""Each notebook runs from top to bottom in a clean kernel, shows what is committed and leaves nothing."""

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from scripts.notebooks.execution import execute, paths, read
from scripts.notebooks.showing import shown_alike

END_S = 30.0
"""Seconds that processes have to end after the kernel has. The emulator takes under two."""


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_it_shows_what_is_committed_and_leaves_nothing_running(path: Path) -> None:
    """A reader who runs all cells reaches the last one and sees what the repository shows, but for what is of
    a run; then every process of it has ended. The product may have changed since, where no cell has."""
    seen: set[psutil.Process] = set()

    def look(kernel: int) -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(kernel)
            seen.update([process, *process.children(recursive=True)])

    executed, _ = execute(path, before_cell=look)
    assert len(seen) >= 3, "the kernel, the emulator and the back end were seen"
    _, alive = psutil.wait_procs(seen, timeout=END_S)
    assert alive == []
    assert shown_alike(executed) == shown_alike(read(path)), "Run `python -m scripts.notebooks --all`."
