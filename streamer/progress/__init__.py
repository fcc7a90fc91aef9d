"""How far a long request is: few messages, the latest always, in order."""

from streamer.progress.reporter import ProgressReporter

__all__ = ["ProgressReporter"]
