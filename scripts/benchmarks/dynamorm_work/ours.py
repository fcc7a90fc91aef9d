"""DynamORM."""

from collections.abc import Sequence
from typing import Any

from botocore.config import Config

from scripts.benchmarks.dynamorm_work.values import TABLE, values
from streamer.dynamorm import (
    Attribute,
    Database,
    KeyAttribute,
    Model,
    Put,
    Query,
    Table,
    Update,
    key,
)
from streamer.dynamorm.aws import DynamoDB

ITEMS = Table(TABLE, KeyAttribute("pk"), KeyAttribute("sk"))


class Item(Model, table=ITEMS):
    pk: Attribute[str]
    sk: Attribute[str]
    owner: Attribute[str]
    action: Attribute[str]
    status: Attribute[str]
    correlation: Attribute[str]
    digest: Attribute[str]
    message: Attribute[str]
    attempt: Attribute[int]
    sequence: Attribute[int]
    created: Attribute[int]
    expires: Attribute[int]
    open: Attribute[bool]
    tags: Attribute[list[str]]
    permissions: Attribute[frozenset[str]]
    names: Attribute[dict[str, str]]

    @key
    def at(self, pk: str, sk: str) -> None: ...


class DynamORM:
    """See `Contender`."""

    name = "DynamORM"

    def __init__(self, endpoint_url: str) -> None:
        engine = DynamoDB.open(region_name="us-east-1", endpoint_url=endpoint_url, config=Config(proxies={}))
        self._database = Database(engine)

    def _key(self, partition: str, number: int) -> Any:
        return Item.at(pk=partition, sk=f"ITEM#{number:05}")

    def put(self, partition: str, number: int) -> object:
        return self._database.put(self.make(values(partition, number)))

    def get(self, partition: str, number: int) -> Any:
        return self._database.get(self._key(partition, number))

    def query(self, partition: str) -> Sequence[Any]:
        return list(self._database.query(Query(Item, Item.pk == partition)))

    def batch_write(self, partition: str, numbers: Sequence[int]) -> object:
        self._database.batch_write([Put(self.make(values(partition, number))) for number in numbers])
        return None

    def batch_get(self, partition: str, numbers: Sequence[int]) -> Sequence[Any]:
        return self._database.batch_get([self._key(partition, number) for number in numbers])

    def update(self, partition: str, number: int) -> object:
        return self._database.update(
            self._key(partition, number),
            Item.message.set("changed"),
            Item.attempt.increment(1),
            condition=Item.status == "PENDING",
        )

    def transact(self, partition: str, number: int) -> object:
        self._database.transact(
            Put(self.make(values(partition, number))),
            Put(self.make(values(partition, number + 1))),
            Update(
                self._key(partition, number + 2),
                (Item.message.set("changed"), Item.attempt.increment(1)),
                Item.status == "PENDING",
            ),
        )
        return None

    def plain(self, item: Any) -> dict[str, Any]:
        return dict(item.__dict__)

    def encode(self, items: Sequence[Any]) -> list[Any]:
        return [item.to_item() for item in items]

    def decode(self, raw: Sequence[Any]) -> list[Any]:
        return [Item.from_item(each) for each in raw]

    def make(self, values: dict[str, Any]) -> Any:
        return Item(**values)
