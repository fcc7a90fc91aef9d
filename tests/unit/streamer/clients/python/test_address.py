"""Addresses, tokens and refusals."""

import json

import pytest

from streamer.clients.python.address import authorization, is_loopback_host, parse_address, refusal_code
from streamer.clients.python.errors import InvalidOption


@pytest.mark.parametrize(
    ("url", "shown", "is_loopback"),
    [
        ("ws://127.0.0.1:4510/local", "ws://127.0.0.1:4510/local", True),
        ("ws://localhost/local", "ws://localhost/local", True),
        ("wss://abc.execute-api.localhost:4511/local", "wss://abc.execute-api.localhost:4511/local", True),
        ("ws://[::1]:4510/local", "ws://[::1]:4510/local", True),
        ("wss://abc.example.com/prod?token=s3cret", "wss://abc.example.com/prod", False),
        ("ws://128.0.0.1/local", "ws://128.0.0.1/local", False),
    ],
)
def test_address_is_shown_without_its_query(url: str, shown: str, *, is_loopback: bool) -> None:
    """An address knows whether it is this machine, and never shows a query, in which a token may be."""
    address = parse_address(url)
    assert (address.url, address.shown, address.is_loopback) == (url, shown, is_loopback)
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://localhost",
        "localhost:80",
        "ws://",
        "ws://host:port",
        "ws://host:99999",
        "ws://me:s3cret@host/",
        "ws://host/#s3cret",
        "ws://ho st/",
        "ws://[::1/",
    ],
)
def test_impossible_address_is_refused(url: str) -> None:
    """What no connection can come of is refused with an example, and without repeating it."""
    with pytest.raises(InvalidOption, match="give one such as wss://") as caught:
        parse_address(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("token", ["", " ", "a b", "a\r\nX-Evil: 1", "tök", "a\n"])
def test_token_that_no_header_can_carry_is_refused(token: str) -> None:
    """A token cannot bring a header of its own, and is not repeated in the error."""
    with pytest.raises(InvalidOption, match="give the JWT alone") as caught:
        authorization(token)
    assert not token.strip() or token not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "a.b.localhost"])
def test_this_machine_is_known(host: str) -> None:
    """Every form of loopback counts."""
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["localhost.example.com", "10.0.0.1", "notlocalhost", "", "::2"])
def test_other_machines_are_known(host: str) -> None:
    """What only looks like loopback does not count."""
    assert not is_loopback_host(host)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b'{"code": "EXPIRED_TOKEN", "message": "x"}', "EXPIRED_TOKEN"),
        (403, b'{"error": {"code": "TENANT_NOT_ALLOWED"}}', "TENANT_NOT_ALLOWED"),
        (401, b'{"message":"Unauthorized"}', "UNAUTHORIZED"),
        (403, b"", "FORBIDDEN"),
        (401, json.dumps({"code": "x" * 500}).encode(), "UNAUTHORIZED"),
        (401, b'{"code": "a\\u001b[31m"}', "UNAUTHORIZED"),
        (401, b"\xff", "UNAUTHORIZED"),
        (418, b"[]", None),
    ],
    ids=["code", "error.code", "no code", "no body", "too long", "control characters", "bytes", "unknown"],
)
def test_refusal_has_the_bodys_code_or_the_statuss(status: int, body: bytes, code: str | None) -> None:
    """The code is the server's where it sent one, and what the status means where it did not."""
    assert refusal_code(status, body) == code
