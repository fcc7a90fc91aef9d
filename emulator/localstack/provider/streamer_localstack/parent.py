"""Ends this process when the one that started it is gone."""

import os
import threading


def end_with_parent(descriptor: int = 0) -> None:
    """Exit as soon as the pipe on `descriptor` is closed, which the kernel does when the parent dies.

    At once and without clean-up: nothing here outlives the run, and LocalStack's own shutdown waits for
    requests that wait.
    """
    threading.Thread(target=_watch, args=(descriptor,), name="parent-watch", daemon=True).start()


def _watch(descriptor: int) -> None:
    while os.read(descriptor, 1024):
        pass
    os._exit(0)
