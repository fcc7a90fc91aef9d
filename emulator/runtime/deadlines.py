"""What an invocation's headers say of time."""

import time

from emulator.clock import Clock

CLOCK_HEADER = "Lambda-Runtime-Invocation-Id"
"""Tells the process how far the sandbox's clock is ahead. AWS's native client drops headers of other names;
with this one it does nothing but send it back."""


def deadline_headers(clock: Clock, *, remaining_s: float, is_process: bool) -> dict[str, str]:
    """Return the headers of an invocation that may still take `remaining_s`.

    A handler compares the deadline with its own clock: the machine's, and in a process of its own what that
    is told here. An inline handler has the machine's alone.
    """
    offset_s = getattr(clock, "offset_s", 0.0) if is_process else 0.0
    deadline_s = time.time() + offset_s + remaining_s
    headers = {"Lambda-Runtime-Deadline-Ms": str(int(deadline_s * 1000))}
    if offset_s:
        headers[CLOCK_HEADER] = f"{offset_s:.6f}"
    return headers
