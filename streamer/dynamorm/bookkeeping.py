"""What the ORM adds to a write by itself, and what its refusal means. Pure: no I/O."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from streamer.dynamorm.codec import Item
from streamer.dynamorm.errors import (
    AlreadyExists,
    ConditionFailed,
    DynamormError,
    InvalidRequest,
    Reason,
    TransactionCancelled,
)
from streamer.dynamorm.expressions import Comparison, Condition, DoesNotExist
from streamer.dynamorm.requests import Create, Put
from streamer.dynamorm.transactions import ACTION_NAMES, TransactionAction, TransactionRequest

A = TypeVar("A", bound=TransactionAction)


def settled(action: A | Create, now: float) -> A | Put:
    """Return the write as it is sent.

    Args:
        now: epoch seconds.
    """
    if isinstance(action, Create):
        return Put(action.item, _both(_absent(action, now), action.condition))
    return action


def _absent(action: Create, now: float) -> Condition:
    table = action.table
    absent: Condition = DoesNotExist((table.partition_key.name,))
    if table.ttl_attribute is None:
        return absent
    return absent | Comparison((table.ttl_attribute,), "<=", {"N": f"{now:.6f}"})


def _both(first: Condition, second: Condition | None) -> Condition:
    return first if second is None else first & second


def explained(
    action: TransactionRequest, item: Item | None, error: ConditionFailed | None = None
) -> ConditionFailed:
    """Return what it means that the condition of a write did not hold.

    Args:
        item: as it was.
        error: as the engine raised it.
    """
    name = action.model.__name__
    if isinstance(action, Create) and (item is not None or action.condition is None):
        return AlreadyExists(f"There is such {name} already; read it, or put it to replace it.", item=item)
    return error or ConditionFailed(f"A condition on a {name} did not hold.", item=item)


_REASONS: dict[str, str] = {
    "ConditionalCheckFailed": "its condition did not hold",
    "TransactionConflict": "another transaction was at its item",
    "ProvisionedThroughputExceeded": "its table is throttled",
    "ThrottlingError": "its table is throttled",
    "ItemCollectionSizeLimitExceeded": "its item collection is over 10 GB",
    "ValidationError": "DynamoDB does not accept it as it is",
}
"""Codes of cancellation reasons. API reference, `TransactWriteItems`."""


def cancelled(actions: Sequence[TransactionRequest], error: TransactionCancelled) -> TransactionCancelled:
    """Return a transaction's failure with the name of each action and what its reason means."""
    if len(error.reasons) != len(actions):
        return error
    reasons = [_reason(action, reason) for action, reason in zip(actions, error.reasons, strict=True)]
    described = "; ".join(
        f"action {position}, {reason.action} of {reason.model}: {_REASONS.get(reason.code, reason.code)}"
        for position, reason in enumerate(reasons)
        if reason.failed
    )
    return TransactionCancelled(
        f"The transaction was cancelled and nothing written: {described}.", reasons=reasons
    )


def _reason(action: TransactionRequest, reason: Reason) -> Reason:
    name = "Create" if isinstance(action, Create) else ACTION_NAMES[type(action)]
    error: DynamormError | None = None
    if reason.code == "ConditionalCheckFailed":
        error = explained(action, reason.item)
    elif reason.failed:
        error = InvalidRequest(
            f"{name} of {action.model.__name__}: {_REASONS.get(reason.code, reason.code)}."
        )
    return replace(reason, action=name, model=action.model.__name__, error=error)
