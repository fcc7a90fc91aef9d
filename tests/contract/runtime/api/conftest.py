"""Lambda's API on a real port, and boto3's client of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import boto3
import pytest
from botocore.config import Config

from emulator.clock import ManualClock
from emulator.http import HttpServer
from emulator.runtime import LambdaApi, LambdaService


class Caller:
    """boto3's `lambda` client, whose calls run in threads; errors that it raises are returned."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = boto3.client(
            "lambda",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, proxies={}, parameter_validation=False),
        )

    async def __call__(self, operation: str, **arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(getattr(self.client, operation), **arguments)
        except self.client.exceptions.ClientError as error:
            return error

    async def raw(self, request: bytes) -> tuple[int, bytes]:
        """Send bytes on a connection of their own; return the answer's status and all of it."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(request)
            async with asyncio.timeout(20):
                answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        return int(answer.split()[1]), answer


@pytest.fixture
def api_clock() -> ManualClock:
    """The clock of the API's own dates."""
    return ManualClock()


@pytest.fixture
async def call_api(api_clock: ManualClock) -> AsyncIterator[Callable[..., Awaitable[Caller]]]:
    """Serve the API of a service; gives its caller."""
    async with AsyncExitStack() as stack:

        async def serve_api(service: LambdaService, **options: Any) -> Caller:
            server = HttpServer(LambdaApi(service, clock=api_clock, **options))
            await server.start()
            stack.push_async_callback(server.stop)
            caller = Caller(server.url)
            stack.callback(caller.client.close)
            return caller

        yield serve_api


@pytest.fixture
def code_of() -> Callable[[Any], tuple[str, str]]:
    """Return the class and the code of an error that boto3 raised."""
    return lambda error: (type(error).__name__, error.response["Error"]["Code"])
