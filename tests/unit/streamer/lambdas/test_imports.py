"""A function starts without what it never needs: every import is a part of its cold start."""

import os
import subprocess
import sys

from streamer.stack import stack


def test_the_processor_starts_without_the_store() -> None:
    """It hands on what the stream brings: no tables, no actions, no connections, and no boto3."""
    heavy = ["boto3", "streamer.actions", "streamer.connections", "streamer.dynamorm", "streamer.store"]
    code = (
        "import sys\n"
        "from streamer.lambdas.processor import handler\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    environment = {
        **os.environ,
        **stack().settings.to_environment(),
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert answer.stdout.strip() == "[]"
