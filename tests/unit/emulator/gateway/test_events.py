"""Authorizer, CONNECT, MESSAGE and DISCONNECT events, compared with AWS's."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.gateway import events
from emulator.gateway.handshakes import Handshake, query_parameters

RECORDED = Path(__file__).parents[3] / "events"


def recorded(name):
    return json.loads((RECORDED / f"{name}.json").read_text())


def origin_of(event):
    context = event["requestContext"]
    authorizer = {
        name: value for name, value in context.get("authorizer", {}).items() if name != "integrationLatency"
    }
    identity = {"source_ip": context["identity"]["sourceIp"]}
    if "userAgent" in context["identity"]:
        identity["user_agent"] = context["identity"]["userAgent"]
    return events.Origin(
        stage=context["stage"],
        api_id=context["apiId"],
        domain_name=context["domainName"],
        connection_id=context["connectionId"],
        connected_at_ms=context["connectedAt"],
        identity=events.Identity(**identity),
        authorizer=authorizer or None,
    )


def same(encoded, event):
    """Compare with order: AWS's order of members is part of the shape."""
    return encoded.decode() == json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def handshake_of(event, sent, query=""):
    context = event["requestContext"]
    return Handshake(
        headers=sent,
        parameters=query_parameters(query),
        request_id=context["requestId"],
        trace_header=event["headers"]["X-Amzn-Trace-Id"],
        received_at_ms=context["requestTimeEpoch"],
    )


def sent_headers(event, *more):
    return [
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Key", event["headers"]["Sec-WebSocket-Key"]),
        ("Host", "127.0.0.1:8080"),
        *more,
        ("Sec-WebSocket-Extensions", event["headers"]["Sec-WebSocket-Extensions"]),
    ]


def test_a_connect_event_is_awss():
    """A CONNECT event equals the recorded one, member for member and in order (rows B1, C12)."""
    event = recorded("websocket_connect_authorized")
    encoded = events.connect_event(
        origin_of(event), handshake_of(event, sent_headers(event), "token=x"), authorizer_latency_ms=21
    )
    assert same(encoded, event)


@pytest.mark.row("C2")
def test_an_authorizers_event_is_awss():
    """An authorizer's event equals the documented one: with the connection's headers, without a body (C2)."""
    event = recorded("websocket_authorizer")
    sent = sent_headers(event, ("HeaderAuth1", "headerValue1"))
    encoded = events.authorizer_event(
        origin_of(event), handshake_of(event, sent, "QueryString1=queryValue1"), resource=event["methodArn"]
    )
    assert same(encoded, event)


@pytest.mark.parametrize("name", ["websocket_message", "websocket_message_authorized"])
def test_a_message_event_is_awss(name):
    """A MESSAGE event equals the recorded one; it has no headers and no integrationLatency."""
    event = recorded(name)
    context = event["requestContext"]
    encoded = events.message_event(
        origin_of(event),
        route_key=context["routeKey"],
        request_id=context["requestId"],
        message_id=context["messageId"],
        now_ms=context["requestTimeEpoch"],
        body=event["body"],
    )
    assert same(encoded, event)


@pytest.mark.parametrize(
    "name", ["websocket_disconnect", "websocket_disconnect_idle", "websocket_disconnect_authorized"]
)
def test_a_disconnect_event_is_awss(name):
    """A DISCONNECT event equals the recorded one, with AWS's four headers."""
    event = recorded(name)
    context = event["requestContext"]
    encoded = events.disconnect_event(
        origin_of(event),
        request_id=context["requestId"],
        now_ms=context["requestTimeEpoch"],
        code=context["disconnectStatusCode"],
        reason=context["disconnectReason"],
    )
    assert same(encoded, event)


@pytest.mark.parametrize("query", ["", "&", "&&"])
def test_without_a_query_parameter_the_maps_are_absent(query):
    """The two query maps are left out, not null, when the URL has no parameter."""
    event = recorded("websocket_connect_authorized")
    encoded = events.connect_event(origin_of(event), handshake_of(event, [], query))
    assert list(json.loads(encoded)) == ["headers", "multiValueHeaders", "requestContext", "isBase64Encoded"]


def test_an_authorizers_event_has_empty_maps():
    """In an authorizer's event the maps are there and empty, as its `stageVariables` are on AWS."""
    event = recorded("websocket_authorizer")
    encoded = json.loads(events.authorizer_event(origin_of(event), handshake_of(event, []), resource="r"))
    assert encoded["queryStringParameters"] == encoded["multiValueQueryStringParameters"] == {}
    assert encoded["stageVariables"] == {}
    assert "authorizer" not in encoded["requestContext"]


def test_stage_variables():
    """Stage variables are in the CONNECT and the authorizer's event, in the others where that is set."""
    event = recorded("websocket_connect_authorized")
    origin = replace(origin_of(event), stage_variables={"colour": "blue"})
    handshake = handshake_of(event, [])
    connect = json.loads(events.connect_event(origin, handshake))
    assert list(connect)[-3:] == ["stageVariables", "requestContext", "isBase64Encoded"]
    assert connect["stageVariables"] == {"colour": "blue"}
    asked = json.loads(events.authorizer_event(origin, handshake, resource="r"))
    assert asked["stageVariables"] == {"colour": "blue"}
    message = {"route_key": "r", "request_id": "r", "message_id": "m", "now_ms": 0, "body": ""}
    end = {"request_id": "r", "now_ms": 0, "code": 1000, "reason": ""}
    for encode, facts in ((events.message_event, message), (events.disconnect_event, end)):
        assert "stageVariables" not in json.loads(encode(origin, **facts))
        found = json.loads(encode(origin, **facts, with_stage_variables=True))
        assert found["stageVariables"] == {"colour": "blue"}


def test_repeated_headers_and_parameters():
    """The single-valued maps have the last value; names differing in case are one header."""
    event = recorded("websocket_connect_authorized")
    handshake = handshake_of(event, [("Cookie", "a=1"), ("cookie", "b=2")], "a=1&b=%20&a=%C3%A9&c")
    encoded = json.loads(events.connect_event(origin_of(event), handshake))
    assert encoded["multiValueHeaders"]["Cookie"] == ["a=1", "b=2"]
    assert "cookie" not in encoded["headers"]
    assert encoded["headers"]["Cookie"] == "b=2"
    assert encoded["queryStringParameters"] == {"a": "é", "b": " ", "c": ""}
    assert encoded["multiValueQueryStringParameters"] == {"a": ["1", "é"], "b": [" "], "c": [""]}


def test_content_length_is_there_once():
    """A client's own Content-Length does not stand beside the one that AWS shows to an authorizer."""
    event = recorded("websocket_authorizer")
    handshake = handshake_of(event, [("Content-Length", "0")])
    encoded = json.loads(events.authorizer_event(origin_of(event), handshake, resource="r"))
    assert [name for name in encoded["headers"] if name.lower() == "content-length"] == ["content-length"]


@pytest.mark.parametrize(
    ("epoch_s", "text"),
    [(1707502303, "09/Feb/2024:18:11:43 +0000"), (0, "01/Jan/1970:00:00:00 +0000")],
    ids=["recorded", "epoch"],
)
def test_request_time(epoch_s, text):
    """Request times are in the common log format, in UTC."""
    assert events.request_time(epoch_s) == text
