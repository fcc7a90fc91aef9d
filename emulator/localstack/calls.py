"""HTTP calls to LocalStack's own pages and to the routes that our plugin adds to them."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

SECRET_HEADER = "x-emulator-secret"  # noqa: S105 - the header's name
"""Opens the plugin's routes."""


class CallFailed(Exception):
    """The answer is no success; `str()` has its status and body."""


async def call(
    port: int, path: str, *, body: Mapping[str, Any] | None = None, secret: str = ""
) -> dict[str, Any]:
    """Return the JSON that LocalStack on loopback answers with; POST where there is a body, else GET.

    Raises:
        CallFailed: the answer has another status than 200.
        OSError, ValueError: there is none, or no JSON in it.
    """
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Connection: close\r\nContent-Length: {len(content)}\r\n"
        + (f"{SECRET_HEADER}: {secret}\r\n" if secret else "")
        + "\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + content)
        answer = await reader.read()
    finally:
        writer.close()
    status_line, _, rest = answer.partition(b"\r\n")
    text = rest.partition(b"\r\n\r\n")[2]
    if b" 200 " not in status_line:
        raise CallFailed(f"{status_line.decode(errors='replace')}: {text.decode(errors='replace')}")
    found: dict[str, Any] = json.loads(text)
    return found
