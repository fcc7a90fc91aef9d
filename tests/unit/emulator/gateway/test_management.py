"""The rules of `@connections`: paths, signatures, bodies."""

import json

import pytest

from emulator.clock import ManualClock
from emulator.gateway.connections import Connection
from emulator.gateway.events import Identity, Origin
from emulator.gateway.http_response import error_response
from emulator.gateway.management import (
    GONE,
    TOO_LARGE,
    describe,
    find_target,
    is_signed,
)
from emulator.gateway.settings import GatewaySettings

STAGES = {"local", "prod"}
SCOPE = b"test/20240120/us-east-1/execute-api/aws4_request"
SIGNED = b"AWS4-HMAC-SHA256 Credential=" + SCOPE + b", SignedHeaders=host;x-amz-date, Signature=0f"
DATED = {b"x-amz-date": b"20240120T115457Z"}
QUERY = b"X-Amz-Credential=" + SCOPE.replace(b"/", b"%2F") + b"&X-Amz-Signature=0f"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/local/@connections/R1kmxc2VNjMCFIA%3D", ("local", "R1kmxc2VNjMCFIA=")),
        ("/prod/%40connections/R1kmxc2VNjMCFIA=", ("prod", "R1kmxc2VNjMCFIA=")),
        ("/local/@connections/a%2Fb", ("local", "a/b")),
        ("/local/@connections/", None),
        ("/local/@connections", None),
        ("/local/@connections/a/b", None),
        ("/@connections/a", None),
        ("/other/@connections/a", None),
        ("x/local/@connections/a", None),
        ("/local", None),
        ("", None),
    ],
)
def test_the_connection_that_a_path_names(path, target):
    """The stage comes first, `@` may be encoded, the id is one segment (row D2)."""
    assert find_target(path, STAGES) == target


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({b"authorization": SIGNED, **DATED}, b"", True),
        ({b"authorization": SIGNED.replace(b", ", b","), **DATED}, b"", True),
        ({}, QUERY, True),
        ({}, b"X-Amz-Algorithm=x&" + QUERY.replace(b"%2F", b"/"), True),
        ({b"authorization": SIGNED}, b"", False),
        ({b"authorization": SIGNED.replace(b"execute-api", b"s3"), **DATED}, b"", False),
        ({b"authorization": SIGNED.split(b", Sig")[0], **DATED}, b"", False),
        ({b"authorization": b"AWS4-HMAC-SHA256 Credential=x", **DATED}, b"", False),
        ({b"authorization": b"Bearer x", **DATED}, b"", False),
        ({}, QUERY.replace(b"execute-api", b"s3"), False),
        ({}, b"X-Amz-Signature=0f", False),
        ({}, b"", False),
    ],
    ids=[
        "header",
        "no blanks",
        "query",
        "query not encoded",
        "no date",
        "another service",
        "no signature",
        "no scope",
        "bearer",
        "query for another service",
        "query without scope",
        "nothing",
    ],
)
def test_a_signature_must_be_there(headers, query, expected):
    """Signature Version 4 for `execute-api`, in the header or the query (row D3)."""
    assert is_signed(headers, query) is expected


def test_errors_have_the_header_that_sdks_need():
    """botocore knows a modelled exception by `x-amzn-ErrorType` alone."""
    assert (b"x-amzn-ErrorType", b"GoneException") in GONE.encoded_headers()
    assert (GONE.status, GONE.body) == (410, b"")
    assert (TOO_LARGE.status, TOO_LARGE.error) == (413, "PayloadTooLargeException")
    assert json.loads(error_response(400, "E", 'say "hi"').body) == {"message": 'say "hi"'}


@pytest.mark.parametrize("identity", [{}, {"user_agent": "me"}], ids=["no agent", "agent"])
def test_a_description_has_every_member_of_the_model(identity):
    """Both members of identity are required by the API's model."""
    origin = Origin("s", "a", "d", "c", 1705751697419, Identity(source_ip="1.2.3.4", **identity))
    connection = Connection(origin, None, None, ManualClock(1705751700), GatewaySettings())
    assert json.loads(describe(connection)) == {
        "connectedAt": "2024-01-20T11:54:57.419Z",
        "identity": {"sourceIp": "1.2.3.4", "userAgent": identity.get("user_agent", "")},
        "lastActiveAt": "2024-01-20T11:55:00.000Z",
    }
