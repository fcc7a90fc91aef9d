"""A source's bytes to its lines, one at a time, and what is said of one that cannot be read. Pure.

Every failure is an `ActionFailed` with the code `SOURCE_INVALID` and the line's number, counted from 1
with the header, as an editor shows it.
"""

from collections.abc import Iterable, Iterator

from streamer.errors import ActionFailed

SOURCE_INVALID = "SOURCE_INVALID"
"""Error code of a source that does not hold what the action reads."""

MAX_LINE_BYTES = 65_536
"""Bytes of a line. Ours: it bounds the memory that a file without line ends takes."""


def invalid(line: int | None, what: str) -> ActionFailed:
    """Return the error that tells a client what is wrong with its source, and where."""
    if line is None:
        return ActionFailed(f"The source {what}.", code=SOURCE_INVALID)
    return ActionFailed(f"Line {line} of the source {what}.", code=SOURCE_INVALID, details={"line": line})


def split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Cut UTF-8 text into lines with their ends, wherever the chunks are cut; a leading BOM is dropped.

    Raises:
        ActionFailed: `SOURCE_INVALID`: a line is too long, or not UTF-8.
    """
    number = 0
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            number += 1
            yield _decoded(line, number) + "\n"
        if len(rest) > MAX_LINE_BYTES:
            raise invalid(number + 1, f"has over {MAX_LINE_BYTES} bytes; is this a text file?")
    if rest:
        yield _decoded(rest, number + 1)


def _decoded(line: bytes, number: int) -> str:
    if len(line) > MAX_LINE_BYTES:
        raise invalid(number, f"has over {MAX_LINE_BYTES} bytes; is this a text file?")
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise invalid(number, "is not UTF-8") from error
