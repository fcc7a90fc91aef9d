"""The Python client's handshake against real servers."""

import asyncio
import logging
import socket
import ssl
import traceback
from typing import Any

import pytest
import trustme
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from streamer.clients.python import ConnectionFailed, ConnectionRefused, InvalidOption, connect

TOKEN = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl"


async def idle(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def test_token_goes_in_the_authorization_header(serve: Any, application: Any) -> None:
    """The handshake carries the token as a bearer, asks for the protocol's version and no compression."""
    seen: list[Headers] = []

    def look(connection: ServerConnection, request: Request) -> None:
        seen.append(request.headers)

    url = await serve(application, process_request=look, subprotocols=["streamer.v1"])
    async with connect(url, token=TOKEN) as client:
        assert client.subprotocol == "streamer.v1"
    assert seen[0]["Authorization"] == f"Bearer {TOKEN}"
    assert "Sec-WebSocket-Extensions" not in seen[0]


async def test_server_without_the_subprotocol_is_accepted(serve: Any) -> None:
    """A server that chooses no subprotocol is one that was asked for none."""
    async with connect(await serve(idle)) as client:
        assert client.subprotocol is None
    async with connect(await serve(idle), subprotocol=None) as client:
        assert client.subprotocol is None


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_token_provider_is_asked_for_the_token(serve: Any, *, asynchronous: bool) -> None:
    """A function, or a coroutine function, gives the token when the connection is opened."""
    seen: list[str] = []

    def look(connection: ServerConnection, request: Request) -> None:
        seen.append(request.headers["Authorization"])

    async def later() -> str:
        return TOKEN

    url = await serve(idle, process_request=look)
    async with connect(url, token_provider=later if asynchronous else lambda: TOKEN):
        assert seen == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize(
    ("status", "body", "code", "advice", "retryable"),
    [
        (401, b'{"code": "EXPIRED_TOKEN"}', "EXPIRED_TOKEN", "get a new token", False),
        (403, b'{"message": "Forbidden"}', "FORBIDDEN", "use a token whose tenant", False),
        (500, b"", "INTERNAL_ERROR", "wait a moment", True),
        (429, b"", None, "wait a moment", True),
        (404, b"", "NOT_FOUND", "check the address", False),
    ],
)
async def test_refused_handshake_says_status_and_code(
    serve: Any, status: int, body: bytes, code: str | None, advice: str, *, retryable: bool
) -> None:
    """A handshake that is not answered with 101 raises the status, the code, and what to do about it."""

    def refuse(connection: ServerConnection, request: Request) -> Response:
        return Response(status, "No", Headers({"Content-Length": str(len(body))}), body)

    with pytest.raises(ConnectionRefused, match=advice) as caught:
        await connect(await serve(idle, process_request=refuse), token=TOKEN)
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (status, code, retryable)


async def test_redirect_is_not_followed(serve: Any) -> None:
    """The token is meant for one address: a redirect is a refusal."""
    reached: list[str] = []

    def count(connection: ServerConnection, request: Request) -> None:
        reached.append(request.path)

    elsewhere = await serve(idle, process_request=count)

    def redirect(connection: ServerConnection, request: Request) -> Response:
        return Response(302, "Found", Headers({"Location": elsewhere, "Content-Length": "0"}), b"")

    with pytest.raises(ConnectionRefused) as caught:
        await connect(await serve(idle, process_request=redirect), token=TOKEN)
    assert (caught.value.status, reached) == (302, [])


async def test_token_is_in_no_error_log_or_repr(
    serve: Any, application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even at level DEBUG, and not in a traceback's text, is a token or payload written."""
    caplog.set_level(logging.DEBUG)

    def refuse(connection: ServerConnection, request: Request) -> Response:
        return Response(401, "No", Headers({"Content-Length": "0"}), b"")

    quiet = logging.getLogger("tests.quiet")
    quiet.setLevel(logging.WARNING)
    options: dict[str, Any] = {"logger": quiet}
    url = await serve(application, **options)
    async with connect(f"{url}?token={TOKEN}", token=TOKEN) as client:
        handle = client.request("echo", {"secret": "payload-s3cret"})
        await handle
        shown = [repr(client), repr(handle), repr(connect(url, token=TOKEN)), client.url]
    refused = await serve(idle, process_request=refuse, **options)
    for address, extra in (
        (f"{refused}?token={TOKEN}", {}),
        (f"ws://127.0.0.1:1/?token={TOKEN}", {}),
        (url, {"token": f"{TOKEN}\r\nX: y"}),
    ):
        with pytest.raises((ConnectionFailed, InvalidOption)) as caught:
            await connect(address, **{"token": TOKEN, **extra})
        shown += [repr(caught.value), "".join(traceback.format_exception(caught.value))]
    shown += [record.getMessage() for record in caplog.records]
    assert not [text for text in shown if TOKEN in text or "payload-s3cret" in text]


async def test_nobody_there_is_a_failed_connection(unused_tcp_port: int) -> None:
    """An address where nothing listens is told as that, with what to check."""
    with pytest.raises(ConnectionFailed, match="nothing answers there"):
        await connect(f"ws://127.0.0.1:{unused_tcp_port}/local")


async def test_other_server_is_a_failed_connection() -> None:
    """What speaks something else is told as no WebSocket API."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionFailed, match="no WebSocket API"):
            await connect(f"ws://127.0.0.1:{port}/local")


async def test_silent_server_is_a_failed_connection() -> None:
    """A handshake without an answer ends at `open_timeout_s`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/local"
        with pytest.raises(ConnectionFailed, match=r"not answered within 0\.1 s"):
            await connect(url, open_timeout_s=0.1)


async def test_proxy_is_not_used_on_loopback(
    serve: Any, application: Any, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    """The environment's proxy never stands between this machine and itself."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_tcp_port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with connect(await serve(application)) as client:
        assert await client.request("echo", {"n": 1}) == {"n": 1}
    with pytest.raises(ConnectionFailed):
        await connect("ws://streamer.invalid/local")


async def test_certificate_of_an_own_authority_is_trusted_where_it_is_given(
    serve: Any, application: Any
) -> None:
    """TLS is checked: an unknown authority fails with advice, the given one is trusted."""
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server_side)
    url = await serve(application, ssl=server_side)
    with pytest.raises(ConnectionFailed, match="certificate is not trusted"):
        await connect(url)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with connect(url, ssl=trusting) as client:
        assert await client.request("echo", {"n": 1}) == {"n": 1}


async def test_password_of_a_proxy_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy setting that cannot be used is told without repeating it."""
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "socks_proxy", "all_proxy"):
        monkeypatch.setenv(name, "ftp://me:s3cret@127.0.0.1:1")
    with pytest.raises(ConnectionFailed, match="check HTTPS_PROXY") as caught:
        await connect("ws://streamer.invalid/local")
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "options",
    [{"token": TOKEN, "token_provider": lambda: TOKEN}, {"ssl": ssl.create_default_context()}],
    ids=["two tokens", "ssl without wss"],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any]) -> None:
    """What cannot be meant is refused before anything is opened."""
    with pytest.raises(InvalidOption):
        connect("ws://127.0.0.1:1/local", **options)
