"""What an API may declare."""

import pytest

from emulator.application import Authorizer, Route, Stage, Throttling, WebSocketApi
from emulator.errors import InvalidApplication
from emulator.gateway.declarations import check_api

ROUTE = Route("echo", "f")


def test_an_api_at_its_limits_is_taken():
    """The quotas themselves are allowed (A62)."""
    routes = [Route(key, "f") for key in ("$connect", "$disconnect", "$default")]
    check_api(
        WebSocketApi(
            "a",
            [*routes, *(Route(f"r{number}", "f") for number in range(297))],
            stages=[Stage(f"s-{number}", {"a_1": "https://x/y?z=1,2"}) for number in range(10)],
            authorizers=[Authorizer(f"a{number}", "f") for number in range(10)],
        )
    )


@pytest.mark.parametrize(
    ("routes", "options", "told"),
    [
        ([Route(f"r{number}", "f") for number in range(301)], {}, "301 routes"),
        ([ROUTE], {"stages": [Stage(f"s{number}") for number in range(11)]}, "11 stages"),
        ([ROUTE], {"authorizers": [Authorizer(f"a{n}", "f") for n in range(11)]}, "11 authorizers"),
        ([ROUTE, ROUTE], {}, "echo is declared 2 times"),
        ([Route("$custom", "f")], {}, "$custom begins with $"),
        ([Route("$", "f")], {}, "$ begins with $"),
        ([Route("", "f")], {}, "no key"),
        ([Route("echo", "f", timeout_s=29.1)], {}, "29.1 s"),
        ([Route("echo", "f", timeout_s=0.049)], {}, "0.049 s"),
        ([Route("echo", "f", timeout_s=float("nan"))], {}, "nan s"),
        ([Route("echo", "f", api_key_required=True)], {}, "API key"),
        ([Route("$connect", "f", model="m")], {}, "model"),
        ([Route("$disconnect", "f", model="m")], {}, "model"),
        ([ROUTE], {"stages": [Stage("a/b")]}, "'a/b'"),
        ([ROUTE], {"stages": [Stage("$default")]}, "'$default'"),
        ([ROUTE], {"stages": [Stage("")]}, "''"),
        ([ROUTE], {"stages": [Stage("s", {"a-b": "x"})]}, "'a-b'"),
        ([ROUTE], {"stages": [Stage("s", {"a": "x y"})]}, "'a'"),
        ([ROUTE], {"stages": [Stage("s", {"a": ""})]}, "'a'"),
        ([ROUTE], {"stages": [Stage("s", route_throttling={"no": Throttling(1, 1)})]}, "throttles route no"),
        ([ROUTE], {"stages": [Stage("s", throttling=Throttling(-1, 1))]}, "below 0"),
    ],
)
def test_what_aws_would_refuse_is_refused(routes, options, told):
    """A20, A29, A62: the sentence names the API and what is wrong with it."""
    with pytest.raises(InvalidApplication) as caught:
        check_api(WebSocketApi("chat", routes, **options))
    assert "chat" in str(caught.value)
    assert told in str(caught.value)


def test_all_faults_are_told_at_once():
    """One start shows everything that is to be mended."""
    with pytest.raises(InvalidApplication) as caught:
        check_api(WebSocketApi("chat", [Route("$a", "f"), Route("$b", "f")]))
    assert "$a" in str(caught.value)
    assert "$b" in str(caught.value)
