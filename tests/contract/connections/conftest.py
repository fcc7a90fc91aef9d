"""An HTTP server of our own in place of the management API: it answers by script and keeps what came."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from botocore.credentials import Credentials

from streamer.connections.transport import SignedTransport


@dataclass
class Received:
    """A request as it came over the socket."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client_port: int


@dataclass
class Answer:
    """What to answer.

    Attributes:
        hold: wait until this is set, before answering.
        drop: close the socket instead of answering.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None
    drop: bool = False


@dataclass
class ManagementApi:
    """The server; `answers` are given one after the other, then 200 for ever."""

    endpoint: str = ""
    answers: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def arrived(self, count: int, *, within_s: float) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.received) >= count, within_s)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with five, the default, many connections at once wait for TCP to try again


def serve(api: ManagementApi) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with api.changed:
                headers = dict(self.headers.items())
                api.received.append(Received(self.command, self.path, headers, body, self.client_address[1]))
                api.changed.notify_all()
                answer = api.answers.pop(0) if api.answers else Answer()
            if answer.hold is not None:
                answer.hold.wait(10)
            if answer.drop:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_DELETE = answer  # noqa: N815  # the names that the server looks for

        def log_message(self, *arguments: object) -> None:
            pass

    return _Server(("127.0.0.1", 0), Handler)


def run(server: ThreadingHTTPServer) -> threading.Thread:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    return thread


@pytest.fixture
def api() -> Iterator[ManagementApi]:
    api = ManagementApi()
    server = serve(api)
    api.endpoint = f"http://127.0.0.1:{server.server_address[1]}/local"
    thread = run(server)
    yield api
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_api(authority: trustme.CA) -> Iterator[ManagementApi]:
    import ssl

    api = ManagementApi()
    server = serve(api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # refused handshakes
    api.endpoint = f"https://localhost:{server.server_address[1]}/local"
    thread = run(server)
    yield api
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def new_transport() -> Iterator[Callable[..., SignedTransport]]:
    made: list[SignedTransport] = []
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", "session-token")

    def make(**options: object) -> SignedTransport:
        made.append(SignedTransport(credentials.get_frozen_credentials, "us-east-1", **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for transport in made:
        transport.close()


@pytest.fixture
def answer() -> type[Answer]:
    return Answer
