"""Rows A15 and A50 to A53: compression, frames and how large they may be."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
import websockets

from emulator.application import Route, WebSocketApi
from emulator.gateway import GatewaySettings

FRAME = 32_768
MESSAGE = 131_072

API = WebSocketApi("own", [Route("$default", "default", route_response=True)])


def fragments(letter: str, total: int) -> tuple[str, ...]:
    """Cut a text into frames of the largest size."""
    return tuple(letter * min(FRAME, total - start) for start in range(0, total, FRAME))


@pytest.mark.row("A15")
async def test_compression_is_not_negotiated(parity: Any) -> None:
    """The offer of `permessage-deflate` is not taken, and `$connect` sees it."""
    socket = await parity.open(compression="deflate")
    assert "Sec-WebSocket-Extensions" not in socket.response_headers
    assert "permessage-deflate" in socket.event["headers"]["Sec-WebSocket-Extensions"]


@pytest.mark.row("A15", switch="GatewaySettings.negotiate_compression")
@pytest.mark.parametrize("negotiates", [False, True], ids=["default", "switched"])
async def test_compression_is_a_switch(start_gateway: Any, function: Any, *, negotiates: bool) -> None:
    """Off by default, `permessage-deflate` is taken by a switch; either way messages arrive."""
    settings = GatewaySettings(negotiate_compression=True) if negotiates else GatewaySettings()
    own = await start_gateway(API, settings)
    function("default").returns({"statusCode": 200, "body": "answer " * 100})
    socket = await own.connect(compression="deflate")
    taken = socket.response_headers.get("Sec-WebSocket-Extensions", "")
    assert taken.startswith("permessage-deflate") is negotiates
    assert await socket.ask("question " * 100) == "answer " * 100
    assert (await function("default").event())["body"] == "question " * 100


@pytest.mark.row("A50", "A59.refused-frame")
@pytest.mark.parametrize("message", [b"binary", b"", (b"fra", b"gments")], ids=["one", "empty", "fragments"])
async def test_binary_frame_closes_with_1003(parity: Any, message: Any) -> None:
    """A binary frame is not delivered; client and `$disconnect` are told 1003."""
    socket = await parity.open()
    with suppress(websockets.ConnectionClosed):  # the close may come before the last fragment
        await socket.send(message)
    assert (await socket.closed()).code == 1003
    context = (await parity.function("disconnect").event())["requestContext"]
    assert (context["connectionId"], context["disconnectStatusCode"]) == (socket.connection_id, 1003)
    assert parity.function("default").count == 0


@pytest.mark.row("A50")
async def test_messages_are_never_base64(parity: Any) -> None:
    """The event of a text message says that it is not base64, whatever the text."""
    socket = await parity.open()
    await socket.send("YmFzZTY0\0ä")
    event = await parity.function("default").event()
    assert (event["body"], event["isBase64Encoded"]) == ("YmFzZTY0\0ä", False)


@pytest.mark.row("A51")
@pytest.mark.parametrize(
    "message",
    ["x" * FRAME, "ä" * (FRAME // 2), fragments("y", MESSAGE), tuple("z" * 5000)],
    ids=["frame", "frame of two-byte characters", "message", "many frames"],
)
async def test_largest_frame_and_message_arrive(parity: Any, message: Any) -> None:
    """One frame of 32 KB, and a message of 128 KB in such frames, arrive whole."""
    socket = await parity.open()
    await socket.send(message)
    assert (await parity.function("default").event())["body"] == "".join(message)


@pytest.mark.row("A52", "A59.refused-frame")
@pytest.mark.parametrize(
    "message",
    [
        "x" * (FRAME + 1),
        "ä" * (FRAME // 2) + "x",
        ("x", "y" * (FRAME + 1)),
        fragments("z", MESSAGE + 1),
    ],
    ids=["frame", "frame of two-byte characters", "later frame", "message"],
)
async def test_larger_frame_or_message_closes_with_1009(parity: Any, message: Any) -> None:
    """A frame over 32 KB and a message over 128 KB: client and `$disconnect` are told 1009."""
    socket = await parity.open()
    with suppress(websockets.ConnectionClosed):  # the close may come while the rest is sent
        await socket.send(message)
    assert (await socket.closed()).code == 1009
    context = (await parity.function("disconnect").event())["requestContext"]
    assert (context["connectionId"], context["disconnectStatusCode"]) == (socket.connection_id, 1009)
    assert parity.function("default").count == 0


@pytest.mark.row("A59.refused-frame", switch="GatewaySettings.refused_frames_are_losses")
@pytest.mark.parametrize("message", [b"binary", "x" * (FRAME + 1)], ids=["binary", "large"])
@pytest.mark.parametrize("are_losses", [False, True], ids=["default", "switched"])
async def test_what_disconnect_is_told_of_a_refused_frame(
    start_gateway: Any, function: Any, message: Any, *, are_losses: bool
) -> None:
    """The event has the client's code; by a switch it has 1006, as if the connection had been lost."""
    settings = GatewaySettings(refused_frames_are_losses=True) if are_losses else GatewaySettings()
    own = await start_gateway(WebSocketApi("own", [Route("$disconnect", "disconnect")]), settings)
    socket = await own.connect()
    await socket.send(message)
    code = (await socket.closed()).code
    assert code in (1003, 1009)
    context = (await function("disconnect").event())["requestContext"]
    assert context["disconnectStatusCode"] == (1006 if are_losses else code)


@pytest.mark.row("A53")
@pytest.mark.parametrize(
    ("data", "count"),
    [("x" * FRAME, 1), ("x" * (FRAME + 1), 2), ("ä" * (FRAME // 2) + "x", 2), ("x" * MESSAGE, 4)],
    ids=["frame", "more", "two-byte characters", "message"],
)
async def test_posted_data_come_in_frames_of_32_kb(parity: Any, data: str, count: int) -> None:
    """What is posted is one text message in as few frames of at most 32 KB as it takes."""
    async with parity.wire() as wire:
        await wire.handshake()
        connection_id = (await parity.function("connect").event())["requestContext"]["connectionId"]
        client = parity.management()
        posting = asyncio.create_task(
            parity.call(client.post_to_connection, ConnectionId=connection_id, Data=data.encode())
        )
        frames = [await wire.read_frame()]
        while not frames[-1][0] & 0x80:
            frames.append(await wire.read_frame())
        await posting
    assert b"".join(payload for _, payload in frames).decode() == data
    assert [first & 0x0F for first, _ in frames] == [1] + [0] * (count - 1)
    assert max(len(payload) for _, payload in frames) <= FRAME


@pytest.mark.row("A53")
async def test_more_than_128_kb_cannot_be_posted(parity: Any) -> None:
    """Larger data are refused with 413; nothing of them is sent, and the connection stays."""
    socket = await parity.open()
    client = parity.management()
    with pytest.raises(client.exceptions.PayloadTooLargeException) as caught:
        await parity.call(
            client.post_to_connection, ConnectionId=socket.connection_id, Data=b"x" * (MESSAGE + 1)
        )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert await socket.ask({"action": "reply"}) == "reply"
