"""PynamoDB."""

from collections.abc import Sequence
from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.connection import Connection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from scripts.benchmarks.dynamorm_work.values import TABLE, values


class Item(Model):  # type: ignore[misc]  # the library has an environment of its own
    class Meta:
        table_name = TABLE
        host = ""
        region = "us-east-1"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    owner = UnicodeAttribute()
    action = UnicodeAttribute()
    status = UnicodeAttribute()
    correlation = UnicodeAttribute()
    digest = UnicodeAttribute()
    message = UnicodeAttribute()
    attempt = NumberAttribute()
    sequence = NumberAttribute()
    created = NumberAttribute()
    expires = NumberAttribute()
    open = BooleanAttribute()
    tags = ListAttribute(of=UnicodeAttribute)
    permissions = UnicodeSetAttribute()
    names = MapAttribute()


class PynamoDB:
    """See `Contender`."""

    name = "PynamoDB"

    def __init__(self, endpoint_url: str) -> None:
        Item.Meta.host = endpoint_url
        self._connection = Connection(region="us-east-1", host=endpoint_url)

    def put(self, partition: str, number: int) -> object:
        return self.make(values(partition, number)).save()

    def get(self, partition: str, number: int) -> Any:
        return Item.get(partition, f"ITEM#{number:05}")

    def query(self, partition: str) -> Sequence[Any]:
        return list(Item.query(partition))

    def batch_write(self, partition: str, numbers: Sequence[int]) -> object:
        with Item.batch_write() as batch:
            for number in numbers:
                batch.save(self.make(values(partition, number)))
        return None

    def batch_get(self, partition: str, numbers: Sequence[int]) -> Sequence[Any]:
        return list(Item.batch_get([(partition, f"ITEM#{number:05}") for number in numbers]))

    def update(self, partition: str, number: int) -> object:
        item = Item(partition, f"ITEM#{number:05}")
        item.update(
            actions=[Item.message.set("changed"), Item.attempt.add(1)], condition=Item.status == "PENDING"
        )
        return item

    def transact(self, partition: str, number: int) -> object:
        with TransactWrite(connection=self._connection) as transaction:
            for each in (number, number + 1):
                transaction.save(self.make(values(partition, each)))
            transaction.update(
                Item(partition, f"ITEM#{number + 2:05}"),
                actions=[Item.message.set("changed"), Item.attempt.add(1)],
                condition=Item.status == "PENDING",
            )
        return None

    def plain(self, item: Any) -> dict[str, Any]:
        names = item.names.attribute_values
        return {**item.attribute_values, "tags": list(item.tags), "names": dict(names)}

    def encode(self, items: Sequence[Any]) -> list[Any]:
        return [item.serialize() for item in items]

    def decode(self, raw: Sequence[Any]) -> list[Any]:
        return [Item.from_raw_data(each) for each in raw]

    def make(self, values: dict[str, Any]) -> Any:
        return Item(**values)
