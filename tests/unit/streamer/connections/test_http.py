"""Reading answers of the management API out of bytes, whole and in pieces, and writing requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.connections.http import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    Answer,
    AnswerReader,
    NotHttp,
    write_request,
)

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def read(*pieces: bytes) -> Answer | None:
    reader = AnswerReader()
    answer = None
    for piece in pieces:
        assert answer is None
        answer = reader.feed(piece)
    return answer


@pytest.mark.parametrize(
    ("came", "answer"),
    [
        (TAKEN, Answer(200, None, True)),
        (b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", Answer(200, None, True)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, None, True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", Answer(200, None, True)),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\nGone", Answer(410, None, True)),
        (b"HTTP/1.1 429 Slow\r\nRETRY-AFTER: \t 7 \r\nContent-Length:0\r\n\r\n", Answer(429, "7", True)),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + TAKEN, Answer(200, None, True)),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 3 + TAKEN, Answer(200, None, True)),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\n", Answer(200, None, False)),
        (b"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n", Answer(200, None, False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Answer(200, None, False)),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", Answer(200, None, False)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", Answer(200, None, False)),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n",
            Answer(200, None, False),
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), Answer(200, None, False)),
        (TAKEN + b"HTTP/1.1 403 Forbidden\r\n", Answer(200, None, False)),
    ],
    ids=[
        "taken", "no reason", "empty", "length twice", "body", "retry after", "interim", "several interim",
        "closes", "closes among others", "1.0", "until closed", "chunked", "chunked, length", "long body",
        "more than asked for",
    ],
)  # fmt: skip
def test_answers(came: bytes, answer: Answer) -> None:
    """Status and `Retry-After` are read; only where the end is plain is the connection used again."""
    assert read(came) == answer


@given(st.lists(st.integers(1, 40), max_size=12))
def test_in_pieces(sizes: list[int]) -> None:
    """However an answer is cut into pieces, it is the same answer, at its last byte."""
    came = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 5\r\n\r\nagain"
    reader = AnswerReader()
    for size in sizes:
        piece, came = came[:size], came[size:]
        if not came:
            came = piece
            break
        assert reader.feed(piece) is None
    assert reader.feed(came) == Answer(429, "3", True)


@pytest.mark.parametrize(
    "came",
    [
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 600 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (MAX_HEAD_BYTES // 6),
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * MAX_HEAD_BYTES,
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_HEAD_BYTES // 25 + 1),
    ],
    ids=[
        "another protocol", "TLS", "another one", "short status", "long status", "no such status", "upgrade",
        "no colon", "folded", "space in a name", "bare CR", "NUL", "two lengths", "negative length",
        "endless length", "endless headers", "endless header", "too long", "endless interim answers",
    ],
)  # fmt: skip
def test_no_answers(came: bytes) -> None:
    """What is no answer is refused, at once or as soon as it is longer than any answer."""
    with pytest.raises(NotHttp):
        read(came)


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=20))
def test_anything(pieces: list[bytes]) -> None:
    """Whatever comes, it is an answer, no answer, or not all of it."""
    reader = AnswerReader()
    try:
        for piece in pieces:
            if reader.feed(piece) is not None:
                return
    except NotHttp:
        pass


@pytest.mark.parametrize(
    ("came", "answer"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Answer(200, None, False)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None),
    ],
    ids=["in the body", "in the head", "after an interim answer"],
)
def test_cut(came: bytes, answer: Answer | None) -> None:
    """An answer that is cut off in its body has its status; one without a whole head is none."""
    reader = AnswerReader()
    assert reader.feed(came) is None
    assert (reader.cut(), reader.has_begun) == (answer, True)


def test_requests() -> None:
    """A request has its length where there can be a body, and the headers that it is given."""
    assert write_request("POST", "a:1", "/s/@connections/c", {"X": "y"}, b"data") == (
        b"POST /s/@connections/c HTTP/1.1\r\nHost: a:1\r\nUser-Agent: streamer\r\nContent-Length: 4\r\nX: y"
        b"\r\n\r\ndata"
    )
    assert b"Content-Length: 0\r\n" in write_request("POST", "a", "/", {}, b"")
    assert b"Content-Length" not in write_request("GET", "a", "/", {}, b"")
