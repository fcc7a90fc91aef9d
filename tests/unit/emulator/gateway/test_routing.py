"""Route selection: expressions and what they select."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.application import Route
from emulator.errors import InvalidApplication
from emulator.gateway.routing import Router, RouteSelection


@pytest.mark.parametrize(
    ("expression", "body", "value"),
    [
        ("$request.body.action", '{"action": "echo"}', "echo"),
        ("$request.body.a.b", '{"a": {"b": "deep"}}', "deep"),
        ("${request.body.action}", '{"action": "echo"}', "echo"),
        ("${request.body.a}/${request.body.b}", '{"a": "x", "b": "y"}', "x/y"),
        ("${request.body.action}-${request.body.bad}", '{"action": "join"}', "join-"),
        ("$request.body.action", '{"action": 1}', "1"),
        ("$request.body.action", '{"action": 1.5}', "1.5"),
        ("$request.body.action", '{"action": true}', "true"),
        ("$request.body.action", '{"action": null}', ""),
        ("$request.body.action", '{"action": ["item1", "item2"]}', "[item1, item2]"),
        ("$request.body.action", '{"action": {"a": 1}}', '{"a":1}'),
        ("$request.body.action", "{}", ""),
        ("$request.body.action", "[1]", ""),
        ("$request.body.action", '"text"', ""),
        ("$request.body.a[1].b", '{"a": [0, {"b": "x"}]}', "x"),
        ("$request.body.a[9]", '{"a": [0]}', ""),
        ("$request.body['odd name']", '{"odd name": "x"}', "x"),
        (r"\$default", "{}", "$default"),
        (r"\$default", "[]", "$default"),
        ("${request.body.a}.${request.body.b.c}-x", '{"a": 1, "b": {"c": false}}', "1.false-x"),
        ("$request.body.a/$request.body.b", '{"a": "x", "b": "y"}', "x/y"),
        ("$request.body.a", '{"a": "$request.body.b", "b": "again"}', "$request.body.b"),
        ("$request.body.a.b", '{"a": "text"}', ""),
        ("static", "{}", "static"),
        ("$request.body.action", "not json", None),
        ("$request.body.action", "", None),
        ("$request.body.action", "[" * 100_000, None),
        ("$request.body.action", "NaN", None),
    ],
)
def test_an_expressions_value(expression, body, value):
    """An expression becomes text by AWS's rules; a body that is not JSON has no value."""
    assert RouteSelection(expression).evaluate(body) == value


@pytest.mark.parametrize(
    "expression",
    [
        "$request.header.x",
        "$context.routeKey",
        "${request.body.a",
        "$",
        "$request.bodyaction",
        "$request.body.a[*]",
        "${request.body.a[*]}",
        "$request.body..a",
        "$request.body.a.",
    ],
)
def test_an_expression_that_is_not_understood_is_named(expression):
    """An unknown reference is an error of the declaration, when the gateway is made."""
    with pytest.raises(InvalidApplication) as caught:
        RouteSelection(expression)
    assert repr(expression) in str(caught.value)


ROUTES = [Route(key, f"f-{key}") for key in ("$connect", "$disconnect", "$default", "echo", "1")]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"action": "echo"}', "echo"),
        ('{"action": "Echo"}', "$default"),
        ('{"action": 1}', "1"),
        ('{"action": "$default"}', "$default"),
        ('{"action": "$connect"}', "$default"),
        ('{"action": "$disconnect"}', "$default"),
        ("{}", "$default"),
        ("?", "$default"),
    ],
)
def test_the_route_of_a_message(body, key):
    """A match is exact; the rest is $default's; the predefined routes are not for messages."""
    assert Router("$request.body.action", ROUTES).find_message_route(body).key == key


def test_without_default_there_may_be_no_route():
    """No match and no $default: None."""
    router = Router("$request.body.action", [Route("echo", "f"), Route("$connect", "f")])
    assert router.find_message_route('{"action": "$connect"}') is None
    assert router.find_message_route("?") is None
    assert router.connect.key == "$connect"
    assert router.disconnect is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=10,
)


@given(st.text() | JSON.map(json.dumps))
def test_whatever_comes_has_a_route(body):
    """No message breaks an expression, whatever is or is not where it looks."""
    router = Router("${request.body.a.b}${request.body[0].a}", ROUTES)
    assert router.find_message_route(body).key in ("$default", "echo", "1")
