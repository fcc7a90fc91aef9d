"""Logs: what is kept."""

from hypothesis import given
from hypothesis import strategies as st

from emulator.runtime.logs import BoundedText


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
