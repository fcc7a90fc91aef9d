"""What the functions do where a test says nothing."""

from typing import Any

from scripts.parity_harness.apis import APIS
from scripts.parity_harness.script import NOTHING, Steps

OK = Steps().returns({"statusCode": 200})

ROUTED = {route.function for api in APIS for route in api.routes}

AUTHORIZERS = {authorizer.function for api in APIS for authorizer in api.authorizers}


def policy(event: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """Return an authorizer's answer about the connection that it was asked about.

    Args:
        more: further members, such as `context` or `usageIdentifierKey`; `principalId` is `person` else.
    """
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "person", "policyDocument": document, **more}


def default_answer(function: str, event: Any) -> Steps:
    """Let authorizers allow, `reply` say its name, other routes return 200 and the rest null."""
    if function in AUTHORIZERS:
        return Steps().returns(policy(event))
    if function == "reply":
        return Steps().returns({"statusCode": 200, "body": "reply"})
    return OK if function in ROUTED else NOTHING
