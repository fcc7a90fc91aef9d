"""Rows C9, C10 and C15: identity sources and API keys."""

from collections.abc import Callable
from typing import Any

import pytest

from emulator.application import Authorizer, Route, WebSocketApi
from emulator.errors import InvalidApplication

KEY = "key-for-parity-tests"
"""The one key of the APIs `keyed` and `keyed-by-authorizer`."""


@pytest.mark.row("C9")
async def test_missing_identity_source_is_401(parity: Any) -> None:
    """Where an identity source is missing or empty, the handshake is 401 and no function runs."""
    for headers in ({}, {"Auth": ""}):
        assert (await parity.refused("guarded-by-header", additional_headers=headers)).status == 401
    assert parity.function("authorizer").count == 0
    await parity.connect("guarded-by-header", additional_headers={"Auth": "token"})


@pytest.mark.row("C9", "C10")
@pytest.mark.parametrize("path", ["", "?token=", "?Token=a", "?other=token"])
async def test_missing_parameter_is_401(parity: Any, path: str) -> None:
    """A parameter counts only by its exact name and with a value."""
    assert (await parity.refused("guarded-by-query", path)).status == 401
    assert parity.function("authorizer").count == 0


@pytest.mark.row("C9")
@pytest.mark.parametrize(
    ("path", "headers"), [("?token=a", {}), ("", {"Auth": "a"}), ("?token=", {"Auth": "a"})]
)
async def test_every_source_must_be_there(parity: Any, path: str, headers: dict[str, str]) -> None:
    """Of several identity sources none may be missing."""
    assert (await parity.refused("guarded-by-both", path, additional_headers=headers)).status == 401
    assert parity.function("authorizer").count == 0


@pytest.mark.row("C10")
@pytest.mark.parametrize(
    ("api", "path", "headers"),
    [
        ("guarded-by-header", "", {"Auth": "a"}),
        ("guarded-by-header", "", {"aUTH": "a"}),
        ("guarded-by-query", "?token=a", {}),
        ("guarded-by-both", "?token=a", {"Auth": "a"}),
    ],
)
async def test_identity_sources_of_websocket_apis(
    parity: Any, api: str, path: str, headers: dict[str, str]
) -> None:
    """`route.request.header` finds a header in any case, `route.request.querystring` a parameter."""
    await parity.connect(api, path, additional_headers=headers)
    assert parity.function("authorizer").count == 1


@pytest.mark.row("C10")
@pytest.mark.parametrize(
    ("source", "instead"),
    [
        ("$request.header.Auth", "route.request.header.Auth"),
        ("$request.querystring.token", "route.request.querystring.token"),
        ("method.request.header.Auth", "route.request.header.NAME"),
        ("Auth", "route.request.header.NAME"),
    ],
)
async def test_identity_sources_of_other_apis_are_refused(
    start_gateway: Callable[..., Any], source: str, instead: str
) -> None:
    """HTTP and REST APIs' forms are refused when the API is made, with the form that is meant."""
    api = WebSocketApi(
        "own",
        [Route("$connect", "connect", authorizer="gatekeeper")],
        authorizers=[Authorizer("gatekeeper", "authorizer", [source])],
    )
    with pytest.raises(InvalidApplication) as refused:
        await start_gateway(api)
    assert instead in str(refused.value)


@pytest.mark.row("C15")
@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": ""}, {"x-api-key": "wrong"}, {"x-api-key": KEY.upper()}]
)
async def test_missing_or_wrong_key_is_403(parity: Any, headers: dict[str, str]) -> None:
    """Where `$connect` requires a key, a handshake without one of the API's keys is 403."""
    assert (await parity.refused("keyed", additional_headers=headers)).status == 403
    assert parity.function("connect").count == 0


@pytest.mark.row("C15")
async def test_key_in_a_header(parity: Any) -> None:
    """The key is taken from `x-api-key`."""
    await parity.connect("keyed", additional_headers={"x-api-key": KEY})
    await parity.connect("keyed", additional_headers={"X-API-KEY": KEY})


@pytest.mark.row("C15", "C4")
@pytest.mark.parametrize("named", [{}, {"usageIdentifierKey": "wrong"}], ids=["missing", "wrong"])
async def test_key_that_the_authorizer_does_not_name(
    parity: Any, steps: Any, policy: Any, named: dict[str, str]
) -> None:
    """Where the authorizer shall name the key, one in a header does not help."""
    parity.function("authorizer").does(lambda one: steps.returns(policy(one.event, **named)))
    refusal = await parity.refused("keyed-by-authorizer", additional_headers={"x-api-key": KEY})
    assert refusal.status == 403
    assert parity.function("authorizer").count == 1
    assert parity.function("connect").count == 0


@pytest.mark.row("C15", "C4")
async def test_key_that_the_authorizer_names(parity: Any, steps: Any, policy: Any) -> None:
    """The authorizer's `usageIdentifierKey` opens the API, and is on no event."""
    parity.function("authorizer").does(
        lambda one: steps.returns(policy(one.event, usageIdentifierKey=KEY, context={"a": "b"}))
    )
    socket = await parity.open("keyed-by-authorizer")
    context = socket.event["requestContext"]["authorizer"]
    assert list(context) == ["a", "principalId", "integrationLatency"]
