"""The handshake with its token, and what can go wrong with it."""

import logging
import socket
import ssl as tls
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

from streamer.clients.python.address import Address, authorization, refusal_code
from streamer.clients.python.errors import ConnectionFailed, ConnectionRefused
from streamer.clients.python.token_provider import TokenProvider, ask
from streamer.protocol.limits import MAX_MESSAGE_BYTES

CLOSE_TIMEOUT_S = 5.0
"""Seconds that the other side has to answer a close frame. Ours."""


class Handshake:
    """Opens connections to one address, each with a token of its own.

    Args:
        provider: None: connections have no token.
        subprotocol, ssl: as `connect` takes them.
        timeout_s: for one handshake.
    """

    def __init__(
        self,
        address: Address,
        provider: TokenProvider | None,
        *,
        subprotocol: str | None,
        ssl: tls.SSLContext | None,
        timeout_s: float,
    ) -> None:
        self._address = address
        self._provider = provider
        self._subprotocols = None if subprotocol is None else [Subprotocol(subprotocol)]
        self._ssl: dict[str, Any] = {} if ssl is None else {"ssl": ssl}
        self._timeout_s = timeout_s

    async def open(self) -> ClientConnection:
        """Open a connection.

        Raises:
            InvalidOption, ConnectionRefused, ConnectionFailed: as `connect`; or what the provider raises.
        """
        token = None if self._provider is None else await ask(self._provider)
        headers = {} if token is None else {"Authorization": authorization(token)}
        try:
            websocket = await _Opening(
                self._address.url,
                additional_headers=headers,
                subprotocols=self._subprotocols,
                compression=None,  # API Gateway is not known to negotiate permessage-deflate
                proxy=None if self._address.is_loopback else True,
                open_timeout=self._timeout_s,
                # Whether API Gateway answers pings, or counts them against its idle timeout, is not
                # documented: a library that waits for pongs may close good connections. TCP probes instead.
                ping_interval=None,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=MAX_MESSAGE_BYTES,
                logger=_Discreet(logging.getLogger("streamer.clients.python")),
                **self._ssl,
            )
        except InvalidStatus as error:
            response = error.response
            raise ConnectionRefused(
                response.status_code, refusal_code(response.status_code, bytes(response.body or b""))
            ) from error
        except (OSError, WebSocketException, UnicodeError) as error:
            # The cause is left out: its text can hold the address with its query, or a proxy's password.
            raise ConnectionFailed(_explain(self._address, error, self._timeout_s)) from None
        _probe_peer(websocket)
        return websocket


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
