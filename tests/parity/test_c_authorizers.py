"""Rows C4 to C8, C13 and C14: what an authorizer's answer means for the handshake."""

import json
from collections.abc import Callable
from typing import Any

import pytest

MAX_RESULT_BYTES = 8_192

REFUSED = 500
"""The status for an authorizer that did not come to a decision."""


@pytest.fixture
def guard(parity: Any, steps: Any) -> Callable[[Callable[[Any], Any]], None]:
    """Let the authorizer return what a function of its event gives."""
    return lambda answer: parity.function("authorizer").does(lambda one: steps.returns(answer(one.event)))


def on(resource: str, policy: Any, effect: str = "Allow") -> dict[str, Any]:
    """Return an authorizer's answer about some resource."""
    return dict(policy({"methodArn": resource}, effect))


@pytest.mark.row("C4")
async def test_principal_and_policy_are_enough(parity: Any, guard: Any, policy: Any) -> None:
    """An answer of a principal and a policy lets in; context and usage key may be there."""
    guard(policy)
    await parity.connect("guarded")
    guard(lambda event: policy(event, context={"tenant": "a"}, usageIdentifierKey="key"))
    await parity.connect("guarded")


@pytest.mark.row("C4", "C8")
@pytest.mark.parametrize("answer", [{"isAuthorized": True}, {"isAuthorized": True, "context": {"a": "b"}}])
async def test_no_simple_answers(parity: Any, guard: Any, answer: Any) -> None:
    """The simple answers of HTTP APIs are no answer: 500."""
    guard(lambda event: answer)
    assert (await parity.refused("guarded")).status == REFUSED
    assert parity.function("connect").count == 0


@pytest.mark.row("C5")
@pytest.mark.parametrize(
    ("written", "is_let_in"),
    [
        ("{api}/{stage}/$connect", True),
        ("{api}/{stage}/*", True),
        ("{api}/*/$connect", True),
        ("{api}/{stage}/*/*", False),
        ("{api}/{stage}/GET/*", False),
        ("{api}/{stage}/$default", False),
        ("{api}/other/$connect", False),
        ("other/{stage}/$connect", False),
    ],
)
async def test_resource_of_the_policy(
    parity: Any, guard: Any, policy: Any, written: str, *, is_let_in: bool
) -> None:
    """The policy's resource must fit the stage's `$connect`; a REST API's pattern does not."""

    def answer(event: Any) -> Any:
        account, _, path = event["methodArn"].rpartition(":")
        api, stage, _ = path.split("/")
        return on(f"{account}:{written.format(api=api, stage=stage)}", policy)

    guard(answer)
    if is_let_in:
        await parity.connect("guarded")
    else:
        assert (await parity.refused("guarded")).status == 403


@pytest.mark.row("C6")
async def test_denied_handshake_is_403(parity: Any, guard: Any, policy: Any) -> None:
    """A policy that denies refuses the handshake with 403, and `$connect` does not run."""
    guard(lambda event: policy(event, "Deny"))
    assert (await parity.refused("guarded")).status == 403
    assert parity.function("connect").count == 0


@pytest.mark.row("C6")
async def test_deny_wins_over_allow(parity: Any, guard: Any, policy: Any) -> None:
    """Of two statements about `$connect` the one that denies has the say."""

    def answer(event: Any) -> Any:
        found = policy(event)
        statements = found["policyDocument"]["Statement"]
        statements.append({**statements[0], "Effect": "Deny"})
        return found

    guard(answer)
    assert (await parity.refused("guarded")).status == 403


@pytest.mark.row("C7")
async def test_error_unauthorized_is_401(parity: Any) -> None:
    """An exception that says exactly `Unauthorized` is 401, whatever its class."""
    for kind in ("Exception", "ValueError"):
        parity.function("authorizer").raises("Unauthorized", kind=kind)
        assert (await parity.refused("guarded")).status == 401
    assert parity.function("connect").count == 0


@pytest.mark.row("C7", "C8")
@pytest.mark.parametrize(
    "message", ["unauthorized", "Unauthorized.", "Unauthorized: expired", "Forbidden", ""]
)
async def test_any_other_error_is_500(parity: Any, message: str) -> None:
    """An exception that says anything else is the authorizer's own fault."""
    parity.function("authorizer").raises(message)
    assert (await parity.refused("guarded")).status == REFUSED
    assert parity.function("connect").count == 0


@pytest.mark.row("C8")
@pytest.mark.parametrize(
    "change",
    [
        {"context": {"list": ["a"]}},
        {"context": {"object": {"a": "b"}}},
        {"context": {"null": None}},
        {"context": ["a"]},
        {"context": "a"},
        {"policyDocument": None},
        {"policyDocument": "Allow"},
        {"policyDocument": {"Version": "2012-10-17"}},
        {"principalId": None},
    ],
    ids=repr,
)
async def test_wrong_member_is_500(parity: Any, guard: Any, policy: Any, change: Any) -> None:
    """A member of another shape, such as a context that is not flat, is 500."""
    guard(lambda event: {**policy(event), **change})
    assert (await parity.refused("guarded")).status == REFUSED
    assert parity.function("connect").count == 0


@pytest.mark.row("C8")
@pytest.mark.parametrize("answer", [None, "Allow", True, [], {}, {"statusCode": 401}], ids=repr)
async def test_wrong_answer_is_500(parity: Any, guard: Any, answer: Any) -> None:
    """What is no authorizer's answer is 500, a status 401 included."""
    guard(lambda event: answer)
    assert (await parity.refused("guarded")).status == REFUSED


@pytest.mark.row("A62", "C13")
async def test_result_has_8_kb_at_most(parity: Any, guard: Any, policy: Any) -> None:
    """A result of 8,192 bytes is taken, one byte more is not."""

    def sized(event: Any, size: int) -> Any:
        empty = policy(event, context={"a": ""})
        return policy(event, context={"a": "x" * (size - len(json.dumps(empty)))})

    guard(lambda event: sized(event, MAX_RESULT_BYTES))
    await parity.connect("guarded")
    guard(lambda event: sized(event, MAX_RESULT_BYTES + 1))
    assert (await parity.refused("guarded")).status == REFUSED


@pytest.mark.row("C14")
async def test_policy_is_not_asked_for_messages(parity: Any, guard: Any, policy: Any) -> None:
    """A statement that denies a route has no effect on the route's messages."""

    def answer(event: Any) -> Any:
        found = policy(event)
        denied = event["methodArn"].replace("$connect", "reply")
        found["policyDocument"]["Statement"] += on(denied, policy, "Deny")["policyDocument"]["Statement"]
        return found

    guard(answer)
    socket = await parity.open("guarded")
    assert await socket.ask({"action": "reply"}) == "reply"
