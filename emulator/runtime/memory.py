"""How much memory a process has had at most."""

import sys

import psutil


def peak_memory_mb(pid: int) -> int:
    """Return the peak resident memory of a process in MB; 0 where it is gone.

    On Linux the kernel's own high-water mark, which counts pages shared with the fork server too;
    elsewhere what it has now.
    """
    if sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/status", "rb") as status:
                for line in status:
                    if line.startswith(b"VmHWM:"):
                        return int(line.split()[1]) // 1024
        except OSError:
            pass
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss // 1_048_576)
    except psutil.Error:
        return 0
