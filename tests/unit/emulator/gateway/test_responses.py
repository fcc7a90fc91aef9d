"""What a function's outcome means."""

import json

import pytest

from emulator.gateway.responses import (
    Accepted,
    Failed,
    FunctionResponse,
    Refused,
    Reply,
    decide_handshake,
    decide_reply,
    error_frame,
)
from emulator.invocation import InvocationResult


def result(value, error=None):
    return InvocationResult("r", value if isinstance(value, bytes) else json.dumps(value).encode(), error)


def refused(status, body=b"", *headers):
    return Refused(status, "function refused", response=FunctionResponse(list(headers), body))


@pytest.mark.parametrize(
    ("value", "decision"),
    [
        ({"statusCode": 200}, Accepted()),
        ({"statusCode": 204}, Accepted()),
        ({"statusCode": "201"}, Accepted()),
        ({}, Accepted()),
        ({"statusCode": 200, "headers": {"SEC-websocket-PROTOCOL": "a"}}, Accepted("a")),
        ({"multiValueHeaders": {"Sec-WebSocket-Protocol": ["a"]}}, Accepted("a")),
        ({"headers": {"Sec-WebSocket-Protocol": "a, b"}}, Accepted("a, b")),
        ({"headers": {"Sec-WebSocket-Protocol": ""}}, Accepted()),
        ({"headers": {"Sec-WebSocket-Protocol": None}}, Accepted()),
        ({"statusCode": 200, "headers": {"X": "a", "Y": 1}, "body": "x"}, Accepted()),
        ({"statusCode": 301}, refused(301)),
        ({"statusCode": 401, "body": "no"}, refused(401, b"no")),
        ({"statusCode": 403, "body": "bm8=", "isBase64Encoded": True}, refused(403, b"no")),
        (
            {"statusCode": 403, "headers": {"A": 1, "B": None}, "multiValueHeaders": {"a": [2], "C": [3, 4]}},
            refused(403, b"", ("A", "1"), ("C", "3"), ("C", "4")),
        ),
        ({"statusCode": 99}, Refused(502, "malformed response")),
        ({"statusCode": 101}, Refused(502, "malformed response")),
        ({"statusCode": 1000}, Refused(502, "malformed response")),
        ({"statusCode": "ok"}, Refused(502, "malformed response")),
        ({"statusCode": True}, Refused(502, "malformed response")),
        ({"statusCode": 200, "other": 1}, Refused(502, "malformed response")),
        ({"headers": {"Sec-WebSocket-Protocol": "a\r\nX: y"}}, Refused(502, "malformed response")),
        (None, Refused(502, "malformed response")),
        ([], Refused(502, "malformed response")),
        (b"", Refused(502, "malformed response")),
        (b"[" * 100_000, Refused(502, "malformed response")),
    ],
    ids=repr,
)
def test_connects_outcome_is_the_handshakes(value, decision):
    """2xx accepts, another status is passed on, what is no proxy response is 502."""
    assert decide_handshake(result(value)) == decision


def test_a_failed_connect_is_502():
    """An error payload is not looked into."""
    assert decide_handshake(result({"statusCode": 200}, "Unhandled")) == Refused(502, "function error")


MALFORMED = Failed("Internal server error", "malformed response")


@pytest.mark.parametrize(
    ("value", "with_response", "outcome"),
    [
        ({"statusCode": 200, "body": "hi"}, True, Reply("hi")),
        ({"statusCode": 500, "body": "hi"}, True, Reply("hi")),
        ({"body": "hi"}, True, Reply("hi")),
        ({"statusCode": 200, "body": "hi"}, False, Reply()),
        ({"statusCode": 200}, True, Reply()),
        ({"statusCode": 200, "body": None}, True, Reply()),
        ({"statusCode": 200, "body": ""}, True, Reply()),
        ({"statusCode": 501}, False, Reply()),
        ({"ConnectionId": "x", "Data": "y", "statusCode": 200}, False, MALFORMED),
        ({"statusCode": 200, "body": {"not": "text"}}, True, MALFORMED),
        (None, False, MALFORMED),
        ("text", True, MALFORMED),
    ],
    ids=repr,
)
def test_a_messages_outcome(value, with_response, outcome):
    """The body is sent with a route response only; a malformed response fails either way."""
    assert decide_reply(result(value), has_route_response=with_response) == outcome


def test_a_failed_function_is_an_internal_server_error():
    """An unhandled error never shows its text to the client."""
    outcome = decide_reply(result({"errorMessage": "secret"}, "Unhandled"), has_route_response=True)
    assert outcome == Failed("Internal server error", "function error")


def test_an_empty_reply_is_sent_where_that_is_set():
    """With `send_empty` a missing body becomes an empty message."""
    assert decide_reply(result({}), has_route_response=True, send_empty=True) == Reply("")


def test_error_frames_are_awss_to_the_character():
    """The spacing is not that of any JSON encoder, and clients have matched on it."""
    frame = error_frame("Forbidden", connection_id="DBNjmfOmSwMCJiA=", request_id="DBNlXFDjSwMF3FA=")
    assert frame == (
        '{"message": "Forbidden", "connectionId":"DBNjmfOmSwMCJiA=", "requestId":"DBNlXFDjSwMF3FA="}'
    )


def test_the_frame_of_a_body_against_its_model_names_the_message():
    """A31: documented with other spacing than the rest, and with the message's id for the request's."""
    frame = error_frame(
        "Bad request body",
        connection_id="DBNjmfOmSwMCJiA=",
        request_id="DBNlXFDjSwMF3FA=",
        message_id="DBNlXdDjSwMCJiA=",
    )
    assert frame == (
        '{"message" : "Bad request body", "connectionId": "DBNjmfOmSwMCJiA=",'
        ' "messageId": "DBNlXdDjSwMCJiA="}'
    )
