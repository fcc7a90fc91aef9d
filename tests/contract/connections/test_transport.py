"""The signed transport against a real HTTP server on loopback."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trustme

from streamer.connections.retries import Failure, Reply

CONNECTION_ID = "R1kmxc2VNjMCFIA="


def test_post(api: Any, new_transport: Callable[..., Any]) -> None:
    """The data is posted as it is to `@connections/{id}`, the id percent-encoded, without a content type."""
    data = 'Zoë says "hi"'.encode()
    assert new_transport().post(api.endpoint, CONNECTION_ID, data) == Reply(200)
    (received,) = api.received
    assert (received.method, received.path, received.body) == (
        "POST", "/local/@connections/R1kmxc2VNjMCFIA%3D", data,
    )  # fmt: skip
    assert received.headers["Content-Length"] == str(len(data))
    assert received.headers["Host"] == api.endpoint.split("/")[2]
    assert received.headers["X-Amz-Security-Token"] == "session-token"
    assert received.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "Content-Type" not in received.headers


def test_empty(api: Any, new_transport: Callable[..., Any]) -> None:
    """An empty message is a post with `Content-Length: 0`."""
    assert new_transport().post(api.endpoint, CONNECTION_ID, b"").status == 200
    assert api.received[0].headers["Content-Length"] == "0"


def test_largest(api: Any, new_transport: Callable[..., Any]) -> None:
    """A message of 128 KB arrives whole."""
    data = bytes(range(256)) * 512
    assert new_transport().post(api.endpoint, CONNECTION_ID, data).status == 200
    assert api.received[0].body == data


def test_delete(api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any]) -> None:
    """Closing a connection is a DELETE of the same address."""
    api.answers += [answer(204)]
    assert new_transport().delete(api.endpoint, CONNECTION_ID) == Reply(204)
    assert (api.received[0].method, api.received[0].path) == (
        "DELETE", "/local/@connections/R1kmxc2VNjMCFIA%3D",
    )  # fmt: skip


@pytest.mark.parametrize("status", [301, 400, 403, 410, 413, 429, 500, 502, 503, 504])
def test_every_answer_is_a_reply(
    api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any], status: int
) -> None:
    """Any status comes back as it is, once: nothing is raised, followed or tried again here."""
    api.answers += [answer(status, {"Location": "/elsewhere", "Retry-After": "7"})]
    assert new_transport().post(api.endpoint, CONNECTION_ID, b"x") == Reply(status, retry_after="7")
    assert len(api.received) == 1


def test_kept_alive(api: Any, new_transport: Callable[..., Any]) -> None:
    """Posts one after the other use one connection, whatever was answered."""
    transport = new_transport()
    for _ in range(5):
        transport.post(api.endpoint, CONNECTION_ID, b"x")
    assert len({received.client_port for received in api.received}) == 1


def test_refused(new_transport: Callable[..., Any]) -> None:
    """Where nobody listens there is no status, and a word says why."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        reply = new_transport().post(f"http://127.0.0.1:{port}/local", CONNECTION_ID, b"x")
    assert reply == Reply(None, failure=Failure.NOT_CONNECTED)


def test_slow(api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any]) -> None:
    """A server that does not answer in time is no answer, and the next post is not disturbed by it."""
    release = threading.Event()
    api.answers += [answer(hold=release)]
    transport = new_transport(read_timeout_s=0.05)
    assert transport.post(api.endpoint, CONNECTION_ID, b"x") == Reply(None, failure=Failure.TIMED_OUT)
    release.set()
    transport = new_transport()
    assert transport.post(api.endpoint, CONNECTION_ID, b"y") == Reply(200)


def test_dropped(api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any]) -> None:
    """A connection that breaks instead of an answer is no answer; the next post opens another."""
    api.answers += [answer(drop=True)]
    transport = new_transport()
    assert transport.post(api.endpoint, CONNECTION_ID, b"x") == Reply(None, failure=Failure.BROKEN)
    assert transport.post(api.endpoint, CONNECTION_ID, b"y") == Reply(200)


def test_in_parallel(api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any]) -> None:
    """Sixteen threads post at the same time, each on a connection of its own."""
    release = threading.Event()
    api.answers += [answer(hold=release) for _ in range(16)]
    transport = new_transport()
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(transport.post, api.endpoint, str(number), b"x") for number in range(16)]
        assert api.arrived(16, within_s=10)
        release.set()
        assert [future.result(10).status for future in futures] == [200] * 16
    assert len({received.client_port for received in api.received}) == 16


def test_tls(tls_api: Any, authority: trustme.CA, tmp_path: Path, new_transport: Callable[..., Any]) -> None:
    """A certificate of the CA bundle is trusted, and connections are kept alive under TLS too."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    transport = new_transport(ca_bundle=str(bundle))
    assert transport.post(tls_api.endpoint, CONNECTION_ID, b"x") == Reply(200)
    assert transport.post(tls_api.endpoint, CONNECTION_ID, b"x") == Reply(200)
    assert len({received.client_port for received in tls_api.received}) == 1


def test_untrusted(tls_api: Any, new_transport: Callable[..., Any]) -> None:
    """Without the CA bundle the certificate is refused, and nothing is sent."""
    reply = new_transport().post(tls_api.endpoint, CONNECTION_ID, b"x")
    assert (reply.status, reply.failure) == (None, Failure.NO_TLS)
    assert tls_api.received == []


def test_wrong_name(
    tls_api: Any, authority: trustme.CA, tmp_path: Path, new_transport: Callable[..., Any]
) -> None:
    """A trusted certificate of another name is refused."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    endpoint = tls_api.endpoint.replace("localhost", "127.0.0.2")
    assert new_transport(ca_bundle=str(bundle)).post(endpoint, CONNECTION_ID, b"x").failure is not None
    assert tls_api.received == []
