"""Calls that are not waited for any longer than they are worth."""

import threading
import time
from collections.abc import Callable
from contextvars import copy_context


def is_over_in_time(call: Callable[[], object], ends: float, *, name: str) -> bool:
    """Make a call in a thread of its own, and return whether it was over in time; if not it goes on there.

    Where no thread is to be had the call is waited for, however long it takes.

    Args:
        ends: when it is to be over, in seconds of `time.monotonic`.
        name: of the thread.
    """
    thread = threading.Thread(target=copy_context().run, args=(call,), name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        call()
        return True
    thread.join(max(0.0, ends - time.monotonic()))
    return not thread.is_alive()
