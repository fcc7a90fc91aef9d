"""`connect`: which options go together, and the client on its first connection."""

import ssl as tls
from collections.abc import Awaitable, Callable, Generator
from types import TracebackType
from typing import Any

from streamer.clients.python.address import parse_address
from streamer.clients.python.client import Client
from streamer.clients.python.driver import OnMessage
from streamer.clients.python.errors import InvalidOption
from streamer.clients.python.handshake import Handshake
from streamer.clients.python.reconnection import Reconnection
from streamer.clients.python.token_provider import TokenProvider
from streamer.clock import Clock
from streamer.protocol.limits import SUBPROTOCOL

OPEN_TIMEOUT_S = 35.0
"""Seconds for the handshake. `$connect` runs before it is answered, for 29 seconds at most."""


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

    handshake = Handshake(
        address, _provider(token, token_provider), subprotocol=subprotocol, ssl=ssl, timeout_s=open_timeout_s
    )

    async def open_client() -> Client:
        return Client(
            await handshake.open(),
            address,
            open_websocket=handshake.open,
            reconnection=policy,
            has_provider=token_provider is not None,
            heartbeat_s=heartbeat_s,
            on_message=on_message,
            clock=clock,
        )

    return Connecting(open_client)


def _provider(token: str | None, provider: TokenProvider | None) -> TokenProvider | None:
    """Return what gives a token for each connection; None where connections have none."""
    return provider if token is None else lambda: token


def _policy(reconnect: Reconnection | bool | None, *, default: bool) -> Reconnection | None:
    if isinstance(reconnect, Reconnection):
        return reconnect
    return Reconnection() if (default if reconnect is None else reconnect) else None
