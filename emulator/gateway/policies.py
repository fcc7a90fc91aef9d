"""What an authorizer's policy document says about one action on one resource."""

from enum import StrEnum
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

Patterns = str | list[str]


class Statement(Struct, frozen=True, rename="pascal"):
    """One statement of a policy; patterns may hold `*` (any text) and `?` (one character)."""

    effect: Literal["Allow", "Deny"]
    action: Patterns | UnsetType = UNSET
    not_action: Patterns | UnsetType = UNSET
    resource: Patterns | UnsetType = UNSET
    not_resource: Patterns | UnsetType = UNSET
    condition: dict[str, Any] | None = None


class Policy(Struct, frozen=True, rename="pascal"):
    """A policy document, as far as an authorizer's is looked at."""

    statement: Statement | list[Statement]
    version: Literal["2012-10-17", "2008-10-17"] = "2008-10-17"


class Verdict(StrEnum):
    """What a policy says."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "no statement allows it"
    DENIED = "a statement denies it"
    INVALID = "a statement lacks its action or its resource, or has both forms of one"
    CONDITIONAL = "a statement has a Condition, which is not emulated"


def evaluate(policy: Policy, *, action: str, resource: str) -> Verdict:
    """Say what `policy` says about `action` on `resource`: a matching Deny wins, then a matching Allow.

    Actions are compared without regard to case, resources to the letter.

    Source:
        IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements".
    """
    statements = policy.statement if isinstance(policy.statement, list) else [policy.statement]
    if any(not _is_complete(statement) for statement in statements):
        return Verdict.INVALID
    if any(statement.condition for statement in statements):
        return Verdict.CONDITIONAL
    effects = {statement.effect for statement in statements if _applies(statement, action, resource)}
    if "Deny" in effects:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in effects else Verdict.NOT_ALLOWED


def matches(pattern: str, text: str) -> bool:
    """Tell whether `pattern`, with `*` and `?`, matches all of `text`.

    Takes at most pattern times text steps, whatever the pattern: it comes from a function.
    """
    place = position = resume = 0
    star = -1
    while position < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, position
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[position]):
            place += 1
            position += 1
        elif star >= 0:  # let the last star take one character more
            resume += 1
            place, position = star + 1, resume
        else:
            return False
    return not pattern[place:].strip("*")


def _is_complete(statement: Statement) -> bool:
    return (statement.action is UNSET) != (statement.not_action is UNSET) and (
        (statement.resource is UNSET) != (statement.not_resource is UNSET)
    )


def _applies(statement: Statement, action: str, resource: str) -> bool:
    return _selects(statement.action, statement.not_action, action, any_case=True) and _selects(
        statement.resource, statement.not_resource, resource, any_case=False
    )


def _selects(
    patterns: Patterns | UnsetType, excepted: Patterns | UnsetType, text: str, *, any_case: bool
) -> bool:
    if not isinstance(patterns, UnsetType):
        return _any_matches(patterns, text, any_case=any_case)
    assert not isinstance(excepted, UnsetType)
    return not _any_matches(excepted, text, any_case=any_case)


def _any_matches(patterns: Patterns, text: str, *, any_case: bool) -> bool:
    several = [patterns] if isinstance(patterns, str) else patterns
    if any_case:
        return any(matches(pattern.lower(), text.lower()) for pattern in several)
    return any(matches(pattern, text) for pattern in several)
