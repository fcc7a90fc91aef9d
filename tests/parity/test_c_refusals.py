"""Row C16: how an unauthorised handshake is worded. Nobody has seen AWS's own; REST's responses stand in."""

import json
from typing import Any

import pytest

DENIED = "User is not authorized to access this resource"


@pytest.mark.row("C16")
async def test_unauthorised(parity: Any) -> None:
    """401 has a message and an error type."""
    refusal = await parity.refused("guarded-by-header")
    assert (refusal.status, refusal.headers["x-amzn-errortype"]) == (401, "UnauthorizedException")
    assert json.loads(refusal.body) == {"message": "Unauthorized"}
    assert refusal.headers["content-type"] == "application/json"


@pytest.mark.row("C16")
@pytest.mark.parametrize(
    ("effect", "action", "message"),
    [("Deny", "execute-api:Invoke", f"{DENIED} with an explicit deny"), ("Allow", "other:Action", DENIED)],
    ids=["denied", "not allowed"],
)
async def test_denied(parity: Any, steps: Any, policy: Any, effect: str, action: str, message: str) -> None:
    """403 of a policy has `Message` with a capital, and tells an explicit deny."""

    def answer(one: Any) -> Any:
        found = policy(one.event, effect)
        found["policyDocument"]["Statement"][0]["Action"] = action
        return steps.returns(found)

    parity.function("authorizer").does(answer)
    refusal = await parity.refused("guarded")
    assert (refusal.status, refusal.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert json.loads(refusal.body) == {"Message": message}


@pytest.mark.row("C16")
async def test_misconfigured(parity: Any) -> None:
    """500 of an authorizer that failed names the configuration, and nothing of the failure."""
    parity.function("authorizer").raises("a secret of the function")
    refusal = await parity.refused("guarded")
    assert (refusal.status, refusal.headers["x-amzn-errortype"]) == (500, "AuthorizerConfigurationException")
    assert json.loads(refusal.body) == {"message": "Internal server error"}


@pytest.mark.row("C16")
async def test_without_a_key(parity: Any) -> None:
    """403 for a key is `Forbidden`."""
    refusal = await parity.refused("keyed")
    assert (refusal.status, refusal.headers["x-amzn-errortype"]) == (403, "ForbiddenException")
    assert json.loads(refusal.body) == {"message": "Forbidden"}
