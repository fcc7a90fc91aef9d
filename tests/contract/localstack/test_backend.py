"""What is found out about a back end that somebody else started."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from emulator.account import CREDENTIALS
from emulator.localstack.backend import WAIT_HEADER
from emulator.localstack.external import external_backend

INVALID_TOKEN = b"<Error><Code>InvalidToken</Code><Message>The provided token is malformed.</Message></Error>"

TOKEN = CREDENTIALS["AWS_SESSION_TOKEN"]


class BackEnd(BaseHTTPRequestHandler):
    """Lists no streams; signed addresses are answered as its class says."""

    status, body = 200, b"<ListAllMyBucketsResult/>"

    def do_GET(self) -> None:
        if "X-Amz-Security-Token" in parse_qs(urlsplit(self.path).query):
            self._answer(self.status, self.body)
        else:
            self._answer(404, b"{}")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, json.dumps({"Streams": []}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Waiting(BackEnd):
    """Says that it knows the header of reads that wait."""

    def end_headers(self) -> None:
        self.send_header(WAIT_HEADER, "1")
        super().end_headers()


class Strict(BackEnd):
    status, body = 400, INVALID_TOKEN


class Elsewhere(BackEnd):
    status, body = 403, b"<Error><Code>InvalidAccessKeyId</Code></Error>"


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a back end of the class that the test names."""
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "token"),
    [(BackEnd, TOKEN), (Strict, ""), (Elsewhere, TOKEN)],
    ids=["lets everybody in", "knows its tokens", "refuses for another reason"],
    indirect=["url"],
)
def test_token_is_left_out_where_only_issued_ones_are_taken(url: str, token: str) -> None:
    """Functions sign with a session token, as on AWS, unless the back end takes only those that it issued."""
    assert external_backend(url).session_token == token


@pytest.mark.parametrize(
    ("url", "path", "waits"),
    [(Waiting, "", True), (Waiting, "/aws", False), (BackEnd, "", False)],
    ids=["at the root", "behind a path", "that does not know them"],
    indirect=["url"],
)
def test_reads_wait_only_where_they_can_be_sent(url: str, path: str, *, waits: bool) -> None:
    """They have connections of their own, without TLS and paths; elsewhere streams are polled."""
    assert external_backend(url + path).waits_for_records is waits
