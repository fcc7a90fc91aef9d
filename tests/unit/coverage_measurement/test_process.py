"""What a process that may be counted does as it starts."""

import subprocess
import sys
import threading
from pathlib import Path

from scripts.coverage_measurement.process import start


def test_a_run_that_was_killed_makes_no_later_process_slow(tmp_path: Path) -> None:
    """Its `.pth` file is still there, and the process that did the run is not."""
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    before = set(threading.enumerate())
    start(str(tmp_path), over.pid)
    assert set(threading.enumerate()) == before
    assert not list(tmp_path.iterdir())
