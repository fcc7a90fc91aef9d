"""CONNECT, MESSAGE and DISCONNECT events, compared with AWS's."""

import json
from pathlib import Path

import pytest

from emulator.gateway import events

RECORDED = Path(__file__).parents[3] / "events"


def recorded(name):
    return json.loads((RECORDED / f"{name}.json").read_text())


def origin_of(event):
    context = event["requestContext"]
    authorizer = context.get("authorizer")
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
        authorizer=authorizer,
    )


def same(encoded, event):
    """Compare with order: AWS's order of members is part of the shape."""
    return encoded.decode() == json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def test_a_connect_event_is_awss():
    """A CONNECT event equals the recorded one, member for member and in order."""
    event = recorded("websocket_connect_authorized")
    context = event["requestContext"]
    sent = [
        ("Connection", "upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", event["headers"]["Sec-WebSocket-Key"]),
        ("Host", "127.0.0.1:8080"),
        ("Sec-WebSocket-Extensions", event["headers"]["Sec-WebSocket-Extensions"]),
    ]
    headers = events.connect_headers(
        sent,
        domain_name=context["domainName"],
        source_ip=context["identity"]["sourceIp"],
        trace_header=event["headers"]["X-Amzn-Trace-Id"],
    )
    encoded = events.connect_event(
        origin_of(event),
        request_id=context["requestId"],
        now_ms=context["requestTimeEpoch"],
        headers=headers,
        query="token=x",
    )
    assert same(encoded, event)


def test_a_message_event_is_awss():
    """A MESSAGE event equals the recorded one; it has no headers."""
    event = recorded("websocket_message")
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


def test_a_disconnect_event_is_awss():
    """A DISCONNECT event equals the recorded one, with AWS's four headers."""
    event = recorded("websocket_disconnect")
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
    encoded = events.connect_event(
        origin_of(event), request_id="r", now_ms=0, headers={"Host": ["h"]}, query=query
    )
    assert list(json.loads(encoded)) == ["headers", "multiValueHeaders", "requestContext", "isBase64Encoded"]


def test_repeated_headers_and_parameters():
    """The single-valued maps have the last value; names differing in case are one header."""
    headers = events.connect_headers(
        [("Cookie", "a=1"), ("cookie", "b=2")], domain_name="d", source_ip="i", trace_header="t"
    )
    assert headers["Cookie"] == ["a=1", "b=2"]
    assert "cookie" not in headers
    encoded = events.connect_event(
        origin_of(recorded("websocket_message")),
        request_id="r",
        now_ms=0,
        headers=headers,
        query="a=1&b=%20&a=%C3%A9&c",
    )
    event = json.loads(encoded)
    assert event["headers"]["Cookie"] == "b=2"
    assert event["queryStringParameters"] == {"a": "é", "b": " ", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "é"], "b": [" "], "c": [""]}


@pytest.mark.parametrize(
    ("epoch_s", "text"),
    [(1707502303, "09/Feb/2024:18:11:43 +0000"), (0, "01/Jan/1970:00:00:00 +0000")],
    ids=["recorded", "epoch"],
)
def test_request_time(epoch_s, text):
    """Request times are in the common log format, in UTC."""
    assert events.request_time(epoch_s) == text
