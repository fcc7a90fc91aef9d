"""boto3's client with items in DynamoDB's own form, made and read by nobody: the least that I/O costs.

Without I/O, its users' `TypeSerializer` and `TypeDeserializer`.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from scripts.benchmarks.dynamorm_work.values import TABLE, values

UPDATE = {
    "UpdateExpression": "SET #m = :m ADD #a :one",
    "ConditionExpression": "#s = :s",
    "ExpressionAttributeNames": {"#m": "message", "#a": "attempt", "#s": "status"},
    "ExpressionAttributeValues": {":m": {"S": "changed"}, ":one": {"N": "1"}, ":s": {"S": "PENDING"}},
}


class Client:
    """See `Contender`."""

    name = "boto3's client"

    def __init__(self, client: Any) -> None:
        self._client = client
        self._serializer = TypeSerializer()
        self._deserializer = TypeDeserializer()
        self._raw: dict[tuple[str, int], dict[str, Any]] = {}

    def _item(self, partition: str, number: int) -> dict[str, Any]:
        """Return the item in DynamoDB's form; it is made once."""
        if (partition, number) not in self._raw:
            (self._raw[partition, number],) = self.encode([self.make(values(partition, number))])
        return self._raw[partition, number]

    def _key(self, partition: str, number: int) -> dict[str, Any]:
        return {"pk": {"S": partition}, "sk": {"S": f"ITEM#{number:05}"}}

    def put(self, partition: str, number: int) -> object:
        return self._client.put_item(TableName=TABLE, Item=self._item(partition, number))

    def get(self, partition: str, number: int) -> Any:
        return self._client.get_item(TableName=TABLE, Key=self._key(partition, number))["Item"]

    def query(self, partition: str) -> Sequence[Any]:
        answer = self._client.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :p",
            ExpressionAttributeValues={":p": {"S": partition}},
        )
        items: Sequence[Any] = answer["Items"]
        return items

    def batch_write(self, partition: str, numbers: Sequence[int]) -> object:
        puts = [{"PutRequest": {"Item": self._item(partition, number)}} for number in numbers]
        return self._client.batch_write_item(RequestItems={TABLE: puts})

    def batch_get(self, partition: str, numbers: Sequence[int]) -> Sequence[Any]:
        keys = [self._key(partition, number) for number in numbers]
        answer = self._client.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
        items: Sequence[Any] = answer["Responses"][TABLE]
        return items

    def update(self, partition: str, number: int) -> object:
        return self._client.update_item(
            TableName=TABLE,
            Key=self._key(partition, number),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **UPDATE,
        )["Attributes"]

    def transact(self, partition: str, number: int) -> object:
        puts = [
            {"Put": {"TableName": TABLE, "Item": self._item(partition, each)}}
            for each in (number, number + 1)
        ]
        update = {"TableName": TABLE, "Key": self._key(partition, number + 2), **UPDATE}
        return self._client.transact_write_items(TransactItems=[*puts, {"Update": update}])

    def plain(self, item: Any) -> dict[str, Any]:
        (read,) = self.decode([item])
        return {
            name: int(value) if isinstance(value, Decimal) else set(value) if name == "permissions" else value
            for name, value in read.items()
        }

    def encode(self, items: Sequence[Any]) -> list[Any]:
        serialize = self._serializer.serialize
        return [{name: serialize(value) for name, value in item.items()} for item in items]

    def decode(self, raw: Sequence[Any]) -> list[Any]:
        deserialize = self._deserializer.deserialize
        return [{name: deserialize(value) for name, value in item.items()} for item in raw]

    def make(self, values: dict[str, Any]) -> Any:
        return values
