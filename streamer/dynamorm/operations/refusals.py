"""What it means that a write was refused. Pure: no I/O."""

from collections.abc import Sequence
from dataclasses import replace

from streamer.dynamorm.errors import (
    AlreadyExists,
    ConditionFailed,
    DynamormError,
    InvalidRequest,
    Reason,
    StaleVersion,
    TransactionCancelled,
)
from streamer.dynamorm.operations.bookkeeping import expected_version
from streamer.dynamorm.requests.items import Create
from streamer.dynamorm.requests.transactions import ACTION_NAMES, TransactionRequest
from streamer.dynamorm.values.codec import Item

REASONS: dict[str, str] = {
    "ConditionalCheckFailed": "its condition did not hold",
    "TransactionConflict": "another transaction was at its item",
    "ProvisionedThroughputExceeded": "its table is throttled",
    "ThrottlingError": "its table is throttled",
    "ItemCollectionSizeLimitExceeded": "its item collection is over 10 GB",
    "ValidationError": "DynamoDB does not accept it as it is",
}
"""Codes of cancellation reasons. API reference, `TransactWriteItems`."""


def refused(action: TransactionRequest, item: Item | None) -> ConditionFailed:
    """Return the error of a write whose condition did not hold.

    Args:
        item: as it was.
    """
    name = action.model.__name__
    if isinstance(action, Create):
        if item is not None or action.condition is None:
            return AlreadyExists(
                f"There is such {_article(name)} already; read it, or put it to replace it.", item=item
            )
    elif (expected := expected_version(action)) is not None:
        found = _stored_version(action, item)
        if found != (expected or None):
            return StaleVersion(
                f"The {name} was written by somebody else since it was read; read it again and decide anew.",
                expected=expected,
                found=found,
                item=item,
            )
    return ConditionFailed(f"A condition on {_article(name)} did not hold.", item=item)


def cancelled(actions: Sequence[TransactionRequest], error: TransactionCancelled) -> TransactionCancelled:
    """Return a transaction's failure with the name of each action and what its reason means."""
    if len(error.reasons) != len(actions):
        return error
    reasons = [_reason(action, reason) for action, reason in zip(actions, error.reasons, strict=True)]
    described = "; ".join(
        f"action {position}, {reason.action} of {reason.model}: {REASONS.get(reason.code, reason.code)}"
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
        error = refused(action, reason.item)
    elif reason.failed:
        meaning = REASONS.get(reason.code, reason.code)
        error = InvalidRequest(f"{name} of {action.model.__name__}: {meaning}.")
    return replace(reason, action=name, model=action.model.__name__, error=error)


def _stored_version(action: TransactionRequest, item: Item | None) -> int | None:
    name = action.model.__schema__.version
    if item is None or name is None:
        return None
    stored = item.get(action.model.__schema__.attributes[name].stored_name)
    return None if stored is None or "N" not in stored else int(stored["N"])


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
