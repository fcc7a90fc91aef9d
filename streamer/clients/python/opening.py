"""Opening a connection: the handshake with its token, and what can go wrong with it."""

import logging
import socket
import ssl as tls
from collections.abc import Awaitable, Callable, Generator
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import (
    InvalidProxy,
    InvalidStatus,
    NegotiationError,
    ProxyError,
    WebSocketException,
)
from websockets.typing import Subprotocol

from streamer.clients.python.address import Address, authorization, parse_address, refusal_code
from streamer.clients.python.client import Client
from streamer.clients.python.driver import OnMessage
from streamer.clients.python.errors import ConnectionFailed, ConnectionRefused, InvalidOption
from streamer.clients.python.reconnection import Reconnection
from streamer.clients.python.token_provider import TokenProvider, ask
from streamer.clock import Clock
from streamer.protocol.limits import MAX_MESSAGE_BYTES, SUBPROTOCOL

OPEN_TIMEOUT_S = 35.0
"""Seconds for the handshake. `$connect` runs before it is answered, for 29 seconds at most."""

CLOSE_TIMEOUT_S = 5.0
"""Seconds that the other side has to answer a close frame. Ours."""


class Connecting:
    """A connection that is about to be opened: `await` it, or use it in `async with`."""

    def __init__(self, open_client: Callable[[], Awaitable[Client]]) -> None:
        self._open_client = open_client
        self._client: Client | None = None

    def __await__(self) -> Generator[Any, None, Client]:
        return self._open_client().__await__()

    async def __aenter__(self) -> Client:
        self._client = await self._open_client()
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()


def connect(
    url: str,
    *,
    token: str | None = None,
    token_provider: TokenProvider | None = None,
    subprotocol: str | None = SUBPROTOCOL,
    ssl: tls.SSLContext | None = None,
    open_timeout_s: float = OPEN_TIMEOUT_S,
    reconnect: Reconnection | bool | None = None,
    heartbeat_s: float | None = None,
    on_message: OnMessage | None = None,
    clock: Clock | None = None,
) -> Connecting:
    """Connect to an application.

    `client = await connect(url, token=token)`, or `async with connect(url, token=token) as client:`.

    Args:
        url: `wss://…/stage`, or `ws://` on loopback. The proxy of the environment is used elsewhere.
        token: a JWT, sent as `Authorization: Bearer`. It is in no error, log line or `repr`.
        token_provider: called for the token instead, for every connection; may be a coroutine function.
        subprotocol: what to ask for; None: nothing. A server that chooses none is accepted.
        ssl: for `wss`, where the certificate's authority is not one that the system trusts.
        reconnect: whether, and how, a connection that ends or grows old is replaced. None: if there is a
            token_provider, for a token alone may have ended by then.
        heartbeat_s: seconds of silence after which the server is asked whether it is there, which keeps an
            idle connection open (API Gateway closes one after ten minutes). Each costs a request.
        on_message: called with every message and its arrival time in epoch seconds.

    Raises:
        InvalidOption: the address or the token cannot be used.
        ConnectionRefused: the server answered the handshake with another status than 101.
        ConnectionFailed: no connection came about.
    """
    address = parse_address(url)
    if token is not None and token_provider is not None:
        raise InvalidOption("Give a token or a token_provider, not both.")
    if ssl is not None and not url.startswith("wss:"):
        raise InvalidOption("The ssl option is for wss:// addresses: leave it out, or change the address.")

    if heartbeat_s is not None and not heartbeat_s > 0:
        raise InvalidOption("A heartbeat_s is a number of seconds over 0.")
    policy = _policy(reconnect, default=token_provider is not None)

    async def open_client() -> Client:
        return Client(
            await open_connection(),
            address,
            open_websocket=open_connection,
            reconnection=policy,
            has_provider=token_provider is not None,
            heartbeat_s=heartbeat_s,
            on_message=on_message,
            clock=clock,
        )

    async def open_connection() -> ClientConnection:
        found = token if token_provider is None else await ask(token_provider)
        headers = {} if found is None else {"Authorization": authorization(found)}
        options: dict[str, Any] = {} if ssl is None else {"ssl": ssl}
        try:
            websocket = await _Opening(
                address.url,
                additional_headers=headers,
                subprotocols=None if subprotocol is None else [Subprotocol(subprotocol)],
                compression=None,  # API Gateway is not known to negotiate permessage-deflate
                proxy=None if address.is_loopback else True,
                open_timeout=open_timeout_s,
                # Whether API Gateway answers pings, or counts them against its idle timeout, is not
                # documented: a library that waits for pongs may close good connections. TCP probes instead.
                ping_interval=None,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=MAX_MESSAGE_BYTES,
                logger=_Discreet(logging.getLogger("streamer.clients.python")),
                **options,
            )
        except InvalidStatus as error:
            response = error.response
            raise ConnectionRefused(
                response.status_code, refusal_code(response.status_code, bytes(response.body or b""))
            ) from error
        except (OSError, WebSocketException, UnicodeError) as error:
            # The cause is left out: its text can hold the address with its query, or a proxy's password.
            raise ConnectionFailed(_explain(address, error, open_timeout_s)) from None
        _probe_peer(websocket)
        return websocket

    return Connecting(open_client)


def _policy(reconnect: Reconnection | bool | None, *, default: bool) -> Reconnection | None:
    if isinstance(reconnect, Reconnection):
        return reconnect
    return Reconnection() if (default if reconnect is None else reconnect) else None


class _Opening(open_websocket):
    """Follows no redirect, for the token is meant for one address alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Discreet(logging.LoggerAdapter[logging.Logger]):
    """Is never at level DEBUG, at which the library would write the handshake's headers and every frame."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # the standard library's name
        return level > logging.DEBUG and super().isEnabledFor(level)


def _explain(address: Address, error: Exception, open_timeout_s: float) -> str:
    match error:
        case TimeoutError():
            why = (
                f"the handshake was not answered within {open_timeout_s:g} s; try again, or check the address"
            )
        case tls.SSLCertVerificationError():
            why = f"its certificate is not trusted ({error.verify_message}); pass ssl= with its authority"
        case tls.SSLError():
            why = "TLS failed; check that the address has the port of TLS"
        case socket.gaierror():
            why = "its name has no address; check the spelling and the network"
        case InvalidProxy() | ProxyError():
            why = "the proxy does not let it through; check HTTPS_PROXY, or name the host in NO_PROXY"
        case NegotiationError():
            why = "the server speaks another version of the protocol; use the client of that version"
        case OSError():
            why = "nothing answers there; check the address and that the application runs"
        case _:
            why = "what answers there is no WebSocket API; check the address, with its port and stage"
    return f"No connection to {address.shown}: {why}."


def _probe_peer(websocket: ClientConnection) -> None:
    """Let TCP notice within two minutes that the peer is gone, for no ping will."""
    connection: socket.socket | None = websocket.transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
