"""The seam: what a DynamoDB must be able to do, whoever does it."""

from typing import Any, Protocol, runtime_checkable

from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.requests.batches import BatchAction, BatchGet, BatchGetAnswer, BatchWrite
from streamer.dynamorm.requests.items import Get, Write
from streamer.dynamorm.requests.queries import Query, Scan
from streamer.dynamorm.requests.transactions import Transaction, TransactionGet
from streamer.dynamorm.values.codec import Item


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a query's or a scan's answer.

    Attributes:
        after: the key behind which the next page begins; None: this was the last.
        count: how many items it has, also where only the count was asked for.
    """

    items: list[Item]
    after: Item | None
    count: int = 0


@runtime_checkable
class Engine(Protocol):
    """Carries out requests, each with one call and none again.

    Every method raises the errors of `streamer.dynamorm.errors` and no others. The implementations are
    `aws.DynamoDB`, over the network, and `memory.MemoryDynamoDB`; one suite of contract tests holds
    for both.
    """

    def get(self, request: Get[Any]) -> Item | None:
        """Return the item, or None."""
        ...

    def write(self, request: Write) -> Item | None:
        """Carry out a put, update or delete; return the item before or after it, as the request says.

        Raises:
            ConditionFailed: with the item as it was.
        """
        ...

    def query(self, request: Query[Any]) -> Page:
        """Return one page."""
        ...

    def scan(self, request: Scan[Any]) -> Page:
        """Return one page."""
        ...

    def batch_get(self, request: BatchGet) -> BatchGetAnswer:
        """Read items; some may be left unprocessed."""
        ...

    def batch_write(self, request: BatchWrite) -> tuple[BatchAction, ...]:
        """Write items; return what was left unprocessed."""
        ...

    def transact(self, request: Transaction) -> None:
        """Carry out all actions or none.

        Raises:
            TransactionCancelled: a condition failed; the reasons say which, with the item as it was.
            TransactionConflict: another transaction was at one of the items; try again.
        """
        ...

    def transact_get(self, request: TransactionGet) -> list[Item | None]:
        """Return the items as they are at one moment, in the order of the keys.

        Raises:
            TransactionConflict: a transaction was at one of the items; try again.
        """
        ...
