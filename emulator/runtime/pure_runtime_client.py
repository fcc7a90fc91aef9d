"""The Runtime API in pure Python: takes the place of awslambdaric's native `runtime_client` module.

Loaded by its file under that name, where the native one is not installed or not wanted. Standard library
alone. One connection, kept open; one request at a time.

Source:
    Lambda Developer Guide, "Using the Lambda runtime API"; the four functions are those that
    `awslambdaric.lambda_runtime_client` calls.
"""

import os
import socket
from typing import BinaryIO

_BASE = "/2018-06-01/runtime/invocation"
_NAMES = {
    name.lower(): name
    for name in (
        "Content-Type",
        "Lambda-Runtime-Aws-Request-Id",
        "Lambda-Runtime-Aws-Tenant-Id",
        "Lambda-Runtime-Client-Context",
        "Lambda-Runtime-Cognito-Identity",
        "Lambda-Runtime-Deadline-Ms",
        "Lambda-Runtime-Invocation-Id",
        "Lambda-Runtime-Invoked-Function-Arn",
        "Lambda-Runtime-Trace-Id",
    )
}


class _State:
    user_agent = "aws-lambda-python"
    connection: tuple[socket.socket, BinaryIO] | None = None


def initialize_client(user_agent: str) -> None:
    """Note the value of `User-Agent`; the connection is made with the first request."""
    _State.user_agent = user_agent


def next() -> tuple[bytes, dict[str, str | int]]:  # noqa: A001 - the native module's name
    """Wait for an invocation; returns its payload and headers, the deadline as an int.

    Raises:
        RuntimeError: the Runtime API is gone, or answers anything but 200.
    """
    status, headers, body = _request("GET", f"{_BASE}/next", b"", {})
    if status != 200:
        raise RuntimeError(f"Failed to get next: the Runtime API answered {status}.")
    found: dict[str, str | int] = {_NAMES[name]: value for name, value in headers.items() if name in _NAMES}
    if "Lambda-Runtime-Deadline-Ms" in found:
        found["Lambda-Runtime-Deadline-Ms"] = int(found["Lambda-Runtime-Deadline-Ms"])
    return body, found


def post_invocation_result(
    invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None
) -> None:
    """Post the function's response. Raises RuntimeError where it is not taken."""
    headers = {"Content-Type": content_type}
    if invocation_id:
        headers["Lambda-Runtime-Invocation-Id"] = invocation_id
    status, _, _ = _request("POST", f"{_BASE}/{invoke_id}/response", result, headers)
    if status not in (200, 202):
        raise RuntimeError(f"Failed to post invocation response: the Runtime API answered {status}.")


def post_error(invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
    """Post the function's error, a JSON text. Raises RuntimeError where it is not taken."""
    headers = {"Content-Type": "application/json"}
    if xray_fault:
        headers["Lambda-Runtime-Function-XRay-Error-Cause"] = xray_fault
    if invocation_id:
        headers["Lambda-Runtime-Invocation-Id"] = invocation_id
    status, _, _ = _request("POST", f"{_BASE}/{invoke_id}/error", error.encode(), headers)
    if status not in (200, 202):
        raise RuntimeError(f"Failed to post invocation error: the Runtime API answered {status}.")


def _request(
    method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    try:
        if _State.connection is None:
            _State.connection = _connect()
        sock, reader = _State.connection
        sock.sendall(_head(method, path, len(body), headers) + body)
        return _read_response(reader)
    except (OSError, ValueError) as error:
        if _State.connection is not None:
            _State.connection[1].close()
            _State.connection[0].close()
            _State.connection = None
        raise RuntimeError(f"The Runtime API did not answer {method} {path}: {error}.") from error


def _connect() -> tuple[socket.socket, BinaryIO]:
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].rpartition(":")
    sock = socket.create_connection((host, int(port)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock, sock.makefile("rb")


def _head(method: str, path: str, length: int, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {os.environ['AWS_LAMBDA_RUNTIME_API']}"]
    lines.append(f"User-Agent: {_State.user_agent}")
    if method == "POST":
        lines.append(f"Content-Length: {length}")
    lines += [f"{name}: {_one_line(value)}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


def _read_response(reader: BinaryIO) -> tuple[int, dict[str, str], bytes]:
    line = reader.readline()
    parts = line.split(None, 2)
    if len(parts) < 2:
        raise ConnectionResetError("the connection was closed")
    headers = {}
    while (line := reader.readline()) not in (b"\r\n", b"\n"):
        if not line:
            raise ConnectionResetError("the connection was closed within the headers")
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    body = reader.read(length)
    if len(body) != length:
        raise ConnectionResetError("the connection was closed within the body")
    return int(parts[1]), headers, body
