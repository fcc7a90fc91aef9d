"""How far a long request is: few messages, the latest always, in order."""

from streamer.progress.coalescing import Pace
from streamer.progress.fan_out import FanOut
from streamer.progress.reporter import ProgressReporter

__all__ = ["FanOut", "Pace", "ProgressReporter"]
