"""Plain bytes and framed records in one stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.application import LogFormat, LoggingConfig
from emulator.runtime.frames import MAX_FRAME_BYTES, MAX_LINE_BYTES, Frames, level_of

TEXT = LoggingConfig()


def frame(message: bytes, kind: int = 0xA55A0003, length: int | None = None) -> bytes:
    """Return a record as the runtime client writes it (row H13)."""
    size = len(message) if length is None else length
    return (
        kind.to_bytes(4, "big")
        + size.to_bytes(4, "big")
        + (1_700_000_000_000_000).to_bytes(8, "big")
        + message
    )


def json_config(level: str) -> LoggingConfig:
    return LoggingConfig(format=LogFormat.JSON, application_level=level)


PIECES = st.lists(
    st.tuples(st.booleans(), st.binary(max_size=20).map(lambda data: bytes(b % 26 + 97 for b in data))),
    max_size=8,
)


@pytest.mark.row("H13")
@given(PIECES, st.lists(st.integers(1, 12), min_size=1, max_size=20))
def test_order_and_content_survive_any_cut(pieces: list[tuple[bool, bytes]], cuts: list[int]) -> None:
    """However the stream is cut, the text is that of its pieces in order, each record a line of its own."""
    stream = b"".join(frame(data) if framed else data for framed, data in pieces)
    expected = b"".join(data + b"\n" if framed and data else data for framed, data in pieces)
    frames, out, at = Frames(TEXT), b"", 0
    for number in range(len(stream)):
        size = cuts[number % len(cuts)]
        out += frames.feed(stream[at : at + size])
        at += size
    assert out + frames.flush() == expected


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_no_bytes_break_it(pieces: list[bytes]) -> None:
    """Whatever a process writes is taken, and no more comes out than went in, but for line ends."""
    frames = Frames(TEXT)
    out = b"".join(frames.feed(piece) for piece in pieces) + frames.flush()
    assert len(out) <= 2 * sum(map(len, pieces)) + 1


def test_what_only_looks_like_a_frame_is_text() -> None:
    """A head that claims more than a record can have is taken as it is."""
    frames = Frames(TEXT)
    data = frame(b"x", length=MAX_FRAME_BYTES + 1)
    assert frames.feed(data) + frames.flush() == data


@pytest.mark.row("H12")
@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("DEBUG", ["plain", "debug", "info", "error", "other"]),
        ("INFO", ["plain", "info", "error", "other"]),
        ("ERROR", ["error"]),
    ],
)
def test_plain_lines_are_filtered_by_their_level(level: str, kept: list[str]) -> None:
    """With the JSON format a line counts with its `level`, one without a valid level as INFO (row H12)."""
    lines = {
        "plain": b"plain text\n",
        "debug": b'{"level": "debug"}\n',
        "info": b'{"level": "INFO"}\n',
        "error": b'{"level": "ERROR"}\n',
        "other": b'{"level": "loud"}\n',
    }
    out = Frames(json_config(level)).feed(b"".join(lines.values()))
    assert out == b"".join(lines[name] for name in kept)


@pytest.mark.row("H13")
def test_framed_records_are_filtered_by_their_type() -> None:
    """A record's type names its level."""
    frames = Frames(json_config("ERROR"))
    out = frames.feed(frame(b"{}\n", 0xA55A000E) + frame(b'{"a":1}\n', 0xA55A0016))
    assert out == b'{"a":1}\n'


def test_an_endless_line_is_not_held() -> None:
    """A line is judged by its beginning where it is too long to be kept, and goes through with the rest."""
    frames = Frames(json_config("INFO"))
    long = b"x" * (MAX_LINE_BYTES + 1)
    assert frames.feed(long) == long
    assert frames.feed(b"more") == b"more"
    quiet = Frames(json_config("ERROR"))
    assert (
        quiet.feed(long) + quiet.feed(b"more\n") + quiet.feed(b'{"level":"ERROR"}\n')
        == b'{"level":"ERROR"}\n'
    )


def test_a_line_without_an_end_comes_with_the_invocations_end() -> None:
    """What has no line end yet is let go when the invocation ends."""
    frames = Frames(json_config("INFO"))
    assert frames.feed(b"half") == b""
    assert frames.flush() == b"half"
    assert frames.flush() == b""


def test_a_line_that_is_nested_too_deeply_is_plain_text() -> None:
    """A printed line that no parser follows has the level INFO, as any other that is no JSON object."""
    assert level_of(b'{"a":' * 5_000 + b"\n") == "INFO"
