"""What a real stream tells of an item becomes the models that were written."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from streamer.dynamorm import Attribute, Database, Delete, KeyAttribute, Model, Put, StreamView, Table
from streamer.dynamorm.aws import DynamoDB
from streamer.dynamorm.streams import Change, EventName, StreamReader
from streamer.dynamorm.tables import Tables
from streamer.dynamorm.tables.aws import DynamoDBTables

LETTERS = Table("letters", KeyAttribute("pk"), KeyAttribute("sk"), stream=StreamView.NEW_AND_OLD_IMAGES)
DEADLINE_S = 20.0


class Letter(Model, table=LETTERS, partition="TO#{to}", sort="LETTER#{number}"):
    to: Attribute[str]
    number: Attribute[int]
    text: Attribute[str]
    seal: Attribute[bytes]


class Reader(Model, table=LETTERS, partition="TO#{to}", sort="READER"):
    to: Attribute[str]


LETTER = Letter(to="ann", number=1, text="a", seal=b"\x00\xff")


@pytest.fixture
def table(dynamodb_client: Any) -> Iterator[Table]:
    """The table under a name that no other test has."""
    made = replace(LETTERS, name=f"test-{uuid.uuid4().hex[:12]}")
    tables = Tables(DynamoDBTables(dynamodb_client))
    tables.create(made)
    yield made
    tables.delete(made)


@pytest.fixture
def records(
    connect: Callable[..., Any], dynamodb_client: Any, dynamodb_endpoint: str, table: Table
) -> Callable[[int], list[Any]]:
    """Reads so many records of the table's stream, in their order."""
    client = connect(dynamodb_endpoint, "dynamodbstreams")
    arn = Tables(DynamoDBTables(dynamodb_client)).get(table).stream_arn

    def read(count: int) -> list[Any]:
        (shard,) = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = client.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found: list[Any] = []
        end = time.monotonic() + DEADLINE_S
        while len(found) < count and time.monotonic() < end:
            page = client.get_records(ShardIterator=iterator)
            found += page["Records"]
            iterator = page["NextShardIterator"]
        return found

    return read


def test_a_letter_from_its_writing_to_its_end(
    dynamodb_client: Any, table: Table, records: Callable[[int], list[Any]]
) -> None:
    """Put, update and delete are told with old and new item; another kind in the table is told apart."""
    database = Database(DynamoDB(dynamodb_client, {"letters": table.name}))
    key = Letter.at(to="ann", number=1)
    database.write(Put(LETTER))
    database.update(key, Letter.text.set("b"))
    database.write(Put(Reader(to="ann")))
    database.write(Delete(key))
    reader = StreamReader[Letter | Reader](Letter, Reader)
    changes: list[Change[Letter | Reader]] = [reader.read(record) for record in records(4)]
    changed = LETTER.replace(text="b")
    assert [(change.event, change.old, change.new) for change in changes] == [
        (EventName.INSERT, None, LETTER),
        (EventName.MODIFY, LETTER, changed),
        (EventName.INSERT, None, Reader(to="ann")),
        (EventName.REMOVE, changed, None),
    ]
    assert [change.key for change in changes[::3]] == [key, key]
    assert not any(change.expired for change in changes)
    assert len({change.sequence_number for change in changes}) == 4
