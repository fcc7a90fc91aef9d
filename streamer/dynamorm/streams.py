"""Stream records become typed changes of models. Pure: no I/O.

```python
CHANGES = StreamReader(Order, Customer)


def handler(event, context):
    for record in event["Records"]:
        match CHANGES.read(record):
            case Change(new=Order() as order, old=None):
                welcome(order)
            case Change(old=Customer() as customer, expired=True):
                say_goodbye(customer)
```
"""

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic

from streamer.dynamorm.errors import DecodingFailed
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.models.kinds import Kinds
from streamer.dynamorm.models.model import Key, M
from streamer.dynamorm.values.codec import AttributeValue, Item

TTL_PRINCIPAL = "dynamodb.amazonaws.com"
"""Who deletes expired items. DynamoDB Developer Guide, "DynamoDB Streams and Time to Live"."""


class EventName(StrEnum):
    """What happened to an item. DynamoDB Streams API reference, `Record`."""

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"


@dataclass(frozen=True, slots=True)
class Change(Generic[M]):
    """One change of one item, as its table's stream tells it.

    Attributes:
        key: of the item; `key.model` says of which kind it is.
        old, new: the item before and after; None where there was none or the stream's view leaves it out.
        sequence_number: rises within a shard; Lambda takes it as `itemIdentifier` of a failed record.
        created_at: about when, to the second.
        expired: whether DynamoDB deleted the item because its TTL was over.
    """

    event: EventName
    key: Key[M]
    old: M | None
    new: M | None
    sequence_number: str
    created_at: datetime
    expired: bool


class StreamReader(Generic[M]):
    """Reads the records of a table's stream, as Lambda delivers them or as boto3's client returns them."""

    def __init__(self, *models: type[M]) -> None:
        """Take the kinds of item that are of interest, all of one table.

        Raises:
            InvalidModel: none is given, they are of several tables, or nothing tells two of them apart.
        """
        self._kinds = Kinds(*models)

    def read(self, record: Mapping[str, Any]) -> Change[M]:
        """Read a record.

        Raises:
            DecodingFailed: the item is of none of the models, or an image does not fit its model.
        """
        change = self.find(record)
        if change is None:
            raise DecodingFailed("A stream record is of none of the models; read it with the one it is of.")
        return change

    def find(self, record: Mapping[str, Any]) -> Change[M] | None:
        """Read a record; None: its item is of none of the models.

        Raises:
            DecodingFailed: an image does not fit its model.
        """
        told = record["dynamodb"]
        keys, old, new = (_item(told.get(name)) for name in ("Keys", "OldImage", "NewImage"))
        assert keys is not None
        model = self._kinds.find_model(new or old or keys)
        if model is None:
            return None
        return Change(
            event=EventName(record["eventName"]),
            key=Key(model, keys),
            old=None if old is None else model.from_item(old),
            new=None if new is None else model.from_item(new),
            sequence_number=told["SequenceNumber"],
            created_at=_time(told.get("ApproximateCreationDateTime", 0)),
            expired=_is_by_ttl(record.get("userIdentity")),
        )


def _item(told: Mapping[str, Any] | None) -> Item | None:
    return None if told is None else {name: _value(value) for name, value in told.items()}


def _value(value: Mapping[str, Any]) -> AttributeValue:
    """Return a value in the form of boto3's client: Lambda's JSON has bytes as base64 text."""
    ((kind, held),) = value.items()
    match kind:
        case "B":
            return {kind: _bytes(held)}
        case "BS":
            return {kind: [_bytes(member) for member in held]}
        case "L":
            return {kind: [_value(inner) for inner in held]}
        case "M":
            return {kind: {name: _value(inner) for name, inner in held.items()}}
    return {kind: held}


def _bytes(held: str | bytes) -> bytes:
    return b64decode(held) if isinstance(held, str) else bytes(held)


def _time(told: float | datetime) -> datetime:
    return told.astimezone(UTC) if isinstance(told, datetime) else datetime.fromtimestamp(told, UTC)


def _is_by_ttl(identity: Mapping[str, str] | None) -> bool:
    """Lambda writes the members in lower case, boto3's client does not."""
    return identity is not None and TTL_PRINCIPAL in (
        identity.get("principalId"),
        identity.get("PrincipalId"),
    )
