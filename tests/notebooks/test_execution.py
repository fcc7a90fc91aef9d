"""Each notebook runs from the top to the bottom in a clean kernel, and leaves nothing running."""

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from scripts.notebooks.execution import execute, paths

END_S = 10.0
"""Seconds that processes have to end after the kernel has. The emulator takes under two."""


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_it_runs_to_its_end_and_leaves_nothing_running(path: Path) -> None:
    """A reader who runs all cells reaches the last one, and every process of it has ended."""
    seen: set[psutil.Process] = set()

    def look(kernel: int) -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(kernel)
            seen.update([process, *process.children(recursive=True)])

    execute(path, before_cell=look)
    assert len(seen) >= 3, "the kernel, the emulator and the back end were seen"
    _, alive = psutil.wait_procs(seen, timeout=END_S)
    assert alive == []
