"""Starts LocalStack: `python -m streamer_localstack`, with its stdin a pipe from the parent."""

from .lean import leave_out
from .parent import end_with_parent


def main() -> None:
    """Run LocalStack until it is told to stop or its parent is gone."""
    end_with_parent()
    leave_out()

    from localstack.runtime.main import main as run_localstack

    run_localstack()


if __name__ == "__main__":
    main()
