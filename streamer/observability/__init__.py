"""What the functions tell their operators: logs now, metrics and traces later."""

from streamer.observability.logs import bound, get_logger

__all__ = ["bound", "get_logger"]
