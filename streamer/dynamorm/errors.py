"""Every error of the package. `retryable` says whether the very same call can succeed later."""

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.values.low_level import Item

if TYPE_CHECKING:
    from streamer.dynamorm.models.model import Key
    from streamer.dynamorm.requests.items import Delete, Put

T = TypeVar("T", bound="Readable")


class Readable(Protocol):
    """What an item can be read as: a model."""

    @classmethod
    def from_item(cls, item: Item) -> Self: ...


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

    def item_as(self, model: type[T]) -> T | None:
        """Return the item as it was, typed; None if there was none.

        Raises:
            DecodingFailed: it does not fit the model.
        """
        return None if self.item is None else model.from_item(self.item)


class AlreadyExists(ConditionFailed):
    """An item to be created is there already; `.item` is it."""


class StaleVersion(ConditionFailed):
    """Somebody else has written the item since it was read; read it again and decide anew.

    Attributes:
        expected: the version that was read; 0: none was stored.
        found: the version that is stored; None: there is no item, or it has no version.
    """

    def __init__(
        self, message: str, *, expected: int, found: int | None = None, item: Item | None = None
    ) -> None:
        super().__init__(message, item=item)
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one action of a transaction was refused.

    Attributes:
        code: DynamoDB's, such as `ConditionalCheckFailed`; `None` (the text) for an action without fault.
        item: the item as it was, where a condition failed and there was one.
        action: what was asked for, such as `Update`.
        model: the name of the model.
        error: the failure as the action alone would have raised it; None for an action without fault.
    """

    code: str
    item: Item | None = None
    action: str = ""
    model: str = ""
    error: DynamormError | None = field(default=None, compare=False)

    @property
    def failed(self) -> bool:
        """Whether this action is at fault."""
        return self.code != "None"


class TransactionCancelled(DynamormError):
    """A transaction was refused as a whole; nothing was written.

    Attributes:
        reasons: one for each action, in their order.
    """

    def __init__(self, message: str, *, reasons: Sequence[Reason] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)

    @property
    def failures(self) -> tuple[Reason, ...]:
        """The reasons of the actions that are at fault."""
        return tuple(reason for reason in self.reasons if reason.failed)


class TemporaryFailure(DynamormError):
    """The same call can succeed later; it was tried again as often as allowed.

    Attributes:
        attempts: requests that were sent for the call, botocore's own retries included.
        waited_s: seconds waited between them, botocore's own waits not included.
    """

    retryable = True

    def __init__(self, message: str, *, attempts: int = 1, waited_s: float = 0.0) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.waited_s = waited_s


class TransactionConflict(TemporaryFailure):
    """Another transaction was writing the same item."""


class Throttled(TemporaryFailure):
    """DynamoDB asks to slow down. Nothing was written."""


class Unavailable(TemporaryFailure):
    """DynamoDB does not answer for now. A write may or may not have happened."""


class BatchReadUnfinished(TemporaryFailure):
    """Some items of a batch could not be read.

    Attributes:
        keys: of the items that were not read.
    """

    def __init__(
        self, message: str, *, keys: "Sequence[Key[Any]]", attempts: int = 1, waited_s: float = 0.0
    ) -> None:
        super().__init__(message, attempts=attempts, waited_s=waited_s)
        self.keys = tuple(keys)


class BatchWriteUnfinished(TemporaryFailure):
    """Some writes of a batch are not known to have happened; all others have.

    Attributes:
        requests: the writes that are left. To write them again is safe: they have no conditions.
    """

    def __init__(
        self,
        message: str,
        *,
        requests: "Sequence[Put | Delete[Any]]",
        attempts: int = 1,
        waited_s: float = 0.0,
    ) -> None:
        super().__init__(message, attempts=attempts, waited_s=waited_s)
        self.requests = tuple(requests)


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


class TooLarge(InvalidRequest):
    """An item, a key or a transaction is over DynamoDB's limit; nothing was sent.

    Attributes:
        size_bytes: as DynamoDB counts.
        limit_bytes: what is allowed.
    """

    def __init__(self, message: str, *, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class InvalidCursor(InvalidRequest):
    """A cursor is damaged, of another version, or belongs to another query; begin at the first page."""


class AccessDenied(DynamormError):
    """The credentials are missing, wrong, or not allowed to do this."""
