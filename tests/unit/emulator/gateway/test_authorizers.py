"""What an authorizer's outcome means."""

import json

import pytest

from emulator.gateway.authorizers import Allowed, decide_authorization, method_arn
from emulator.gateway.responses import Refused
from emulator.invocation import InvocationResult

ARN = method_arn(region="us-east-1", account_id="000000000000", api_id="abcdef1234", stage="prod")
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": ARN}],
}
DENIAL = {"Statement": {"Action": "*", "Effect": "Deny", "Resource": "*"}}
ELSEWHERE = {"Statement": {"Action": "*", "Effect": "Allow", "Resource": "arn:aws:execute-api:*:*:*/*/GET/*"}}


def decide(value, error=None):
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return decide_authorization(InvocationResult("r", payload, error), resource=ARN)


def test_the_method_arn_is_awss():
    """It ends in the stage and $connect (C2)."""
    assert ARN == "arn:aws:execute-api:us-east-1:000000000000:abcdef1234/prod/$connect"


def test_a_policy_that_allows_lets_in():
    """Principal and policy are enough; `context` is optional (C4)."""
    allowed = Allowed({"principalId": "me"})
    assert decide({"principalId": "me", "policyDocument": POLICY}) == allowed
    assert decide({"principalId": "me", "policyDocument": POLICY, "context": None}) == allowed


def test_the_context_becomes_text():
    """Numbers and booleans become the text they were written as; principalId stands last (C12)."""
    payload = (
        b'{"principalId": "me", "context": {"principalId": "not me", "t": "\\u00e9\\n", "i": 1, "f": 1.50,'
        b' "e": 1e3, "yes": true, "no": false, "empty": ""}, "usageIdentifierKey": "k", "policyDocument": '
        + json.dumps(POLICY).encode()
        + b"}"
    )
    allowed = decide(payload)
    assert allowed.usage_identifier_key == "k"
    assert list(allowed.context.items()) == [
        ("t", "é\n"),
        ("i", "1"),
        ("f", "1.50"),
        ("e", "1e3"),
        ("yes", "true"),
        ("no", "false"),
        ("empty", ""),
        ("principalId", "me"),
    ]


def test_a_key_is_not_shown():
    """The usage identifier key is in no representation, so in no log."""
    decision = decide({"principalId": "me", "policyDocument": POLICY, "usageIdentifierKey": "SECRET"})
    assert "SECRET" not in repr(decision)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (DENIAL, "User is not authorized to access this resource with an explicit deny"),
        (ELSEWHERE, "User is not authorized to access this resource"),
        ({"Statement": []}, "User is not authorized to access this resource"),
    ],
    ids=["denied", "elsewhere", "nothing"],
)
def test_a_policy_that_does_not_allow_is_403(policy, message):
    """Denied and not allowed are both 403 (C5, C6)."""
    refused = decide({"principalId": "me", "policyDocument": policy})
    assert (refused.status, refused.error) == (403, "AccessDeniedException")
    assert refused.content == {"Message": message}


def test_the_error_unauthorized_is_401():
    """An error with exactly this message says 401 (C7)."""
    assert decide({"errorMessage": "Unauthorized", "errorType": "Exception"}, "Unhandled") == Refused(
        401, "authorizer's answer"
    )


@pytest.mark.parametrize(
    "payload",
    [
        {"errorMessage": "unauthorized"},
        {"errorMessage": "Unauthorized."},
        {"errorMessage": ["Unauthorized"]},
        {"errorMessage": None},
        {},
        "Unauthorized",
        b"not json",
    ],
    ids=repr,
)
def test_any_other_error_is_500(payload):
    """Every other error is the authorizer's fault, not the client's (C8)."""
    refused = decide(payload, "Unhandled")
    assert (refused.status, refused.error) == (500, "AuthorizerConfigurationException")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "Unauthorized",
        [],
        {},
        True,
        b"",
        {"statusCode": 401},
        {"isAuthorized": True},
        {"principalId": "me"},
        {"policyDocument": POLICY},
        {"principalId": 1, "policyDocument": POLICY},
        {"principalId": "me", "policyDocument": None},
        {"principalId": "me", "policyDocument": {"Version": "2012-10-17"}},
        {"principalId": "me", "policyDocument": {**POLICY, "Version": "2020-01-01"}},
        {"principalId": "me", "policyDocument": {"Statement": [{"Effect": "allow", "Action": "*"}]}},
        {"principalId": "me", "policyDocument": {"Statement": [{"Effect": "Allow", "Action": "*"}]}},
        {"principalId": "me", "policyDocument": POLICY, "context": []},
        {"principalId": "me", "policyDocument": POLICY, "context": {"a": None}},
        {"principalId": "me", "policyDocument": POLICY, "context": {"a": {}}},
        {"principalId": "me", "policyDocument": POLICY, "context": {"a": ["x"]}},
        {"principalId": "me", "policyDocument": DENIAL, "context": {"a": ["x"]}},
        b"[" * 8_000,
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_is_no_authorizers_result_is_500(value):
    """A wrong shape is 500, also `{"statusCode": 401}` and the simple responses of HTTP APIs (C4, C8)."""
    refused = decide(value)
    assert (refused.status, refused.error) == (500, "AuthorizerConfigurationException")


def test_a_result_over_8_kb_is_500():
    """The quota counts the whole result (C13)."""
    result = {"principalId": "me", "policyDocument": POLICY, "context": {"a": ""}}
    room = 8_192 - len(json.dumps(result))
    result["context"]["a"] = "x" * room
    assert isinstance(decide(result), Allowed)
    result["context"]["a"] += "x"
    assert decide(result).status == 500
