"""Logs: what is kept, and Lambda's lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.runtime.logs import BoundedText, Report, end_lines


@given(st.lists(st.binary(max_size=40)), st.integers(2, 60))
def test_the_beginning_and_the_end_are_kept(pieces: list[bytes], limit: int) -> None:
    """However it is cut into pieces, a long text keeps its first and last half, a short one everything."""
    pieces = [bytes(b % 26 + 97 for b in piece) for piece in pieces]
    log = BoundedText(limit)
    for piece in pieces:
        log.append(piece)
    whole = b"".join(pieces).decode()
    half = limit // 2
    if len(whole) <= 2 * half:
        assert log.text() == whole
    else:
        missing = f"\n[{len(whole) - 2 * half} bytes of this log were left out]\n"
        assert log.text() == whole[:half] + missing + whole[-half:]


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (
            Report("id", 3.01, 128, 36, init_ms=110.1),
            "Duration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB"
            "\tInit Duration: 110.10 ms\t\n",
        ),
        (
            Report("id", 1000.0, 128, 36, status="timeout"),
            "Duration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB"
            "\tStatus: timeout\t\n",
        ),
        (
            Report("id", 0.2, 256, 9, status="error", error_type="Runtime.ExitError"),
            "Duration: 0.20 ms\tBilled Duration: 1 ms\tMemory Size: 256 MB\tMax Memory Used: 9 MB"
            "\tStatus: error\tError Type: Runtime.ExitError\t\n",
        ),
    ],
    ids=["cold", "timeout", "exit"],
)
def test_the_report_line(report: Report, line: str) -> None:
    """END and REPORT as in rows E51 and E52; the bill is rounded up."""
    assert end_lines(report) == f"END RequestId: id\nREPORT RequestId: id\t{line}"
