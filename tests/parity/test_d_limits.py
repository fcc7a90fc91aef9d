"""Rows D8, D9 and D12: posts that are too large or too many, and what boto3 does then."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config

from emulator.application import Route, WebSocketApi
from emulator.faults import Fault, FaultKind
from emulator.gateway import GatewaySettings
from emulator.gateway.throttling import AccountLimits

API = WebSocketApi("own", [Route("$connect", "connect"), Route("$default", "default")])

MAX_POST_BYTES = 131_072

ONCE = Config(retries={"total_max_attempts": 1})
"""boto3 tells the first answer."""

BOTO3_OWN = Config(retries={"mode": "legacy"})
"""boto3's own retries, of which the sandbox's clients make fewer."""


@pytest.mark.row("D8", "D11")
async def test_post_over_128_kb_is_413(parity: Any) -> None:
    """131,072 bytes arrive; one more is PayloadTooLargeException, from the server: boto3 does not look."""
    socket = await parity.open()
    client = parity.management()
    name = {"ConnectionId": socket.connection_id}
    await parity.call(client.post_to_connection, **name, Data=b"x" * MAX_POST_BYTES)
    assert await socket.receive() == "x" * MAX_POST_BYTES
    for size in (MAX_POST_BYTES + 1, 3 * MAX_POST_BYTES):
        with pytest.raises(client.exceptions.PayloadTooLargeException) as refused:
            await parity.call(client.post_to_connection, **name, Data=b"x" * size)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
        assert refused.value.response["Error"]["Message"]
    await parity.call(client.post_to_connection, **name, Data=b"next")
    assert await socket.receive() == "next"


@pytest.mark.row("D9", "D11")
async def test_too_many_calls_are_429(start_gateway: Any, function: Any) -> None:
    """Calls above the account's rate raise LimitExceededException; later ones pass."""
    own = await start_gateway(API, limits=AccountLimits(requests_per_s=1, request_burst=2))
    socket = await own.connect()
    connection_id = (await function("connect").event())["requestContext"]["connectionId"]
    client = own.management(config=ONCE)

    async def post(text: str) -> None:
        await asyncio.to_thread(client.post_to_connection, ConnectionId=connection_id, Data=text)

    await post("first")
    with pytest.raises(client.exceptions.LimitExceededException) as refused:
        await post("throttled")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    own.advance(1)
    await post("later")
    assert [await socket.receive(), await socket.receive()] == ["first", "later"]


@pytest.mark.row("D9", "D11")
async def test_client_that_does_not_read_is_429(start_gateway: Any, function: Any) -> None:
    """As soon as what a client does not read fills the buffers, a post raises LimitExceededException."""
    own = await start_gateway(API, GatewaySettings(send_timeout_s=0.05))
    client = own.management(config=ONCE)
    async with own.wire() as wire:
        status, _ = await wire.handshake()
        assert status == 101
        connection_id = (await function("connect").event())["requestContext"]["connectionId"]

        def fill() -> None:
            for _ in range(1_000):
                client.post_to_connection(ConnectionId=connection_id, Data=b"x" * MAX_POST_BYTES)

        with pytest.raises(client.exceptions.LimitExceededException) as refused:
            await asyncio.to_thread(fill)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


@pytest.mark.row("D12")
async def test_boto3_repeats_a_throttled_post(
    start_gateway: Any, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 repeats what was answered 429 up to four times, unseen; the client gets the data once."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    own = await start_gateway(API)
    socket = await own.connect()
    connection_id = (await function("connect").event())["requestContext"]["connectionId"]
    client = own.management(config=BOTO3_OWN)

    async def post(text: str) -> Any:
        return await asyncio.to_thread(client.post_to_connection, ConnectionId=connection_id, Data=text)

    own.faults.add(Fault(FaultKind.REFUSE_POST, times=4, code="429"))
    assert (await post("repeated"))["ResponseMetadata"]["RetryAttempts"] == 4
    own.faults.add(Fault(FaultKind.REFUSE_POST, times=5, code="429"))
    with pytest.raises(client.exceptions.LimitExceededException) as refused:
        await post("given up")
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 4
    assert (await post("next"))["ResponseMetadata"]["RetryAttempts"] == 0
    assert [await socket.receive(), await socket.receive()] == ["repeated", "next"]


@pytest.mark.row("D12")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/@connections/", b"x"),
        ("POST", "/@connections/%00", b"x"),
        ("POST", "/@connections/%ff%fe", b"x"),
        ("POST", "/@connections/..%2f..%2f", b"x"),
        ("POST", "/@connections/{id}", b"\xff\x00"),
        ("POST", "/@connections/{id}/more", b"x"),
        ("PATCH", "/@connections/{id}", b"x"),
        ("GET", "/@connections", b""),
        ("GET", "", b""),
    ],
)
async def test_no_call_is_answered_5xx(parity: Any, method: str, path: str, body: bytes) -> None:
    """Whatever is asked, nothing is answered by an error that would make boto3 post again."""
    socket = await parity.open()
    answer = await parity.request(method, path.format(id=socket.connection_id), body)
    assert 200 <= answer.status < 429
