"""Batches, as frozen values that encode themselves. Pure: no I/O."""

from collections.abc import Callable
from typing import Any

from streamer.dynamorm.errors import InvalidRequest
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.models.model import Key
from streamer.dynamorm.requests.items import Delete, Put, Returns
from streamer.dynamorm.requests.sizes import check_key
from streamer.dynamorm.schema import Table
from streamer.dynamorm.values.codec import Item

MAX_BATCH_KEYS = 100
"""DynamoDB API reference, `BatchGetItem`."""

MAX_BATCH_WRITES = 25
"""DynamoDB API reference, `BatchWriteItem`."""

BatchAction = Put | Delete[Any]


@dataclass(frozen=True, slots=True)
class BatchGet:
    """Read up to 100 different items, of any tables."""

    keys: tuple[Key[Any], ...]
    consistent: bool = False

    def encode(self, table_name: Callable[[Table], str]) -> dict[str, Any]:
        """Return the arguments of the call."""
        tables: dict[str, dict[str, Any]] = {}
        for key in self.keys:
            table = key.model.__schema__.table
            tables.setdefault(table_name(table), {"Keys": []})["Keys"].append(check_key(table, key.values))
        if self.consistent:
            for asked in tables.values():
                asked["ConsistentRead"] = True
        return {"RequestItems": tables}


@dataclass(frozen=True, slots=True)
class BatchGetAnswer:
    """What came of a batch of reads.

    Attributes:
        items: for each key its item, or None.
        unprocessed: keys that DynamoDB did not look at; their items are None too.
    """

    items: list[Item | None]
    unprocessed: tuple[Key[Any], ...] = ()


@dataclass(frozen=True, slots=True)
class BatchWrite:
    """Put or delete up to 25 different items, of any tables, each by itself and without condition."""

    requests: tuple[BatchAction, ...]

    def __post_init__(self) -> None:
        for request in self.requests:
            check_batch_action(request)

    def encode(self, table_name: Callable[[Table], str]) -> dict[str, Any]:
        """Return the arguments of the call."""
        tables: dict[str, list[dict[str, Any]]] = {}
        for request in self.requests:
            tables.setdefault(table_name(request.table), []).append(
                {"PutRequest": {"Item": request.values()}}
                if isinstance(request, Put)
                else {"DeleteRequest": {"Key": check_key(request.table, request.key.values)}}
            )
        return {"RequestItems": tables}


def check_batch_action(request: BatchAction) -> None:
    """Refuse what a batch cannot do.

    Raises:
        InvalidRequest: it has a condition or a version, or asks for an answer.
    """
    is_versioned = isinstance(request, Put) and request.model.__schema__.version is not None
    if request.condition is not None or is_versioned or request.key.version is not None:
        raise InvalidRequest(
            "A batch writes without conditions and heeds no versions; use a transaction, or write one by one."
        )
    if request.returns is not Returns.NONE:
        raise InvalidRequest("A batch returns no items; write one by one.")
