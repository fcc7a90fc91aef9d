"""The seam to API Gateway's management API, and the one adapter behind it.

A signed request over `urllib3` instead of boto3's client: the same request for a fraction of the processor
time (`python -m scripts.benchmarks.transport` prints both).
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol
from urllib.parse import quote

import urllib3
from botocore.credentials import ReadOnlyCredentials
from botocore.httpsession import get_cert_path
from botocore.session import Session
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, create_urllib3_context

from streamer.connections.retries import Reply
from streamer.connections.signing import signed_headers
from streamer.errors import ServiceUnavailable

MAX_CONNECTIONS = 16
"""Kept-alive connections per endpoint, one for each thread that sends."""

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 5.0
"""Ours: the API answers within milliseconds, or it is throttling and says so."""


class Transport(Protocol):
    """One request to the management API. Never retries and never raises for an answer or its absence."""

    def post(self, endpoint: str, connection_id: str, data: bytes) -> Reply:
        """Send `data` to a connection as one text message."""
        ...

    def get(self, endpoint: str, connection_id: str) -> Reply:
        """Ask after a connection: 200 if it is open, 410 if it is not."""
        ...

    def delete(self, endpoint: str, connection_id: str) -> Reply:
        """Close a connection."""
        ...


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
    ) -> None:
        """Make a transport; nothing is opened yet.

        Args:
            credentials: called for every request, since they change.
            ca_bundle: path of the certificates to trust; None: those that botocore trusts.
            now: the machine's own time in UTC, which AWS compares with its own.
        """
        self._credentials = credentials
        self._region = region
        self._ca_bundle = ca_bundle
        self._now = now
        self._max_connections = max_connections
        self._timeout = Timeout(connect=connect_timeout_s, read=read_timeout_s)
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}
        self._lock = Lock()

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
        return self._request("POST", endpoint, connection_id, data)

    def get(self, endpoint: str, connection_id: str) -> Reply:
        return self._request("GET", endpoint, connection_id, b"")

    def delete(self, endpoint: str, connection_id: str) -> Reply:
        return self._request("DELETE", endpoint, connection_id, b"")

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
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _request(self, method: str, endpoint: str, connection_id: str, data: bytes) -> Reply:
        url = connection_url(endpoint, connection_id)
        headers = self.sign(method, url, data)
        try:
            response = self._pool(endpoint).urlopen(
                method,
                url[url.index("/", url.index("://") + 3) :],
                body=data or None,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
            )
        except HTTPError as error:
            return Reply(None, failure=type(error).__name__)
        return Reply(response.status, retry_after=response.headers.get("Retry-After"))

    def _pool(self, endpoint: str) -> urllib3.HTTPConnectionPool:
        pool = self._pools.get(endpoint)
        if pool is None:
            with self._lock:
                pool = self._pools.get(endpoint) or self._new_pool(endpoint)
                self._pools[endpoint] = pool
        return pool

    def _new_pool(self, endpoint: str) -> urllib3.HTTPConnectionPool:
        tls = {"ssl_context": self._tls()} if endpoint.startswith("https:") else {}
        return urllib3.connection_from_url(
            endpoint, maxsize=self._max_connections, block=True, timeout=self._timeout, **tls
        )

    def _tls(self) -> ssl.SSLContext:
        context = create_urllib3_context()
        context.load_verify_locations(cafile=self._ca_bundle or get_cert_path(True))
        return context
