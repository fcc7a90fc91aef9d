"""The Runtime API in pure Python: takes the place of awslambdaric's native `runtime_client` module.

Loaded by its file under that name, where the native one is not installed or not wanted. Standard library
alone. One connection, kept open; one request at a time. A thread that runs a function uses `Client` itself.

Source:
    Lambda Developer Guide, "Using the Lambda runtime API"; the four functions are those that
    `awslambdaric.lambda_runtime_client` calls.
"""

import os
import socket
from typing import BinaryIO

_BASE = "/2018-06-01/runtime"
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


class Client:
    """Speaks the Runtime API of one environment over one connection, one request at a time."""

    def __init__(self, address: str, user_agent: str = "aws-lambda-python") -> None:
        """Open nothing yet.

        Args:
            address: `host:port`.
        """
        self._address = address
        self._user_agent = user_agent
        self._connection: tuple[socket.socket, BinaryIO] | None = None

    def next(self) -> tuple[bytes, dict[str, str | int]]:
        """Wait for an invocation; returns its payload and headers, the deadline as an int.

        Raises:
            RuntimeError: the Runtime API is gone, or answers anything but 200.
        """
        status, headers, body = self._request("GET", f"{_BASE}/invocation/next", b"", {})
        if status != 200:
            raise RuntimeError(f"Failed to get next: the Runtime API answered {status}.")
        found: dict[str, str | int] = {
            _NAMES[name]: value for name, value in headers.items() if name in _NAMES
        }
        if "Lambda-Runtime-Deadline-Ms" in found:
            found["Lambda-Runtime-Deadline-Ms"] = int(found["Lambda-Runtime-Deadline-Ms"])
        return body, found

    def post_result(
        self, invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None
    ) -> None:
        """Post the function's response. Raises RuntimeError where it is not taken."""
        headers = {"Content-Type": content_type}
        if invocation_id:
            headers["Lambda-Runtime-Invocation-Id"] = invocation_id
        self._post(f"invocation/{invoke_id}/response", result, headers, "invocation response")

    def post_error(
        self, invoke_id: str, error: str, xray_fault: str = "", invocation_id: str | None = None
    ) -> None:
        """Post the function's error, a JSON text. Raises RuntimeError where it is not taken."""
        headers = {"Content-Type": "application/json"}
        if xray_fault:
            headers["Lambda-Runtime-Function-XRay-Error-Cause"] = xray_fault
        if invocation_id:
            headers["Lambda-Runtime-Invocation-Id"] = invocation_id
        self._post(f"invocation/{invoke_id}/error", error.encode(), headers, "invocation error")

    def post_init_error(self, error: str) -> None:
        """Post why the function could not be loaded, a JSON text. Raises RuntimeError like the others."""
        self._post("init/error", error.encode(), {"Content-Type": "application/json"}, "init error")

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection[1].close()
            connection[0].close()

    def _post(self, path: str, body: bytes, headers: dict[str, str], what: str) -> None:
        status, _, _ = self._request("POST", f"{_BASE}/{path}", body, headers)
        if status not in (200, 202):
            raise RuntimeError(f"Failed to post {what}: the Runtime API answered {status}.")

    def _request(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            if self._connection is None:
                self._connection = self._connect()
            sock, reader = self._connection
            sock.sendall(self._head(method, path, len(body), headers) + body)
            return _read_response(reader)
        except (OSError, ValueError) as error:
            self.close()
            raise RuntimeError(f"The Runtime API did not answer {method} {path}: {error}.") from error

    def _connect(self) -> tuple[socket.socket, BinaryIO]:
        host, _, port = self._address.rpartition(":")
        sock = socket.create_connection((host, int(port)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock, sock.makefile("rb")

    def _head(self, method: str, path: str, length: int, headers: dict[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._address}", f"User-Agent: {self._user_agent}"]
        if method == "POST":
            lines.append(f"Content-Length: {length}")
        lines += [f"{name}: {_one_line(value)}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


class _State:
    user_agent = "aws-lambda-python"
    client: Client | None = None


def initialize_client(user_agent: str) -> None:
    """Note the value of `User-Agent`; the connection is made with the first request."""
    _State.user_agent = user_agent


def next() -> tuple[bytes, dict[str, str | int]]:  # noqa: A001 - the native module's name
    """See `Client.next`."""
    return _client().next()


def post_invocation_result(
    invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None
) -> None:
    """See `Client.post_result`."""
    _client().post_result(invoke_id, result, content_type, invocation_id)


def post_error(invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
    """See `Client.post_error`."""
    _client().post_error(invoke_id, error, xray_fault, invocation_id)


def _client() -> Client:
    if _State.client is None:
        _State.client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"], _State.user_agent)
    return _State.client


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
