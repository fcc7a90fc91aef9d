"""HTTP requests as they stand in a test, signed or not: for what boto3 would never send."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.account import CREDENTIALS, REGION
from scripts.parity_harness.deadline import DEADLINE_S


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response.

    Attributes:
        headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


async def request(
    method: str,
    url: str,
    body: bytes = b"",
    *,
    service: str | None = "execute-api",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request; the URL's path and query go out to the letter.

    Args:
        service: that the signature is for, or None for no signature.
        headers: further ones, which are not signed.
    """
    own = dict(headers or {})
    if service is not None:
        own |= signature(method, url, body, service=service)
    return await asyncio.to_thread(_send, method, url, body, own)


def signature(method: str, url: str, body: bytes, *, service: str) -> dict[str, str]:
    """Return the headers of a Signature Version 4."""
    credentials = Credentials(
        CREDENTIALS["AWS_ACCESS_KEY_ID"],
        CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        CREDENTIALS["AWS_SESSION_TOKEN"],
    )
    signed = AWSRequest(method, url, data=body)
    SigV4Auth(credentials, service, REGION).add_auth(signed)
    return dict(signed.headers.items())


def _send(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    parts = urlsplit(url)
    assert parts.hostname is not None
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=DEADLINE_S)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()
