"""The seam to API Gateway's management API, and the one adapter behind it.

Signed requests over connections of our own (`wire.py`) instead of boto3's client: the same requests for a
fraction of the processor time (`python -m scripts.benchmarks.transport` prints both), and many of them at a
time without a thread for each.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

from botocore.credentials import ReadOnlyCredentials
from botocore.httpsession import get_cert_path
from botocore.session import Session

from streamer.connections.exchange import exchange
from streamer.connections.http import write_request
from streamer.connections.names import Names, Resolve, resolve
from streamer.connections.origin import Origin, origin_of, path_begin
from streamer.connections.retries import Failure, Reply
from streamer.connections.signing import MAX_KNOWN_CONNECTIONS, signed_headers
from streamer.connections.wires import Wires
from streamer.errors import ServiceUnavailable

MAX_CONNECTIONS = 16
"""Requests under way at the same time. Ours; a post takes AWS 10 to 20 ms: about 1,000 of them a second."""

CONNECT_TIMEOUT_S = 2.0
"""For TCP and TLS together, with each address of the server. Ours."""

READ_TIMEOUT_S = 5.0
"""For the request and its whole answer. Ours: the API answers within milliseconds, or it is throttling and
says so."""


class Transport(Protocol):
    """Requests to the management API. Never retries and never raises for an answer or its absence.

    Where a connection that was kept alive turns out to be closed before anything of an answer came, the
    request is sent again at once, over a new one.
    """

    def post(self, endpoint: str, connection_id: str, data: bytes) -> Reply:
        """Send `data` to a connection as one text message."""
        ...

    def post_many(
        self, targets: Iterable[tuple[str, str]], data: bytes, *, within_s: float | None = None
    ) -> Iterator[tuple[int, Reply]]:
        """Send `data` to many connections, several at a time.

        Args:
            targets: endpoint and connection id, each taken when it is the next to be sent to.
            within_s: seconds after which nobody is waited for, and no target taken.

        Yields:
            The position in `targets` and the reply, as they come; one for each that was taken.
        """
        ...

    def get(self, endpoint: str, connection_id: str) -> Reply:
        """Ask after a connection: 200 if it is open, 410 if it is not."""
        ...

    def delete(self, endpoint: str, connection_id: str) -> Reply:
        """Close a connection."""
        ...


@lru_cache(maxsize=MAX_KNOWN_CONNECTIONS)
def connection_url(endpoint: str, connection_id: str) -> str:
    """Return the address of a connection: `{endpoint}/@connections/{id}`, the id percent-encoded."""
    return f"{endpoint.rstrip('/')}/@connections/{quote(connection_id, safe='')}"


class SignedTransport:
    """The management API over HTTP. Safe to use from many threads; connections are kept alive."""

    def __init__(
        self,
        credentials: Callable[[], ReadOnlyCredentials],
        region: str,
        *,
        ca_bundle: str | None = None,
        max_connections: int = MAX_CONNECTIONS,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        resolve: Resolve = resolve,
    ) -> None:
        """Make a transport; nothing is opened yet.

        Args:
            credentials: called for every request, since they change.
            ca_bundle: path of the certificates to trust; None: those that botocore trusts.
            now: the machine's own time in UTC, which AWS compares with its own.
            resolve: looks a name up, in a thread of its own.
        """
        self._credentials = credentials
        self._region = region
        self._ca_bundle = ca_bundle
        self._now = now
        self._wires = Wires(
            self._tls,
            Names(resolve),
            max_connections=max_connections,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            now=lambda: now().timestamp(),
        )

    @classmethod
    def from_session(cls, session: Session) -> "SignedTransport":
        """Make a transport with the credentials, the region and the CA bundle (`AWS_CA_BUNDLE`) of `session`.

        Raises:
            ServiceUnavailable: the session knows no credentials or no region.
        """
        credentials = session.get_credentials()
        region = session.get_config_variable("region")
        if credentials is None or region is None:
            raise ServiceUnavailable(
                "No AWS credentials or region are set; set them where the function runs."
            )
        return cls(
            credentials.get_frozen_credentials, region, ca_bundle=session.get_config_variable("ca_bundle")
        )

    def post(self, endpoint: str, connection_id: str, data: bytes) -> Reply:
        return self._one("POST", endpoint, connection_id, data)

    def post_many(
        self, targets: Iterable[tuple[str, str]], data: bytes, *, within_s: float | None = None
    ) -> Iterator[tuple[int, Reply]]:
        return exchange(
            self._wires,
            (self._request("POST", endpoint, connection_id, data) for endpoint, connection_id in targets),
            within_s=within_s,
        )

    def get(self, endpoint: str, connection_id: str) -> Reply:
        return self._one("GET", endpoint, connection_id, b"")

    def delete(self, endpoint: str, connection_id: str) -> Reply:
        return self._one("DELETE", endpoint, connection_id, b"")

    def sign(self, method: str, url: str, data: bytes) -> dict[str, str]:
        """Return the headers that prove who sends this request, AWS Signature Version 4.

        Signed at the machine's own time, which AWS compares with its own.
        """
        return signed_headers(
            method,
            url,
            data,
            credentials=self._credentials(),
            region=self._region,
            now=self._now(),
        )

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._wires.close()

    def _one(self, method: str, endpoint: str, connection_id: str, data: bytes) -> Reply:
        ((_, reply),) = exchange(self._wires, (self._request(method, endpoint, connection_id, data),))
        return reply

    def _request(
        self, method: str, endpoint: str, connection_id: str, data: bytes
    ) -> tuple[Origin, bytes] | Failure:
        try:
            origin = origin_of(endpoint)
        except ValueError:
            return Failure.BAD_ENDPOINT
        url = connection_url(endpoint, connection_id)
        headers = self.sign(method, url, data)
        return origin, write_request(method, origin.authority, url[path_begin(url) :], headers, data)

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_bundle or get_cert_path(True))
        context.set_alpn_protocols(["http/1.1"])
        return context
