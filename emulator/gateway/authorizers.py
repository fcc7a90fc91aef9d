"""What the outcome of an authorizer's function means for the handshake."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from emulator.gateway.policies import Policy, Verdict, evaluate
from emulator.gateway.responses import Refused
from emulator.gateway.routing import CONNECT_ROUTE
from emulator.invocation import InvocationResult

MAX_RESULT_BYTES = 8_192
"""An authorizer's result. API Gateway WebSocket quotas: 8 KB (row C13)."""

ACTION = "execute-api:Invoke"
"""What a policy must allow."""

UNAUTHORIZED = "Unauthorized"
"""The one error message by which an authorizer's function answers 401 (row C7)."""


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    """What an authorizer's function returns. WebSocket APIs have no simple responses."""

    principal_id: str
    policy_document: Policy
    context: dict[str, msgspec.Raw] | None = None
    usage_identifier_key: str | None = None


class _Error(msgspec.Struct, frozen=True, rename="camel"):
    error_message: str | None = None


_decode_result = msgspec.json.Decoder(_Result).decode
_decode_error = msgspec.json.Decoder(_Error).decode


@dataclass(frozen=True, slots=True)
class Allowed:
    """The authorizer lets the client in.

    Attributes:
        context: what joins `requestContext.authorizer` of every event: its own as text, and `principalId`.
        usage_identifier_key: the API key that it names, or None; never logged.
    """

    context: Mapping[str, str]
    usage_identifier_key: str | None = field(default=None, repr=False)


def method_arn(*, region: str, account_id: str, api_id: str, stage: str) -> str:
    """Return the resource that an authorizer's policy must allow, `methodArn` of its event (row C2)."""
    return f"arn:aws:execute-api:{region}:{account_id}:{api_id}/{stage}/{CONNECT_ROUTE}"


def decide_authorization(result: InvocationResult, *, resource: str) -> Allowed | Refused:
    """Say what an authorizer decided.

    401 for the error `Unauthorized`, 403 for a policy that does not allow `resource`, 500 for any other
    error and for what is no authorizer's result; the context's values become text.

    Source:
        API Gateway Developer Guide, "Lambda REQUEST authorizers", and reports from AWS (rows C4 to C8, C12,
        C13). What AWS does with a null in the context is by analogy with lists and objects.
    """
    if result.function_error is not None:
        return _refuse_for_error(result.payload)
    if len(result.payload) > MAX_RESULT_BYTES:
        return misconfigured("authorizer's result over 8 KB")
    try:
        decision = _decode_result(result.payload)
    except (msgspec.MsgspecError, RecursionError):
        return misconfigured("not an authorizer's result")
    context: dict[str, str] = {}
    for name, value in (decision.context or {}).items():
        text = _text(bytes(value))
        if text is None:
            return misconfigured("authorizer's context has a value other than text, number or boolean")
        context[name] = text
    context.pop("principalId", None)
    context["principalId"] = decision.principal_id
    verdict = evaluate(decision.policy_document, action=ACTION, resource=resource)
    match verdict:
        case Verdict.ALLOWED:
            return Allowed(context, decision.usage_identifier_key)
        case Verdict.NOT_ALLOWED | Verdict.DENIED:
            return _access_denied(explicitly=verdict is Verdict.DENIED)
        case Verdict.INVALID | Verdict.CONDITIONAL:
            return misconfigured(f"authorizer's policy: {verdict}")


def unauthorized(cause: str) -> Refused:
    """Return the refusal of a handshake without valid credentials."""
    return Refused(401, cause)


def misconfigured(cause: str) -> Refused:
    """Return the refusal of a handshake whose authorizer did not come to a decision."""
    return Refused(500, cause, error="AuthorizerConfigurationException")


def _access_denied(*, explicitly: bool) -> Refused:
    message = "User is not authorized to access this resource"
    return Refused(
        403,
        "denied by the authorizer's policy" if explicitly else "not allowed by the authorizer's policy",
        error="AccessDeniedException",
        content={"Message": f"{message} with an explicit deny" if explicitly else message},
    )


def _refuse_for_error(payload: bytes) -> Refused:
    try:
        message = _decode_error(payload).error_message
    except (msgspec.MsgspecError, RecursionError):
        message = None
    return (
        unauthorized("authorizer's answer") if message == UNAUTHORIZED else misconfigured("authorizer failed")
    )


def _text(value: bytes) -> str | None:
    """Return a context's value as text, a number or boolean as it was written; None for anything else."""
    if value.startswith(b'"'):
        return msgspec.json.decode(value, type=str)
    return None if value.startswith((b"[", b"{", b"n")) else value.decode()
