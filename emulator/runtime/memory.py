"""How much memory an environment's processes have.

On Linux the kernel's own figures. The handler's child processes count, also those that were left to
themselves: they come to the environment's process.
"""

import os
import sys

import psutil

_KB_PER_MB = 1024


def peak_memory_mb(pid: int) -> int:
    """Return the most resident memory that a process and its living descendants have had; 0 where gone.

    On Linux each process's high-water mark, which counts pages shared with the fork server too; elsewhere
    what they have now.
    """
    return _sum_mb(pid, "VmHWM:")


def resident_memory_mb(pid: int) -> int:
    """Return what a process and its descendants have now; shared pages count for each of them."""
    return _sum_mb(pid, "VmRSS:")


def proportional_memory_mb(pid: int) -> int:
    """Return what a process and its descendants have now, shared pages divided by who shares them.

    Takes milliseconds for a large process. Elsewhere than on Linux it is the resident memory.
    """
    if sys.platform != "linux":
        return resident_memory_mb(pid)
    return sum(_read_kb(f"/proc/{one}/smaps_rollup", b"Pss:") for one in family(pid)) // _KB_PER_MB


def _sum_mb(pid: int, field: str) -> int:
    if sys.platform == "linux":
        name = field.encode()
        return sum(_read_kb(f"/proc/{one}/status", name) for one in family(pid)) // _KB_PER_MB
    try:
        process = psutil.Process(pid)
        all_of_it = [process, *process.children(recursive=True)]
        return sum(int(one.memory_info().rss) for one in all_of_it) // 1_048_576
    except psutil.Error:
        return 0


def family(pid: int) -> list[int]:
    """Return a process and its descendants; elsewhere than on Linux the process alone."""
    found = [pid]
    for one in found:  # grows meanwhile
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{thread}/children", "rb") as children:
                    found += map(int, children.read().split())
        except OSError:  # it has ended
            continue
    return found


def _read_kb(path: str, field: bytes) -> int:
    try:
        with open(path, "rb") as file:
            for line in file:
                if line.startswith(field):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0
