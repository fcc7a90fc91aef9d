"""Counts what one Python process runs. Started in each by a `.pth` file while the folder of a run is there.

Environments of functions are forked, stopped between invocations and killed: so each saves when an invocation
has ended, with what the fork server had run before. Nothing else of the project is imported here.
"""

import atexit
import importlib
import os
import sys
import threading
from pathlib import Path
from typing import NoReturn

SAVE_EVERY_S = 2.0
"""Seconds after which a process that lives long saves, since it may be killed."""

FORK_SERVER = "zygote.py"
"""Has one thread only: a lock that another one held would be held for ever in the forked children."""

RUNTIME_CLIENT = "awslambdaric.lambda_runtime_client"


def start(folder: str, runner: int) -> None:
    """Count this process, and those that are forked from it.

    Args:
        folder: of the run; has `settings`, coverage's own, and `data`.
        runner: number of the process that does the run. Where that was killed, it left the `.pth` file
            behind: nothing is counted then, which would make everything slow without a word.
    """
    if not _is_alive(runner):
        return
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

    saving = threading.Lock()
    is_over = threading.Event()

    def save() -> None:
        if os.getpid() == owner and _has_output() and Path(settings).exists():
            with saving:
                counting.save()

    def save_now_and_then() -> None:
        while not is_over.wait(SAVE_EVERY_S):
            save()

    thread = threading.Thread(target=save_now_and_then, name="coverage", daemon=True)

    def save_at_the_end() -> None:
        is_over.set()
        if has_thread:  # else it would be traced while the interpreter is taken down
            thread.join()
        counting.stop()
        save()

    def go_on_after_fork() -> None:
        nonlocal counting, owner, has_thread, saving
        if has_thread:  # it may have held the locks, and is not here
            counting, has_thread, saving = begin(), False, threading.Lock()
        owner = os.getpid()
        _before_each_wait(save)

    atexit.register(save_at_the_end)
    leave = os._exit

    def save_and_leave(status: int) -> NoReturn:
        save()
        leave(status)

    os._exit = save_and_leave
    os.register_at_fork(after_in_child=go_on_after_fork)
    if has_thread:
        thread.start()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _has_output() -> bool:
    """Whether standard output and error are open: else a file of ours would be opened in their place."""
    try:
        os.fstat(1)
        os.fstat(2)
    except OSError:
        return False
    return True


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
