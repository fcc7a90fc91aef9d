"""The Python client, with and without asyncio; needs the `client` extra.

    async with connect("wss://…/prod", token=token) as client:
        data = await client.request("echo", {"message": "hi"})

        report = client.request("generate_report", {"start_date": "2024-01-01", "end_date": "2024-12-31"})
        async for progress in report:
            print(progress.percentage, progress.message)
        result = await report

Without asyncio: `with connect_blocking("wss://…/prod", token=token) as client:`, and `.result()` for `await`.
"""

from streamer.clients.python.blocking import BlockingClient, connect_blocking
from streamer.clients.python.blocking_handle import BlockingRequestHandle
from streamer.clients.python.client import Client
from streamer.clients.python.errors import (
    ClientError,
    ConnectionFailed,
    ConnectionLost,
    ConnectionRefused,
    DeadlineExceeded,
    GatewayFailed,
    InvalidOption,
    InvalidRequest,
    MessageTooLarge,
    RequestFailed,
)
from streamer.clients.python.handle import RequestHandle
from streamer.clients.python.incoming import GatewayMessage, Incoming, Received, UnknownMessage
from streamer.clients.python.opening import Connecting, connect
from streamer.clients.python.reconnection import Reconnection

__all__ = [
    "BlockingClient",
    "BlockingRequestHandle",
    "Client",
    "ClientError",
    "Connecting",
    "ConnectionFailed",
    "ConnectionLost",
    "ConnectionRefused",
    "DeadlineExceeded",
    "GatewayFailed",
    "GatewayMessage",
    "Incoming",
    "InvalidOption",
    "InvalidRequest",
    "MessageTooLarge",
    "Received",
    "Reconnection",
    "RequestFailed",
    "RequestHandle",
    "UnknownMessage",
    "connect",
    "connect_blocking",
]
