"""Every error of the package. `retryable` says whether the very same call can succeed later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from streamer.dynamorm.values import Item


class DynamormError(Exception):
    """The root of the tree; `str()` is one sentence that says what to do next."""

    retryable: ClassVar[bool] = False


class InvalidModel(DynamormError):
    """A model, a table or an expression is declared wrongly. Raised before anything is sent."""


class UnknownAttribute(InvalidModel, AttributeError):
    """A path leads to nothing: the attribute or its part isn't declared."""


class NotLoaded(DynamormError, AttributeError):
    """An item has no value of an attribute: its read did not ask for it, or it was never written."""


class EncodingFailed(DynamormError):
    """A value cannot be stored as its attribute's type."""


class DecodingFailed(DynamormError):
    """An item that was read does not fit its model."""


class ItemNotFound(DynamormError):
    """No item under the key, or an expired one."""


class ConditionFailed(DynamormError):
    """The condition of a write did not hold; nothing was written.

    Attributes:
        item: the item as it was when the condition was evaluated, in DynamoDB's form; None if there was none.
    """

    def __init__(self, message: str, *, item: Item | None = None) -> None:
        super().__init__(message)
        self.item = item


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one action of a transaction was refused.

    Attributes:
        code: DynamoDB's, such as `ConditionalCheckFailed`; `None` (the text) for an action without fault.
        item: the item as it was, where a condition failed and there was one.
    """

    code: str
    item: Item | None = None


class TransactionCancelled(DynamormError):
    """A transaction was refused as a whole; nothing was written.

    Attributes:
        reasons: one for each action, in their order.
    """

    def __init__(self, message: str, *, reasons: Sequence[Reason] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)


class TransactionConflict(DynamormError):
    """Another transaction was writing the same item."""

    retryable = True


class Throttled(DynamormError):
    """DynamoDB asks to slow down."""

    retryable = True


class Unavailable(DynamormError):
    """DynamoDB does not answer for now. A write may or may not have happened."""

    retryable = True


class TableNotFound(DynamormError):
    """The table or the index does not exist."""


class TableBusy(DynamormError):
    """The table is being created, changed or deleted, or too many tables and indexes are."""

    retryable = True


class TableCannotChange(DynamormError):
    """The table differs from its declaration in what DynamoDB never changes: its keys."""


class LossRefused(DynamormError):
    """A plan takes something away and losses were not allowed; nothing was done."""


class InvalidRequest(DynamormError):
    """DynamoDB does not accept the request as it is."""


class OperationUnknown(InvalidRequest):
    """What answers is no whole DynamoDB: it does not know the operation."""


class AccessDenied(DynamormError):
    """The credentials are missing, wrong, or not allowed to do this."""
