"""Streamer's commands: `python -m streamer token | call | ...`."""

from streamer.cli.calling import app

__all__ = ["app"]
