"""What no request can bring about is tested in LocalStack's environment."""

import os
import subprocess
from pathlib import Path

from emulator.localstack import environment

PROGRAM = Path(__file__).with_name("inside.py")
TIMEOUT_S = 120.0


def test_inside() -> None:
    """Each test of `inside.py` passes."""
    python = environment.make(lambda _: None)
    surroundings = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[3])}
    done = subprocess.run(
        [python, PROGRAM],
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
