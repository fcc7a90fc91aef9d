"""Reading streams: waiting, iterators, pages, closing."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def _arn(dynamodb: Any, table: str) -> str:
    return str(dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"])


def _set_stream(dynamodb: Any, table: str, view: str | None) -> None:
    specification = {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}
    dynamodb.update_table(TableName=table, StreamSpecification=specification)


def test_get_records_waits_where_the_header_asks_for_it(
    dynamodb: Any, client: Callable[..., Any], table: str, iterator: Callable[..., str]
) -> None:
    """A read that is under way when an item is put returns its record."""
    waiting = client("dynamodbstreams", headers={"x-emulator-wait-ms": "15000"})
    under_way = threading.Event()
    waiting.meta.events.register("before-send", lambda **_: under_way.set())
    latest = iterator(table, "LATEST")
    with ThreadPoolExecutor(1) as pool:
        under_way.clear()
        read = pool.submit(waiting.get_records, ShardIterator=latest)
        assert under_way.wait(10)
        dynamodb.put_item(TableName=table, Item=KEY)
        answer = read.result(20)
    assert [record["eventName"] for record in answer["Records"]] == ["INSERT"]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-emulator-wait-ms"] == "15000"


def test_many_waiting_reads_all_get_the_record(
    dynamodb: Any, client: Callable[..., Any], table: str, iterator: Callable[..., str]
) -> None:
    """A record wakes every reader, and readers that wait hold no writer back."""
    waiting = client("dynamodbstreams", headers={"x-emulator-wait-ms": "15000"})
    latest = iterator(table, "LATEST")
    with ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(waiting.get_records, ShardIterator=latest) for _ in range(8)]
        dynamodb.put_item(TableName=table, Item=KEY)
        assert [len(read.result(20)["Records"]) for read in reads] == [1] * 8


def test_without_the_header_an_empty_read_answers_at_once(
    streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """As on AWS: no records, and an iterator to go on with."""
    answer = streams.get_records(ShardIterator=iterator(table))
    assert answer["Records"] == []
    assert answer["NextShardIterator"]
    assert "x-emulator-wait-ms" not in answer["ResponseMetadata"]["HTTPHeaders"]


def test_pages_follow_one_another(
    dynamodb: Any, streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """`Limit` bounds a page; the next iterator goes on after it."""
    for number in range(5):
        dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": str(number)}})
    seen, at = [], iterator(table)
    for _ in range(3):
        answer = streams.get_records(ShardIterator=at, Limit=2)
        seen.append([record["dynamodb"]["NewImage"]["n"]["N"] for record in answer["Records"]])
        at = answer["NextShardIterator"]
    assert seen == [["0", "1"], ["2", "3"], ["4"]]


def test_an_iterator_starts_at_or_after_a_sequence_number(
    dynamodb: Any, streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """AT includes the record, AFTER does not."""
    for number in range(3):
        dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": str(number)}})
    every = streams.get_records(ShardIterator=iterator(table))["Records"]
    second = every[1]["dynamodb"]["SequenceNumber"]
    at = iterator(table, "AT_SEQUENCE_NUMBER", SequenceNumber=second)
    after = iterator(table, "AFTER_SEQUENCE_NUMBER", SequenceNumber=second)
    assert streams.get_records(ShardIterator=at)["Records"] == every[1:]
    assert streams.get_records(ShardIterator=after)["Records"] == every[2:]


def test_a_stream_has_awss_identifiers(dynamodb: Any, streams: Any, table: str) -> None:
    """ARN with a label in milliseconds, one open shard of AWS's form."""
    arn = _arn(dynamodb, table)
    assert re.fullmatch(rf"arn:aws:dynamodb:us-east-1:\d{{12}}:table/{table}/stream/[\dT:-]+\.\d{{3}}", arn)
    description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    (shard,) = description["Shards"]
    assert re.fullmatch(r"shardId-\d{20}-[0-9a-f]{8}", shard["ShardId"])
    assert re.fullmatch(r"\d{21,40}", shard["SequenceNumberRange"]["StartingSequenceNumber"])
    assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]
    assert description["StreamStatus"] == "ENABLED"
    assert streams.list_streams(TableName=table)["Streams"] == [
        {"StreamArn": arn, "TableName": table, "StreamLabel": arn.rpartition("/")[2]}
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", "ValidationException"),
        (
            "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2015-05-11T21:21:33.291|1|AAAA",
            "ValidationException",
        ),
        (
            "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2015-05-11T21:21:33.291|1|WzAsIDk5OTk5OTk5OTk5LjBd",
            "ResourceNotFoundException",
        ),
        (
            "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2015-05-11T21:21:33.291|1|WzAsIDEuMF0=",
            "ExpiredIteratorException",
        ),
    ],
    ids=["not one", "damaged", "of an unknown stream", "expired"],
)
def test_an_iterator_that_cannot_be_used_is_a_clients_error(streams: Any, text: str, code: str) -> None:
    """A code that a poller can act on, and no internal error."""
    with pytest.raises(ClientError) as caught:
        streams.get_records(ShardIterator=text)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_unknown_stream_is_not_found(streams: Any) -> None:
    """AWS's code and text."""
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2015-05-11T21:21:33.291"
    with pytest.raises(streams.exceptions.ResourceNotFoundException) as caught:
        streams.describe_stream(StreamArn=arn)
    message = caught.value.response["Error"]["Message"]
    assert message == f"Requested resource not found: Stream: {arn} not found"


def test_a_disabled_stream_is_read_to_its_end(
    dynamodb: Any, streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """Its records stay readable, then there is no further iterator; enabling again makes another stream."""
    dynamodb.put_item(TableName=table, Item=KEY)
    first, arn = iterator(table), _arn(dynamodb, table)
    _set_stream(dynamodb, table, None)
    dynamodb.delete_item(TableName=table, Key=KEY)
    answer = streams.get_records(ShardIterator=first)
    assert len(answer["Records"]) == 1
    assert "NextShardIterator" not in answer
    _set_stream(dynamodb, table, "KEYS_ONLY")
    assert _arn(dynamodb, table) != arn


def test_deleting_the_table_ends_a_waiting_read(
    client: Callable[..., Any], dynamodb: Any, iterator: Callable[..., str], make_table: Callable[..., str]
) -> None:
    """A reader learns at once that nothing will come."""
    table = make_table("KEYS_ONLY")
    waiting = client("dynamodbstreams", headers={"x-emulator-wait-ms": "15000"})
    latest = iterator(table, "LATEST")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(waiting.get_records, ShardIterator=latest)
        _set_stream(dynamodb, table, None)
        assert "NextShardIterator" not in read.result(10)


def test_a_stream_is_not_enabled_twice(dynamodb: Any, table: str) -> None:
    """Row F27: the view of a stream cannot be changed."""
    with pytest.raises(ClientError, match="Table already has an enabled stream") as caught:
        _set_stream(dynamodb, table, "KEYS_ONLY")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    _set_stream(dynamodb, table, None)
    with pytest.raises(ClientError, match="ValidationException"):
        _set_stream(dynamodb, table, None)


def test_a_sequence_number_is_one_of_the_shard(table: str, iterator: Callable[..., str]) -> None:
    """Row F22: one that was never given is refused, not read as the end."""
    for number in ("0" * 20 + "1", "9" * 22, "x" * 21):
        with pytest.raises(ClientError):
            iterator(table, "AT_SEQUENCE_NUMBER", SequenceNumber=number)
