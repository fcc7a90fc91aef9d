"""GetRecords of our own engine, on connections of the event loop.

Through boto3 each read costs a thread, a signature that nobody looks at, and four milliseconds of processor
under load: more than all else that an event source does for a batch.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from emulator.account import CREDENTIALS, REGION
from emulator.faults import OWN_REQUESTS
from emulator.localstack.backend import WAIT_HEADER

_HEAD = (
    "POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: DynamoDBStreams_20120810.GetRecords\r\n"
    "Content-Type: application/x-amz-json-1.0\r\n"
    f"User-Agent: {OWN_REQUESTS}\r\n"
    f"Authorization: AWS4-HMAC-SHA256 Credential={CREDENTIALS['AWS_ACCESS_KEY_ID']}/20240101/{REGION}"
    "/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n"
    f"{WAIT_HEADER}: {{wait_ms}}\r\nContent-Length: {{length}}\r\n\r\n"
)
_OK = b"HTTP/1.1 200 "
_LENGTH = b"\r\ncontent-length:"

HTTP_PORT = 80
"""Of an address that names none. RFC 9110, section 4.2.1."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class WaitingReads:
    """Reads that wait for a first record. For one event loop."""

    def __init__(self, endpoint_url: str, timeout_s: float) -> None:
        """Nothing is opened yet.

        Args:
            endpoint_url: of LocalStack with our engine, `http://` and without a path.
            timeout_s: longer than any wait that is asked for.
        """
        place = urlsplit(endpoint_url)
        self._host, self._port = place.hostname, place.port or HTTP_PORT
        self._netloc = place.netloc
        self._timeout_s = timeout_s
        self._idle: list[Connection] = []

    async def get_records(self, iterator: str, *, limit: int, wait_s: float) -> Mapping[str, Any] | None:
        """Return what GetRecords answers, binaries in base64; None where it refuses, or nobody answers.

        Cancelling is immediate, also for the back end.
        """
        body = msgspec.json.encode({"ShardIterator": iterator, "Limit": limit})
        head = _HEAD.format(host=self._netloc, wait_ms=round(wait_s * 1000), length=len(body))
        connection: Connection | None = None
        is_whole = False
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = self._idle.pop() if self._idle else await self._open()
                reader, writer = connection
                writer.write(head.encode() + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = int(answer.lower().partition(_LENGTH)[2].partition(b"\r\n")[0])
                content = await reader.readexactly(length)
                is_whole = answer.startswith(_OK)
                found: Mapping[str, Any] | None = msgspec.json.decode(content) if is_whole else None
                return found
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            return None
        finally:
            if connection is not None and is_whole:
                self._idle.append(connection)
            elif connection is not None:
                connection[1].transport.abort()

    def close(self) -> None:
        """Give up the connections that nobody uses."""
        while self._idle:
            _, writer = self._idle.pop()
            writer.transport.abort()

    async def _open(self) -> Connection:
        return await asyncio.open_connection(self._host, self._port)
