"""Which requests need nothing of LocalStack: calls of DynamoDB's items, as every SDK sends them. Pure rules.

Whatever is unusual about a request makes it another's: LocalStack's own server reads it from its first byte.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_BODY_BYTES = 1024 * 1024
"""Larger bodies are read in a thread, so that nobody waits for them. Ours."""

MAX_HEAD_BYTES = 16 * 1024
"""Of a request line and headers; LocalStack's server takes as much for one line. Ours."""

WAIT_HEADER = "x-emulator-wait-ms"
"""Lets a GetRecords wait for a first record, in milliseconds."""

JSON = "application/x-amz-json-1.0"

_OPERATIONS: Mapping[str, tuple[str, frozenset[str]]] = {
    "DynamoDB_20120810": (
        "dynamodb",
        frozenset(
            {
                *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"),
                *("BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems"),
            }
        ),
    ),
    "DynamoDBStreams_20120810": ("dynamodbstreams", frozenset({"GetRecords"})),
}
"""First part of `X-Amz-Target` -> service, and its operations that are served."""

_UNUSUAL = frozenset(
    {
        *("transfer-encoding", "content-encoding", "expect", "upgrade", "te", "trailer"),
        *("origin", "sec-fetch-site", "x-localstack-data", "x-localstack-target"),
    }
)
"""Headers that ask for what is not done here: other forms of a body, rights of pages, LocalStack's calls."""

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/[^/, ]+/([^/, ]+)/[^/, ]+/aws4_request,")


@dataclass(frozen=True, slots=True)
class PlainCall:
    """A request that is served here.

    Attributes:
        service: botocore's name of it.
        access_key: of the signature, which nobody checks.
        region: likewise.
        host: as the client says it.
        body_bytes: of the body that follows.
        wait_ms: what `WAIT_HEADER` says, `""` where there is none.
    """

    service: str
    operation: str
    access_key: str
    region: str
    host: str
    body_bytes: int
    wait_ms: str


def read_head(head: bytes) -> PlainCall | None:
    """Return the call that a request's first lines announce, None where it is not for here.

    Args:
        head: up to the empty line, without it.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    if first != "POST / HTTP/1.1":
        return None
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name in headers or name in _UNUSUAL or name[:1] in (" ", "\t"):
            return None
        headers[name] = value.strip()
    if headers.get("connection", "keep-alive").lower() != "keep-alive" or headers.get("content-type") != JSON:
        return None
    target, _, operation = headers.get("x-amz-target", "").partition(".")
    service, served = _OPERATIONS.get(target, ("", frozenset()))
    length = headers.get("content-length", "")
    credential = _CREDENTIAL.match(headers.get("authorization", ""))
    if operation not in served or credential is None or not (length.isascii() and length.isdigit()):
        return None
    if int(length) > MAX_BODY_BYTES:
        return None
    return PlainCall(
        service,
        operation,
        credential[1],
        credential[2],
        headers.get("host", ""),
        int(length),
        headers.get(WAIT_HEADER, ""),
    )
