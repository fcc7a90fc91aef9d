"""Where in the code an error that a function told of has happened."""

import re
from collections.abc import Iterable

_FRAME = re.compile(r'File "([^<"][^"]*)",? line (\d+)', re.IGNORECASE)
"""A frame as Python writes it, or AWS's runtime client for an error of syntax; none of Python's own."""


def place_of(stack_trace: Iterable[object]) -> str | None:
    """Return the innermost place of a `stackTrace`, `file, line number`; None where it names no file."""
    found = [match for entry in stack_trace if (match := _FRAME.search(str(entry)))]
    return f"{found[-1][1]}, line {found[-1][2]}" if found else None
