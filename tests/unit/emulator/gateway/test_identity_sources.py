"""Identity sources: what is understood, and what they find."""

import pytest

from emulator.errors import InvalidApplication
from emulator.gateway.events import Identity, Origin
from emulator.gateway.handshakes import Handshake
from emulator.gateway.identity_sources import parse_identity_source

ORIGIN = Origin(
    "prod", "abc", "host", "C=", 5, Identity("me/1", "1.2.3.4"), stage_variables={"colour": "blue", "no": ""}
)
HANDSHAKE = Handshake(
    headers=[("AUTH", "one"), ("auth", "two"), ("Empty", "")],
    parameters={"Token": ["a", "b"], "empty": [""]},
    request_id="R=",
    trace_header="Root=1",
    received_at_ms=6_000,
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("route.request.header.Auth", "two"),
        ("route.request.header.Other", None),
        ("route.request.header.empty", None),
        ("route.request.querystring.Token", "b"),
        ("route.request.querystring.token", None),
        ("route.request.querystring.empty", None),
        ("stageVariables.colour", "blue"),
        ("stageVariables.no", None),
        ("stageVariables.size", None),
        ("context.connectionId", "C="),
        ("context.connectedAt", "5"),
        ("context.stage", "prod"),
        ("context.apiId", "abc"),
        ("context.domainName", "host"),
        ("context.requestId", "R="),
        ("context.extendedRequestId", "R="),
        ("context.requestTimeEpoch", "6000"),
        ("context.requestTime", "01/Jan/1970:00:00:06 +0000"),
        ("context.routeKey", "$connect"),
        ("context.eventType", "CONNECT"),
        ("context.messageDirection", "IN"),
        ("context.identity.sourceIp", "1.2.3.4"),
        ("context.identity.userAgent", "me/1"),
    ],
)
def test_what_a_source_finds(expression, value):
    """Header names match in any case, parameters exactly; what is empty counts as missing (C9, C10)."""
    assert parse_identity_source(expression, authorizer="a").find(ORIGIN, HANDSHAKE) == value


def test_a_user_agent_may_be_missing():
    """A client without a user agent has none to be identified by."""
    origin = Origin("prod", "abc", "host", "C=", 5, Identity())
    source = parse_identity_source("context.identity.userAgent", authorizer="a")
    assert source.find(origin, HANDSHAKE) is None


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("$request.header.Auth", "route.request.header.Auth"),
        ("$request.querystring.token", "route.request.querystring.token"),
        ("$stageVariables.x", "stageVariables.x"),
        ("$context.stage", "context.stage"),
        ("method.request.header.Auth", "route.request.header.NAME"),
        ("route.request.header.", "route.request.header.NAME"),
        ("route.request.header", "route.request.header.NAME"),
        ("route.request.header.A, route.request.header.B", "route.request.header.NAME"),
        ("route.request.body.token", "route.request.header.NAME"),
        ("", "route.request.header.NAME"),
        ("context.accountId", "identity.sourceIp"),
    ],
)
def test_any_other_syntax_is_refused_with_advice(expression, advice):
    """HTTP APIs' syntax and the like is an error of the declaration that says what to write."""
    with pytest.raises(InvalidApplication) as caught:
        parse_identity_source(expression, authorizer="gate")
    assert repr(expression) in str(caught.value)
    assert "gate" in str(caught.value)
    assert advice in str(caught.value)
