"""The entry point of `python -m streamer`."""

import sys

if __name__ == "__main__":
    try:
        from streamer.cli import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "websockets"):
            raise
        sys.exit("The commands need the client extra: pip install 'streamer[client]'.")
    app(prog_name="python -m streamer")
