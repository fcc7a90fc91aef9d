"""A request's body as the sandbox's own ports read it."""

from typing import Any

import pytest

from emulator.asgi import Disconnected, headers_of, read_body

END = {"type": "http.disconnect"}


class Client:
    """Sends a body in parts, then goes away."""

    def __init__(self, *parts: bytes, is_whole: bool = True) -> None:
        last = len(parts) - 1
        self.left: list[dict[str, Any]] = [
            {"type": "http.request", "body": part, "more_body": not is_whole or place < last}
            for place, part in enumerate(parts)
        ]

    async def __call__(self) -> dict[str, Any]:
        return self.left.pop(0) if self.left else END


async def test_body_in_parts() -> None:
    """The parts are put together, up to the limit."""
    assert await read_body(Client(b"ab", b"", b"cd"), max_bytes=4) == b"abcd"


@pytest.mark.parametrize(("reads_all", "left"), [(False, 1), (True, 0)])
async def test_body_that_is_too_large(reads_all: bool, left: int) -> None:
    """It is given up at once, or read to its end where the client has to send it all."""
    client = Client(b"ab", b"cde", b"f")
    assert await read_body(client, max_bytes=4, reads_all=reads_all) is None
    assert len(client.left) == left


async def test_small_part_after_a_large_one() -> None:
    """What fits again after the limit was passed does not count as the body."""
    assert await read_body(Client(b"abcde", b"f"), max_bytes=4, reads_all=True) is None


async def test_body_that_is_cut_off() -> None:
    """A part of a body is never taken for the whole."""
    with pytest.raises(Disconnected):
        await read_body(Client(b"ab", is_whole=False), max_bytes=4)


def test_names_of_headers() -> None:
    """They are in lower case, and their values are Latin-1."""
    assert headers_of({"headers": [(b"X-Name", b"\xe9")]}) == {"x-name": "é"}
