"""How a refused handshake is worded."""

import json

import pytest

from emulator.gateway.refusals import answer
from emulator.gateway.responses import FunctionResponse, Refused


@pytest.mark.parametrize(
    ("refusal", "content", "error"),
    [
        (Refused(401, "c"), {"message": "Unauthorized"}, "UnauthorizedException"),
        (Refused(403, "c"), {"message": "Forbidden"}, "ForbiddenException"),
        (Refused(429, "c"), {"message": "Too Many Requests"}, "TooManyRequestsException"),
        (Refused(418, "c"), {"message": "I'm a Teapot"}, "ImaTeapotException"),
        (Refused(502, "c"), {"message": "Internal server error"}, "InternalServerErrorException"),
        (Refused(504, "c"), {"message": "Endpoint request timed out"}, "InternalServerErrorException"),
        (Refused(599, "c"), {"message": "Refused"}, "RefusedException"),
        (Refused(500, "c", error="E"), {"message": "Internal server error"}, "E"),
        (Refused(403, "c", error="E", content={"Message": "m"}), {"Message": "m"}, "E"),
        (
            Refused(403, "c", response=FunctionResponse([("X", "y")], b"own")),
            {"message": "Forbidden"},
            "ForbiddenException",
        ),
    ],
)
def test_a_refusal_has_rests_shape(refusal, content, error):
    """A message, its length, and the error's type: nothing of the function unless that is set."""
    answered = answer(refusal, pass_body=False)
    assert answered.status == refusal.status
    assert json.loads(answered.body) == content
    assert dict(answered.encoded_headers()) == {
        b"content-type": b"application/json",
        b"content-length": str(len(answered.body)).encode(),
        b"x-amzn-ErrorType": error.encode(),
    }


def test_a_functions_own_answer_is_passed_on_where_that_is_set():
    """Its headers and body reach the client, but not what belongs to the connection or breaks HTTP."""
    headers = [
        ("Content-Type", "text/plain"),
        ("X-Why", "é"),
        ("Content-Length", "99"),
        ("transfer-encoding", "chunked"),
        ("Sec-WebSocket-Accept", "x"),
        ("X-Split", "a\r\nX-Evil: b"),
        ("X Space", "a"),
        ("X-Far", "€"),
    ]
    refusal = Refused(403, "c", response=FunctionResponse(headers, b"why"))
    answered = answer(refusal, pass_body=True)
    assert answered.body == b"why"
    assert answered.encoded_headers() == [
        (b"Content-Type", b"text/plain"),
        (b"X-Why", "é".encode("latin-1")),
        (b"content-length", b"3"),
    ]


def test_the_gateways_own_refusals_keep_their_wording():
    """Where no function answered there is nothing to pass on."""
    refusal = Refused(401, "c")
    assert answer(refusal, pass_body=True) == answer(refusal, pass_body=False)
