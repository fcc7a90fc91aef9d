"""What a policy document says."""

import fnmatch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.gateway.policies import Policy, Verdict, evaluate, matches

ARN = "arn:aws:execute-api:us-east-1:000000000000:abcdef1234/prod/$connect"
START = "arn:aws:execute-api:us-east-1:000000000000:abcdef1234"


def allow(resource=ARN, action="execute-api:Invoke", effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def verdict(*statements, single=False):
    document = {"Version": "2012-10-17", "Statement": statements[0] if single else list(statements)}
    policy = msgspec.convert(document, Policy)
    return evaluate(policy, action="execute-api:Invoke", resource=ARN)


@pytest.mark.parametrize(
    "resource",
    [
        ARN,
        "*",
        "arn:aws:execute-api:*:*:*",
        f"{START}/*",
        f"{START}/prod/*",
        f"{START}/*/$connect",
        f"{START}/pro?/$connect",
        [f"{START}/test/$connect", ARN],
    ],
)
def test_a_resource_that_matches_allows(resource):
    """The resource is $connect of the stage; `*` is any text and `?` one character (C5)."""
    assert verdict(allow(resource)) is Verdict.ALLOWED


@pytest.mark.parametrize(
    "resource",
    [
        f"{START}/prod/*/*",
        f"{START}/prod/GET/*",
        f"{START}/test/$connect",
        f"{START}/PROD/$connect",
        f"{START}/prod/connect",
        f"{START}/pro??/$connect",
        f"{START}/prod",
        "",
        [],
    ],
)
def test_another_resource_does_not(resource):
    """A REST API's `stage/*/*` does not match a WebSocket API's $connect, nor does another stage (C5)."""
    assert verdict(allow(resource)) is Verdict.NOT_ALLOWED


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("execute-api:Invoke", Verdict.ALLOWED),
        ("execute-api:invoke", Verdict.ALLOWED),
        ("execute-api:*", Verdict.ALLOWED),
        (["s3:GetObject", "*"], Verdict.ALLOWED),
        ("execute-api:ManageConnections", Verdict.NOT_ALLOWED),
        ([], Verdict.NOT_ALLOWED),
    ],
)
def test_actions(action, expected):
    """Actions match with wildcards and whatever their case."""
    assert verdict(allow(action=action)) is expected


def test_an_explicit_deny_wins():
    """A matching Deny goes before any Allow, whatever their order; one that does not match is nothing."""
    assert verdict(allow(), allow(effect="Deny")) is Verdict.DENIED
    assert verdict(allow(effect="Deny"), allow("*")) is Verdict.DENIED
    assert verdict(allow(), allow(f"{START}/test/*", effect="Deny")) is Verdict.ALLOWED


def test_a_single_statement_need_not_be_a_list():
    """`Statement` may be one object."""
    assert verdict(allow(), single=True) is Verdict.ALLOWED


def test_nothing_said_is_nothing_allowed():
    """Without a statement nothing is allowed."""
    assert verdict() is Verdict.NOT_ALLOWED


def test_not_action_and_not_resource():
    """The negated forms select what they do not name."""
    assert verdict({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}) is Verdict.ALLOWED
    assert verdict({"Effect": "Allow", "NotAction": "*", "Resource": "*"}) is Verdict.NOT_ALLOWED
    assert verdict({"Effect": "Allow", "Action": "*", "NotResource": ARN}) is Verdict.NOT_ALLOWED


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": "*"},
        {"Effect": "Allow", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"},
    ],
)
def test_an_incomplete_statement_spoils_the_policy(statement):
    """A statement needs one form of action and of resource, even beside one that would allow."""
    assert verdict(allow(), statement) is Verdict.INVALID


def test_a_condition_is_not_guessed():
    """A condition is not evaluated, so that it decides nothing; an empty one is none."""
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    assert verdict(allow(Condition=condition)) is Verdict.CONDITIONAL
    assert verdict(allow(Condition={})) is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("?", "", False),
        ("a*b*c", "aXbYbZc", True),
        ("a*b*c", "aXbYbZ", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("*?", "a", True),
        ("*ab", "aab", True),
        ("***", "x", True),
    ],
)
def test_patterns(pattern, text, expected):
    """Only `*` and `?` are special."""
    assert matches(pattern, text) is expected


@given(st.text("ab/*?", max_size=12), st.text("ab/", max_size=12))
def test_patterns_match_what_the_standard_library_says(pattern, text):
    """For `*` and `?` alone the shell's patterns are the same language."""
    assert matches(pattern, text) is fnmatch.fnmatchcase(text, pattern)


def test_a_hostile_pattern_ends():
    """A pattern full of stars takes no exponential time: the gateway's loop waits for it."""
    assert not matches("*a" * 4_000, "a" * 100 + "b")
