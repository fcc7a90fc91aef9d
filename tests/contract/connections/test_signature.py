"""The transport's requests beside boto3's own for the same message."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from unittest.mock import patch

import boto3
import botocore.auth
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.connections.transport import SignedTransport, connection_url

MOMENT = datetime(2026, 11, 21, 7, 9, 8)  # noqa: DTZ001  # botocore's own is naive, too
ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Boto3:
    """boto3's `apigatewaymanagementapi`, whose requests are caught before they are sent."""

    def __init__(self, endpoint: str, region: str, token: str | None) -> None:
        self.client = boto3.client(
            "apigatewaymanagementapi", endpoint_url=endpoint, region_name=region,
            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, aws_session_token=token,
        )  # fmt: skip
        self.client.meta.events.register("before-send.*", self._catch)
        self.caught: list[AWSPreparedRequest] = []

    def _catch(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.caught.append(request)
        return AWSResponse(request.url, 200, {}, None)

    def post(self, connection_id: str, data: bytes) -> AWSPreparedRequest:
        with patch.object(AWSResponse, "content", b""):
            self.client.post_to_connection(ConnectionId=connection_id, Data=data)
        return self.caught.pop()

    def delete(self, connection_id: str) -> AWSPreparedRequest:
        with patch.object(AWSResponse, "content", b""):
            self.client.delete_connection(ConnectionId=connection_id)
        return self.caught.pop()


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def assert_same(method: str, theirs: AWSPreparedRequest, url: str, data: bytes, ours: dict[str, str]) -> None:
    assert (theirs.method, theirs.url) == (method, url)
    assert (theirs.body or b"") == data
    signed = {name.lower(): text(value) for name, value in theirs.headers.items()}
    names = ["authorization", "x-amz-date"] + (
        ["x-amz-security-token"] if "x-amz-security-token" in signed else []
    )
    assert {name.lower(): value for name, value in ours.items()} == {name: signed[name] for name in names}


@pytest.fixture
def standing_time() -> Iterator[None]:
    """Both sides sign at the same moment."""
    with patch.object(botocore.auth, "get_current_datetime", lambda *_: MOMENT):
        yield


@pytest.mark.usefixtures("standing_time")
@pytest.mark.parametrize("token", ["session/token+==", None], ids=["temporary", "permanent"])
@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("https://abcd123.execute-api.eu-west-1.amazonaws.com/prod", "eu-west-1"),
        ("https://api.example.com/stage", "us-east-1"),
        ("https://localhost:7602/local", "us-east-1"),
        ("http://127.0.0.1:7601/local", "us-east-1"),
    ],
)
@pytest.mark.parametrize("connection_id", ["R1kmxc2VNjMCFIA=", "ZmDx-dJ4FiACFkQ=", "a/b+c d~é%3D=", "."])
def test_same_signature(endpoint: str, region: str, connection_id: str, token: str | None) -> None:
    """The address and the signed headers of a post and a delete equal boto3's to the letter."""
    credentials = Credentials(ACCESS_KEY, SECRET_KEY, token)
    ours = SignedTransport(credentials.get_frozen_credentials, region, now=lambda: MOMENT)
    theirs = Boto3(endpoint, region, token)
    url = connection_url(endpoint, connection_id)
    for data in (b"hello", "Zoë".encode(), b""):
        assert_same("POST", theirs.post(connection_id, data), url, data, ours.sign("POST", url, data))
    assert_same("DELETE", theirs.delete(connection_id), url, b"", ours.sign("DELETE", url, b""))


_ENDPOINT = "https://abcd123.execute-api.us-east-1.amazonaws.com/prod"
_theirs = Boto3(_ENDPOINT, "us-east-1", "token")
_ours = SignedTransport(
    Credentials(ACCESS_KEY, SECRET_KEY, "token").get_frozen_credentials, "us-east-1", now=lambda: MOMENT
)


@settings(max_examples=100, deadline=None)
@given(
    connection_id=st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()),
    data=st.binary(max_size=200),
)
def test_same_signature_of_anything(connection_id: str, data: bytes) -> None:
    """Whatever the id and the data are, the signed request equals boto3's."""
    url = connection_url(_ENDPOINT, connection_id)
    with patch.object(botocore.auth, "get_current_datetime", lambda *_: MOMENT):
        assert_same("POST", _theirs.post(connection_id, data), url, data, _ours.sign("POST", url, data))
