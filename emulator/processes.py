"""What the sandbox's processes use of the machine."""

from collections.abc import Mapping
from typing import Any

import psutil


def memory(pid: int, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """List `pid` and all its descendants with their memory.

    Args:
        names: what processes are called, by id; the others are called by their command.

    Shape:
        `[{"pid": int, "name": str, "rss_mb": float, "pss_mb": float | None}]`; PSS where Linux tells it.
    """
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    rows = []
    for process in processes:
        try:
            rows.append(_row(process, names))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return rows


def _row(process: psutil.Process, names: Mapping[int, str]) -> dict[str, Any]:
    full = process.memory_full_info()
    pss = getattr(full, "pss", None)
    return {
        "pid": process.pid,
        "name": names.get(process.pid) or " ".join(process.cmdline()[:4])[-60:] or process.name(),
        "rss_mb": round(full.rss / 1e6, 1),
        "pss_mb": round(pss / 1e6, 1) if pss is not None else None,
    }
