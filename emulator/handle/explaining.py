"""The end of the log behind a failed request, short enough for a notebook cell. Pure."""

import json
import os
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_LINES = 12
"""Lines of a log that are shown. Ours: what fits above the next cell."""

_EMULATOR = str(Path(__file__).parent.parent)

OTHERS = tuple(
    folder + os.sep for folder in (_EMULATOR, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))
)
"""The code of the emulator, of Python and of installed packages, whose frames explain nothing."""

_TROUBLE = ("WARNING", "ERROR", "CRITICAL")
_OF_LAMBDA = ("START ", "END ", "REPORT ", "INIT_START ")
_FRAME = '  File "'


def explain(logs: Sequence[Mapping[str, Any]], *, folders: Sequence[str] = ()) -> str | None:
    """Return where a request failed and the end of that log; None if no log tells of trouble.

    Args:
        logs: of the request's invocations, oldest first: `{"function", "function_error", "log"}`.
        folders: whose code is not the reader's; its frames are left out where there are others.
    """
    for log in reversed(logs):
        lines = trouble(log["log"], folders=folders)
        if lines:
            end = "\n".join(f"  {line}" for line in lines[-MAX_LINES:])
            return f"It failed in {log['function']}, whose log ends:\n{end}"
    failed = next((log for log in reversed(logs) if log["function_error"]), None)
    return None if failed is None else f"It failed in {failed['function']}."


def trouble(log: str, *, folders: Sequence[str] = ()) -> list[str]:
    """Return the lines of a function's log that tell of trouble, JSON lines opened out."""
    lines: list[str] = []
    is_plain_trouble = False
    for text in log.splitlines():
        line = json_line(text)
        if line is not None or text.startswith(_OF_LAMBDA):
            is_plain_trouble = False
        if line is not None and line.get("level") in _TROUBLE:
            lines.append(f"{line['level']} {line.get('message', '')}")
            stack = str(line.get("stack_trace") or line.get("error") or "")
            lines += without_frames(stack.splitlines(), folders)
        elif line is None and not text.startswith(_OF_LAMBDA):
            is_plain_trouble = is_plain_trouble or text.startswith("[ERROR]") or "Task timed out" in text
            is_plain_trouble = is_plain_trouble or text.startswith("RequestId: ")
            if is_plain_trouble and text.strip():
                lines.append(text)
    return lines


def without_frames(lines: Iterable[str], folders: Sequence[str]) -> list[str]:
    """Return a stack trace without the frames of files in `folders`, unless it has no others."""
    kept: list[str] = []
    has_others, is_hidden = False, False
    lines = list(lines)
    for line in lines:
        if line.startswith(_FRAME):
            is_hidden = line[len(_FRAME) :].startswith(tuple(folders))
            has_others = has_others or not is_hidden
        elif not line.startswith("    "):
            is_hidden = False
        if not is_hidden:
            kept.append(line)
    return kept if has_others else lines


def json_line(text: str) -> dict[str, Any] | None:
    """Return a line of a log that is a JSON object; None for any other."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
