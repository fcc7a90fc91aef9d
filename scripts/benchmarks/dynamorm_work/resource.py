"""boto3's resource layer: plain values in, plain values out."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import Attr, Key

from scripts.benchmarks.dynamorm_work.values import TABLE, values


class Resource:
    """See `Contender`."""

    name = "boto3's resource"

    def __init__(self, resource: Any) -> None:
        self._resource = resource
        self._table = resource.Table(TABLE)

    def _key(self, partition: str, number: int) -> dict[str, Any]:
        return {"pk": partition, "sk": f"ITEM#{number:05}"}

    def put(self, partition: str, number: int) -> object:
        return self._table.put_item(Item=values(partition, number))

    def get(self, partition: str, number: int) -> Any:
        return self._table.get_item(Key=self._key(partition, number))["Item"]

    def query(self, partition: str) -> Sequence[Any]:
        items: Sequence[Any] = self._table.query(KeyConditionExpression=Key("pk").eq(partition))["Items"]
        return items

    def batch_write(self, partition: str, numbers: Sequence[int]) -> object:
        with self._table.batch_writer() as batch:
            for number in numbers:
                batch.put_item(Item=values(partition, number))
        return None

    def batch_get(self, partition: str, numbers: Sequence[int]) -> Sequence[Any]:
        keys = [self._key(partition, number) for number in numbers]
        answer = self._resource.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
        items: Sequence[Any] = answer["Responses"][TABLE]
        return items

    def update(self, partition: str, number: int) -> object:
        return self._table.update_item(
            Key=self._key(partition, number),
            UpdateExpression="SET #m = :m ADD #a :one",
            ConditionExpression=Attr("status").eq("PENDING"),
            ExpressionAttributeNames={"#m": "message", "#a": "attempt"},
            ExpressionAttributeValues={":m": "changed", ":one": 1},
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )["Attributes"]

    def transact(self, partition: str, number: int) -> object:
        puts = [
            {"Put": {"TableName": TABLE, "Item": values(partition, each)}} for each in (number, number + 1)
        ]
        update = {
            "TableName": TABLE,
            "Key": self._key(partition, number + 2),
            "UpdateExpression": "SET #m = :m ADD #a :one",
            "ConditionExpression": "#s = :s",
            "ExpressionAttributeNames": {"#m": "message", "#a": "attempt", "#s": "status"},
            "ExpressionAttributeValues": {":m": "changed", ":one": 1, ":s": "PENDING"},
        }
        client = self._resource.meta.client
        return client.transact_write_items(TransactItems=[*puts, {"Update": update}])

    def plain(self, item: Any) -> dict[str, Any]:
        return {name: int(value) if isinstance(value, Decimal) else value for name, value in item.items()}
