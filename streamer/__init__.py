"""Answers that take minutes or hours, from Lambda over an API Gateway WebSocket."""

__version__ = "0.1.0"
"""The version of `pyproject.toml`; a function's package has no metadata to read it from."""
