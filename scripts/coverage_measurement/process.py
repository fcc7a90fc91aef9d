"""Counts what one Python process runs. Started in each by a `.pth` file while the folder of a run is there.

Environments of functions are forked, stopped between invocations and killed: so each saves when an invocation
has ended, with what the fork server had run before. Nothing else of the project is imported here.
"""

import atexit
import importlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

SAVE_EVERY_S = 2.0
"""Seconds after which a process that lives long saves, since it may be killed."""

FORK_SERVER = "zygote.py"
"""Has one thread only: a lock that another one held would be held for ever in the forked children."""

RUNTIME_CLIENT = "awslambdaric.lambda_runtime_client"


def start(folder: str) -> None:
    """Count this process, and those that are forked from it.

    Args:
        folder: of the run; has `settings`, coverage's own, and `data`.
    """
    import coverage

    settings = str(Path(folder) / "settings")
    data = str(Path(folder) / "data" / "coverage")

    def begin() -> coverage.Coverage:
        counting = coverage.Coverage(data_file=data, data_suffix=True, config_file=settings, messages=False)
        counting.start()
        return counting

    counting = begin()
    owner = os.getpid()
    has_thread = not (sys.orig_argv[1:2] and sys.orig_argv[1].endswith(FORK_SERVER))

    def save() -> None:
        if os.getpid() == owner and Path(settings).exists():
            counting.save()

    def save_now_and_then() -> None:
        while True:
            time.sleep(SAVE_EVERY_S)
            save()

    def go_on_after_fork() -> None:
        nonlocal counting, owner, has_thread
        if has_thread:  # it may have held the lock, and is not here
            counting, has_thread = begin(), False
        owner = os.getpid()
        _before_each_wait(save)

    atexit.register(save)
    leave = os._exit

    def save_and_leave(status: int) -> NoReturn:
        save()
        leave(status)

    os._exit = save_and_leave
    os.register_at_fork(after_in_child=go_on_after_fork)
    if has_thread:
        threading.Thread(target=save_now_and_then, name="coverage", daemon=True).start()


def _before_each_wait(save) -> None:  # type: ignore[no-untyped-def]
    """Have the runtime's loop save before it asks for the next invocation, once it is imported."""
    import_module = importlib.import_module

    def wrapped(name: str, package: str | None = None):  # type: ignore[no-untyped-def]
        module = import_module(name, package)
        if name == RUNTIME_CLIENT:
            importlib.import_module = import_module
            client = module.LambdaRuntimeClient
            wait = client.wait_next_invocation

            def wait_next_invocation(self):  # type: ignore[no-untyped-def]
                save()
                return wait(self)

            client.wait_next_invocation = wait_next_invocation
        return module

    importlib.import_module = wrapped
