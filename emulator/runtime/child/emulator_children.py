"""Processes that the fork server has started: which there are, when they end, and how they are ended.

Standard library alone.
"""

import contextlib
import ctypes
import os
import signal
import sys


def hear_of_ends_only() -> None:
    """Have SIGCHLD sent when a child ends, not when it is stopped or goes on, as all do all the time."""
    if sys.platform == "linux":
        offset, flag = ctypes.sizeof(ctypes.c_void_p) + 128, 1  # handler, signal set; SA_NOCLDSTOP
    elif sys.platform == "darwin":
        offset, flag = ctypes.sizeof(ctypes.c_void_p) + 4, 8
    else:
        return
    action = ctypes.create_string_buffer(256)
    libc = ctypes.CDLL(None)
    if libc.sigaction(int(signal.SIGCHLD), None, action) == 0:
        flags = ctypes.c_int.from_buffer(action, offset)
        flags.value |= flag
        libc.sigaction(int(signal.SIGCHLD), action, None)


def children() -> list[int]:
    """Return the ids of this process's children; none where the system does not tell (Linux does)."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def end_children() -> None:
    """Kill every child, and then what they leave, which comes here."""
    while left := children():
        for pid in left:
            kill(pid)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def kill(pid: int) -> None:
    """Kill a process; nothing happens where it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def kill_group(pid: int) -> None:
    """Kill a process group; nothing happens where it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
