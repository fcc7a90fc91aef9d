"""How far a long request is: few messages, the latest always, in order."""

from streamer.progress.fan_out import FanOut
from streamer.progress.reporter import ProgressReporter

__all__ = ["FanOut", "ProgressReporter"]
