"""The router starts without what only the executor needs: a cold start is a part of the answer's time."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["streamer.actions.registry", "streamer.actions.running", "streamer.progress"]
)
def test_declarations_import_no_machinery(module: str) -> None:
    """Neither AWS clients nor an event loop nor what computes reports."""
    heavy = [
        "boto3",
        "botocore",
        "asyncio",
        "csv",
        "PIL",
        "streamer.actions.reports",
        "streamer.actions.storage",
    ]
    code = (
        f"import sys, {module}, streamer.actions; print([name for name in {heavy!r} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
