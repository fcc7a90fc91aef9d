"""DynamoDB in LocalStack: a claim, an index query, a key query and a read in a table of 4,000 items.

.venv/bin/python -m scripts.benchmarks.engine [--json FILE]

The reference is the same request in a table of ten items: what the size of the table costs.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.aws import Clients
from emulator.localstack.process import LocalStack
from scripts.benchmarks.rows import Row, parser, percentile, show

ITEMS = 4_000
FEW = 10
DUE = 5
CALLS = 300
WARM_UP = 50

INDEX = {
    "IndexName": "by-due",
    "KeySchema": [
        {"AttributeName": "due_shard", "KeyType": "HASH"},
        {"AttributeName": "due_at", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "ALL"},
}

CLAIMED = (
    *("state", "owner", "lease_until", "attempt", "updated_at", "next_sequence"),
    *("first_sequence", "trace_id", "region_name", "worker", "error_code", "due_note"),
)

CLAIM = {
    "UpdateExpression": (
        "SET #0 = :0, #1 = :1, #2 = :2, #3 = if_not_exists(#3, :3) + :4, #4 = :5, #5 = #5 + :6, #6 = :7, "
        "#7 = :8, #8 = :9, #9 = :10 REMOVE #10, #11"
    ),
    "ConditionExpression": "(#0 = :11 OR #0 = :0 AND #2 < :12) AND attribute_exists(pk)",
    "ExpressionAttributeNames": {f"#{number}": name for number, name in enumerate(CLAIMED)},
    "ExpressionAttributeValues": {
        ":0": {"S": "PROCESSING"},
        ":1": {"S": "owner-1"},
        ":2": {"N": "1700000900"},
        ":3": {"N": "0"},
        ":4": {"N": "1"},
        ":5": {"N": "1700000000.123"},
        ":6": {"N": "1000"},
        ":7": {"N": "1"},
        ":8": {"S": "trace"},
        ":9": {"S": "us-east-1"},
        ":10": {"S": "worker"},
        ":11": {"S": "PENDING"},
        ":12": {"N": "1900000000"},
    },
    "ReturnValues": "ALL_NEW",
}
"""Twelve actions and a condition, as an executor claims a request."""


def fill(dynamodb: Any, table: str, items: int) -> None:
    """Make a table of requests, a few of which are due."""
    attributes = [("pk", "S"), ("sk", "S"), ("due_shard", "S"), ("due_at", "N")]
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in attributes],
        GlobalSecondaryIndexes=[INDEX],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    made = [request(number) for number in range(items)]
    for first in range(0, items, 25):
        puts = [{"PutRequest": {"Item": item}} for item in made[first : first + 25]]
        dynamodb.batch_write_item(RequestItems={table: puts})


def request(number: int) -> dict[str, Any]:
    """Return an item of some twenty attributes."""
    item: dict[str, Any] = {
        "pk": {"S": f"REQUEST#tenant#user#{number}"},
        "sk": {"S": "STATE"},
        "state": {"S": "PENDING"},
        "next_sequence": {"N": "1"},
        **{f"attribute_{each}": {"S": f"value {each} of {number}"} for each in range(15)},
    }
    if number < DUE:
        item |= {"due_shard": {"S": "due"}, "due_at": {"N": str(1_700_000_000 + number)}}
    return item


def timed(once: Callable[[], object]) -> float:
    """Return the median milliseconds of a call."""
    for _ in range(WARM_UP):
        once()
    milliseconds = []
    for _ in range(CALLS):
        began = time.perf_counter()
        once()
        milliseconds.append((time.perf_counter() - began) * 1000)
    return percentile(milliseconds, 0.5)


def measure(dynamodb: Any, table: str) -> dict[str, float]:
    """Return the median of each kind of call in a table."""
    key = {name: request(1)[name] for name in ("pk", "sk")}
    due = {
        "TableName": table,
        "IndexName": "by-due",
        "KeyConditionExpression": "due_shard = :s AND due_at <= :now",
        "ExpressionAttributeValues": {":s": {"S": "due"}, ":now": {"N": "1800000000"}},
    }
    group = {
        "TableName": table,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": key["pk"]},
    }
    transaction = [
        {"Update": {name: value for name, value in action.items() if name != "ReturnValues"}}
        for action in (
            {"TableName": table, "Key": {name: request(number)[name] for name in ("pk", "sk")}, **CLAIM}
            for number in (2, 3)
        )
    ]
    return {
        "read": timed(lambda: dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)),
        "put": timed(lambda: dynamodb.put_item(TableName=table, Item=request(7))),
        "claim of 12 actions": timed(lambda: dynamodb.update_item(TableName=table, Key=key, **CLAIM)),
        "query of a key": timed(lambda: dynamodb.query(**group)),
        "query of an index": timed(lambda: dynamodb.query(**due)),
        "scan of ten items": timed(lambda: dynamodb.scan(TableName=table, Limit=10)),
        "transaction of two claims": timed(lambda: dynamodb.transact_write_items(TransactItems=transaction)),
    }


async def main() -> None:
    """Measure and show."""
    arguments = parser("DynamoDB in LocalStack.").parse_args()
    with tempfile.TemporaryDirectory() as folder:
        localstack = LocalStack(Path(folder), print)
        await localstack.start()
        try:
            rows = await asyncio.to_thread(run, localstack.endpoint_url)
        finally:
            await localstack.stop()
    show(f"DynamoDB, median of {CALLS} calls through boto3, {ITEMS:,} items", rows, arguments.json)


def run(endpoint_url: str) -> list[Row]:
    """Fill both tables and measure in each."""
    dynamodb = Clients(endpoint_url)("dynamodb")
    fill(dynamodb, "few", FEW)
    fill(dynamodb, "many", ITEMS)
    few, many = measure(dynamodb, "few"), measure(dynamodb, "many")
    return [Row(name, value, "ms", reference=few[name]) for name, value in many.items()]


if __name__ == "__main__":
    asyncio.run(main())
