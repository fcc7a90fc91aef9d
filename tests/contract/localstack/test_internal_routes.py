"""The emulator's own routes on LocalStack's port, and who may call that port at all."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.localstack.process import LocalStack


def ask(
    url: str, headers: dict[str, str], body: dict[str, Any] | None = None, method: str | None = None
) -> int:
    """Return the status of a bare request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("headers", [{}, {"x-emulator-secret": "guessed"}], ids=["none", "wrong"])
@pytest.mark.parametrize("route", ["clock", "faults", "missing"])
def test_routes_need_the_secret(localstack: LocalStack, route: str, headers: dict[str, str]) -> None:
    """Without the run's secret nothing is told and nothing is set."""
    url = f"{localstack.endpoint_url}/_streamer/{route}"
    assert ask(url, headers) == 403
    assert ask(url, headers, {"offset_s": 1, "faults": []}) == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "bucket.s3.localhost.localstack.cloud:4566"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "example.com"}, 403),
        ({"Host": "127.0.0.1.example.com"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
    ],
    ids=[
        "a program",
        "localhost",
        "a bucket's name",
        "a page of this machine",
        "a page of another site",
        "a page of no site",
        "a name that leads here",
        "a name that looks like loopback",
        "an image on another site",
        "a link on another site",
    ],
)
def test_only_this_machine_may_call(localstack: LocalStack, headers: dict[str, str], status: int) -> None:
    """Programs and pages of this machine are served, other sites' pages are not."""
    assert ask(f"{localstack.endpoint_url}/_localstack/health", headers) == status


@pytest.mark.parametrize("path", ["health", "/health", "init", "state/reset", "config", "missing"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_localstacks_own_routes_only_tell(localstack: LocalStack, path: str, method: str) -> None:
    """Nobody ends, restarts, resets or changes LocalStack through its port; it goes on."""
    url = f"{localstack.endpoint_url}/_localstack/{path}"
    for action in ("kill", "restart"):
        assert ask(url, {"Content-Type": "application/json"}, {"action": action}, method) == 403
    assert ask(f"{localstack.endpoint_url}/_localstack/health", {}) == 200


def test_presigned_addresses_work(client: Any) -> None:
    """A link that boto3 signed reads and writes an object."""
    s3 = client("s3")
    s3.create_bucket(Bucket="presigned")
    place = {"Bucket": "presigned", "Key": "a"}
    put = urllib.request.Request(
        s3.generate_presigned_url("put_object", Params=place), b"hello", method="PUT"
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(put).close()
    with opener.open(s3.generate_presigned_url("get_object", Params=place)) as answer:
        assert answer.read() == b"hello"
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="presigned", Key="b")
