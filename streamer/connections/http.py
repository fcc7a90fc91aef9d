"""HTTP/1.1 as far as the management API needs it: bytes of a request, and the reader of an answer. Pure.

Of an answer we want three things: its status, `Retry-After`, and whether the connection can be used again. A
body is passed over; where its end is not plain, or far, the connection is given up instead of read on.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from streamer.dynamorm.frozen import dataclass

MAX_HEAD_BYTES = 16_384
"""Of an answer, interim ones included. Ours; API Gateway's own take less than 1 KB."""

MAX_BODY_BYTES = 65_536
"""A longer body is not worth reading to keep the connection. Ours; a GET's has about 200 bytes."""

USER_AGENT = "streamer"
"""What access logs say of us."""

_BEGIN = b"HTTP/1."
_HEAD = re.compile(
    rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n\0]*)?\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)*\r\n"
)
_HEADER = re.compile(rb"(?i)\r\n(content-length|transfer-encoding|connection|retry-after):[ \t]*([^\r]*)")


class NotHttp(Exception):
    """What came is no answer to an HTTP request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What we want to know of an answer.

    Attributes:
        retry_after: the header as it came.
        is_reusable: whether another request may follow on the same connection.
    """

    status: int
    retry_after: str | None
    is_reusable: bool


def write_request(method: str, authority: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a request as it goes over the wire.

    Args:
        target: the path, percent-encoded.

    Source:
        RFC 9112, sections 2.1 and 3.2.
    """
    length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {USER_AGENT}\r\n{length}{fields}\r\n"
    )
    return head.encode("latin-1") + body


class AnswerReader:
    """Reads one answer out of the bytes that come; holds at most `MAX_HEAD_BYTES` and one piece of them."""

    def __init__(self) -> None:
        self._came = b""
        self._passed = 0
        self._missing = 0
        self._answer: Answer | None = None

    @property
    def has_begun(self) -> bool:
        """Whether any byte has come."""
        return bool(self._came or self._passed)

    def feed(self, data: bytes) -> Answer | None:
        """Take what came, not empty; return the answer once it is whole.

        Raises:
            NotHttp: it is no answer, or its head is too long.
        """
        if self._answer is None:
            searched = max(0, len(self._came) - 3)
            data = self._came = self._came + data
            while self._answer is None:
                if not data.startswith(_BEGIN[: len(data)]):
                    raise NotHttp
                end = data.find(b"\r\n\r\n", searched) + 4
                if self._passed + (end if end >= 4 else len(data)) > MAX_HEAD_BYTES:
                    raise NotHttp
                if end < 4:
                    return None
                self._read_head(data[:end])
                self._passed += end
                data = self._came = data[end:]
                searched = 0
            self._came = b""
        self._missing -= len(data)
        if self._missing > 0:
            return None
        if self._missing < 0:  # bytes that nobody asked for would be taken for the next answer
            return self.cut()
        return self._answer

    def cut(self) -> Answer | None:
        """Return the answer of which no more comes: what was said of the body does not change the status."""
        return None if self._answer is None else replace(self._answer, is_reusable=False)

    def _read_head(self, head: bytes) -> None:
        matched = _HEAD.fullmatch(head)
        if matched is None:
            raise NotHttp
        status = int(matched[2])
        if status < 200:
            if status == 101:
                raise NotHttp  # RFC 9110, section 15.2.2: only to who asks for it
            return
        found: dict[bytes, list[bytes]] = {}
        for name, value in _HEADER.findall(head):
            found.setdefault(name.lower(), []).append(value.strip(b" \t"))
        length = _content_length(found.get(b"content-length", ()), status)
        is_reusable = (
            matched[1] == b"1"
            and length is not None
            and length <= MAX_BODY_BYTES
            and b"transfer-encoding" not in found
            and b"close" not in b",".join(found.get(b"connection", ())).lower()
        )
        after = found.get(b"retry-after")
        self._missing = length or 0 if is_reusable else 0
        self._answer = Answer(status, after[0].decode("latin-1") if after else None, is_reusable)


def _content_length(values: Sequence[bytes], status: int) -> int | None:
    """Return the length of an answer's body, None if it is not told.

    Source:
        RFC 9112, section 6.3.
    """
    if status in (204, 304):
        return 0
    if not values:
        return None
    if len(set(values)) > 1 or not values[0].isdigit() or len(values[0]) > 18:
        raise NotHttp
    return int(values[0])
