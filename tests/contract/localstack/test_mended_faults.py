"""Every fault of moto's DynamoDB that the engine mends, shown on the engine and on bare moto.

Each test runs on both. `BARE_MOTO_FAILS` says what moto does wrong; where it does so no more, the test of
that name fails there, and the entry and the mend can go.
"""

import asyncio
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from emulator.localstack import environment
from emulator.localstack.calls import call
from emulator.localstack.process import LocalStack

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
OTHER = {"pk": {"S": "a"}, "sk": {"S": "c"}}
Records = Callable[[str], list[dict[str, Any]]]

RACES = {"test_a_transaction_is_never_seen_half_done"}
"""What bare moto does wrong only where two threads meet: on a busy machine they may miss each other."""

BARE_MOTO_FAILS = {
    "test_no_update_is_lost_beside_cancelled_transactions": "a cancelled transaction puts a whole table back",
    "test_a_transaction_is_never_seen_half_done": "transactional reads come between a transaction's writes",
    "test_a_transaction_copies_no_table": "every transaction copies the whole table, and keeps the copy",
    "test_a_cancelled_transaction_leaves_no_record_and_open_iterators_go_on": (
        "an iterator from before a cancelled transaction never delivers again"
    ),
    "test_a_failed_update_leaves_the_item_as_it_was": "the first SETs of a failed update stay",
    "test_a_failed_upsert_leaves_no_item": "a failed upsert leaves an item of its keys",
    "test_a_failed_write_leaves_no_record": "a failed upsert writes a record",
    "test_an_upsert_is_one_insert": "an upsert is two INSERTs",
    "test_modify_has_both_images_and_remove_the_old_one": "an image that should be absent is empty",
    "test_a_write_that_changes_nothing_leaves_no_record": "a write that changes nothing writes a record",
    "test_expired_items_are_deleted_by_the_service": "time to live never deletes",
    "test_a_put_is_one_insert_of_awss_shape": "SizeBytes, eventVersion and the sequence number are not AWS's",
    "test_records_name_their_region": "the region of a record is not the table's",
    "test_an_iterator_lives_fifteen_minutes": "iterators are kept for ever",
    "test_records_are_kept_a_day": "records are kept for ever",
    "test_a_query_costs_the_same_in_a_large_table": "a query sorts the whole table",
    "test_a_read_waits_for_the_first_record": "GetRecords cannot wait",
    "test_numbers_are_decimals": "arithmetic in updates is done with floats",
    "test_a_transaction_reads_a_hundred_items": "transactional reads stop at 25 items",
}
"""Test -> what bare moto does instead."""


@dataclass(frozen=True)
class Engine:
    """A DynamoDB that is under test."""

    name: str
    endpoint_url: str
    pid: int
    set_clock_offset: Callable[[float], None]


@pytest.fixture(scope="session")
def bare_moto() -> Iterator[Engine]:
    """moto's own server, as it is, in LocalStack's environment."""
    python = environment.make(lambda _: None)
    program = Path(__file__).with_name("bare_moto.py")
    process = subprocess.Popen([python, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        port = int(process.stdout.readline())

        def set_clock_offset(offset_s: float) -> None:
            asyncio.run(call(port, "/_streamer/clock", body={"offset_s": offset_s}))

        yield Engine("bare moto", f"http://127.0.0.1:{port}", process.pid, set_clock_offset)
    process.wait()


@pytest.fixture
def embedded(localstack: LocalStack) -> Engine:
    """The engine that the emulator ships."""
    assert localstack.pid is not None
    return Engine(
        "embedded",
        localstack.endpoint_url,
        localstack.pid,
        lambda offset_s: asyncio.run(localstack.set_clock_offset(offset_s)),
    )


@pytest.fixture(params=["embedded", "bare_moto"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each of the two; on bare moto a test of the list must fail."""
    found: Engine = request.getfixturevalue(request.param)
    name = request.node.originalname
    if request.param == "bare_moto" and name in BARE_MOTO_FAILS:
        wrong = (AssertionError, ClientError, pytest.fail.Exception)
        request.applymarker(
            pytest.mark.xfail(strict=name not in RACES, raises=wrong, reason=BARE_MOTO_FAILS[name])
        )
    yield found
    found.set_clock_offset(0)


@pytest.fixture
def endpoint_url(engine: Engine) -> str:
    return engine.endpoint_url


def test_every_entry_of_the_list_has_its_test() -> None:
    """No name in the list is without a test of that name."""
    assert set(BARE_MOTO_FAILS) <= set(globals())


# Transactions


def _add(table: str, key: dict[str, Any]) -> dict[str, Any]:
    values = {":n": {"N": "1"}}
    return {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "ADD n :n",
        "ExpressionAttributeValues": values,
    }


def _fill(dynamodb: Any, table: str, items: int, **more: Any) -> None:
    """Put items of other partitions."""
    extra = {name: TypeSerializer().serialize(value) for name, value in more.items()}
    for first in range(0, items, 25):
        puts = [
            {"PutRequest": {"Item": {"pk": {"S": f"other-{number}"}, "sk": {"S": "x"}, **extra}}}
            for number in range(first, min(first + 25, items))
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})


def test_no_update_is_lost_beside_cancelled_transactions(dynamodb: Any, table: str) -> None:
    """What is written while a transaction of others is cancelled stays written."""
    _fill(dynamodb, table, 300)
    failing = {**_add(table, OTHER), "ConditionExpression": "attribute_exists(version)"}
    is_over = threading.Event()

    def cancel() -> None:
        while not is_over.is_set():
            with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
                dynamodb.transact_write_items(TransactItems=[{"Update": failing}])

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(cancel) for _ in range(2)]
        try:
            for number in range(1, 151):
                answer = dynamodb.update_item(**_add(table, KEY), ReturnValues="UPDATED_NEW")
                assert answer["Attributes"]["n"] == {"N": str(number)}
        finally:
            is_over.set()
        for run in runs:
            run.result()


def test_a_transaction_is_never_seen_half_done(dynamodb: Any, table: str) -> None:
    """A transactional read sees the items of a transaction all as before or all as after."""
    keys = [{**KEY, "sk": {"S": f"{number:03}"}} for number in range(50)]
    writes = [{"Update": _add(table, key)} for key in keys]
    gets = [{"Get": {"TableName": table, "Key": key}} for key in (keys[0], keys[-1])]
    dynamodb.transact_write_items(TransactItems=writes)
    is_over = threading.Event()

    def write() -> None:
        for _ in range(5):
            if not is_over.is_set():
                dynamodb.transact_write_items(TransactItems=writes)

    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(write)
        try:
            while not run.done():
                first, last = dynamodb.transact_get_items(TransactItems=gets)["Responses"]
                assert first["Item"]["n"] == last["Item"]["n"]
        finally:
            is_over.set()
        run.result()


def test_a_transaction_copies_no_table(engine: Engine, dynamodb: Any, table: str) -> None:
    """The memory of the engine does not grow by the table with each transaction."""
    _fill(dynamodb, table, 500, **{f"attribute-{number}": "x" * 20 for number in range(20)})
    process = psutil.Process(engine.pid)
    dynamodb.transact_write_items(TransactItems=[{"Update": _add(table, KEY)}])
    before = process.memory_info().rss
    for _ in range(10):
        dynamodb.transact_write_items(TransactItems=[{"Update": _add(table, KEY)}])
    assert process.memory_info().rss - before < 10_000_000


def test_a_transaction_reads_a_hundred_items(dynamodb: Any, table: str) -> None:
    """Row G4: AWS's limit."""
    gets = [{"Get": {"TableName": table, "Key": {**KEY, "sk": {"S": str(number)}}}} for number in range(100)]
    assert len(dynamodb.transact_get_items(TransactItems=gets)["Responses"]) == 100


def test_a_cancelled_transaction_leaves_no_record_and_open_iterators_go_on(
    dynamodb: Any, streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """An iterator from before a cancelled transaction delivers what comes after it."""
    open_iterator = iterator(table, "LATEST")
    put = {"Put": {"TableName": table, "Item": KEY}}
    check = {
        "TableName": table,
        "Key": {**KEY, "sk": {"S": "no"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[put, {"ConditionCheck": check}])
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "after"}})
    answer = streams.get_records(ShardIterator=open_iterator)
    images = [record["dynamodb"]["NewImage"] for record in answer["Records"]]
    assert images == [{**KEY, "v": {"S": "after"}}]


# Updates that fail


def test_a_failed_update_leaves_the_item_as_it_was(dynamodb: Any, table: str) -> None:
    """A size error in the second SET takes the first one back."""
    dynamodb.put_item(TableName=table, Item={**KEY, "a": {"S": "before"}})
    with pytest.raises(ClientError, match="Item size to update has exceeded"):
        dynamodb.update_item(
            TableName=table,
            Key=KEY,
            UpdateExpression="SET a = :a, b = :b",
            ExpressionAttributeValues={":a": {"S": "after"}, ":b": {"S": "x" * 420_000}},
        )
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == {**KEY, "a": {"S": "before"}}


def test_a_failed_upsert_leaves_no_item(dynamodb: Any, table: str) -> None:
    """An update that would make the item, and fails, makes none."""
    with pytest.raises(ClientError):
        dynamodb.update_item(
            TableName=table,
            Key=KEY,
            UpdateExpression="SET a = :a",
            ExpressionAttributeValues={":a": {"S": "x" * 420_000}},
        )
    assert "Item" not in dynamodb.get_item(TableName=table, Key=KEY)


def test_a_failed_write_leaves_no_record(dynamodb: Any, table: str, records: Records) -> None:
    """Neither one whose condition fails nor one that is invalid half way."""
    with pytest.raises(ClientError):
        dynamodb.put_item(TableName=table, Item=KEY, ConditionExpression="attribute_exists(pk)")
    with pytest.raises(ClientError):
        dynamodb.update_item(
            TableName=table,
            Key=KEY,
            UpdateExpression="SET a = :a, b = :b",
            ExpressionAttributeValues={":a": {"S": "x" * 300_000}, ":b": {"S": "x" * 300_000}},
        )
    assert records(table) == []


def test_numbers_are_decimals(dynamodb: Any, table: str) -> None:
    """Arithmetic in updates is exact, to 38 digits."""
    large = "12345678901234567890123456789012345.5"
    dynamodb.put_item(TableName=table, Item={**KEY, "a": {"N": "0.3"}, "b": {"N": large}})
    answer = dynamodb.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET a = a - :x, b = b + :x",
        ExpressionAttributeValues={":x": {"N": "0.1"}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"]["a"] == {"N": "0.2"}
    assert answer["Attributes"]["b"] == {"N": "12345678901234567890123456789012345.6"}


# Records


def test_an_upsert_is_one_insert(dynamodb: Any, table: str, records: Records) -> None:
    """An update that makes the item is one INSERT with the whole item."""
    dynamodb.update_item(
        TableName=table, Key=KEY, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"S": "x"}}
    )
    found = [(record["eventName"], record["dynamodb"]["NewImage"]) for record in records(table)]
    assert found == [("INSERT", {**KEY, "v": {"S": "x"}})]


def test_modify_has_both_images_and_remove_the_old_one(dynamodb: Any, table: str, records: Records) -> None:
    """Images are those of before and after; there is never an empty one."""
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"B": b"\x00\xff"}})
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"M": {"b": {"B": b"foo"}}}})
    dynamodb.delete_item(TableName=table, Key=KEY)
    _, modify, remove = (record["dynamodb"] for record in records(table))
    assert modify["OldImage"] == {**KEY, "v": {"B": b"\x00\xff"}}
    assert modify["NewImage"] == {**KEY, "v": {"M": {"b": {"B": b"foo"}}}}
    assert remove["OldImage"] == modify["NewImage"]
    assert "NewImage" not in remove


def test_a_write_that_changes_nothing_leaves_no_record(dynamodb: Any, table: str, records: Records) -> None:
    """Neither an equal put, nor an equal update, nor the deletion of nothing."""
    item = {**KEY, "n": {"N": "1"}, "s": {"SS": ["x", "y"]}}
    dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item={**item, "n": {"N": "1.0"}, "s": {"SS": ["y", "x"]}})
    dynamodb.update_item(
        TableName=table, Key=KEY, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "1"}}
    )
    dynamodb.delete_item(TableName=table, Key={**KEY, "sk": {"S": "other"}})
    assert len(records(table)) == 1


def test_a_put_is_one_insert_of_awss_shape(dynamodb: Any, table: str, records: Records) -> None:
    """INSERT has no old image, version 1.1, the region and AWS's size."""
    dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": "12"}})
    (record,) = records(table)
    assert re.fullmatch(r"[0-9a-f]{32}", record.pop("eventID"))
    assert re.fullmatch(r"\d{21,40}", record["dynamodb"].pop("SequenceNumber"))
    assert record["dynamodb"].pop("ApproximateCreationDateTime").microsecond == 0
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": KEY,
            "NewImage": {**KEY, "n": {"N": "12"}},
            "SizeBytes": 6 + 6 + 3,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def test_records_name_their_region(
    client: Callable[..., Any], make_table: Callable[..., str], iterator: Callable[..., str]
) -> None:
    """`awsRegion` is where the table is."""
    dynamodb, streams = client("dynamodb", "eu-west-1"), client("dynamodbstreams", "eu-west-1")
    table = make_table("KEYS_ONLY", on=dynamodb)
    dynamodb.put_item(TableName=table, Item=KEY)
    (record,) = streams.get_records(ShardIterator=iterator(table, on=dynamodb, by=streams))["Records"]
    assert record["awsRegion"] == "eu-west-1"


# Time


def test_expired_items_are_deleted_by_the_service(
    engine: Engine, dynamodb: Any, table: str, records: Records
) -> None:
    """Rows F6, G11: the item goes once its time has come, and the record says that nobody asked for it."""
    specification = {"Enabled": True, "AttributeName": "expires"}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
    dynamodb.put_item(TableName=table, Item={**KEY, "expires": {"N": str(int(time.time()) + 3600)}})
    engine.set_clock_offset(3500)
    assert "Item" in dynamodb.get_item(TableName=table, Key=KEY)
    engine.set_clock_offset(3700)
    assert "Item" not in dynamodb.get_item(TableName=table, Key=KEY)
    removal = records(table)[-1]
    assert removal["eventName"] == "REMOVE"
    assert removal["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    said = removal["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    assert said == pytest.approx(time.time() + 3700, abs=60)


def test_an_iterator_lives_fifteen_minutes(
    engine: Engine, streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """Row F21: after that it is refused with a code that tells a poller to get another."""
    held = iterator(table)
    engine.set_clock_offset(870)
    streams.get_records(ShardIterator=held)
    engine.set_clock_offset(930)
    with pytest.raises(streams.exceptions.ExpiredIteratorException):
        streams.get_records(ShardIterator=held)


def test_records_are_kept_a_day(
    engine: Engine, dynamodb: Any, streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """Row F21: an older record is gone, also for who asks for it by its number; newer ones are there."""
    dynamodb.put_item(TableName=table, Item=KEY)
    held = iterator(table)
    (first,) = streams.get_records(ShardIterator=held)["Records"]
    at = iterator(table, "AT_SEQUENCE_NUMBER", SequenceNumber=first["dynamodb"]["SequenceNumber"])
    engine.set_clock_offset(86_300)
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "x"}})
    engine.set_clock_offset(86_500)
    kept = streams.get_records(ShardIterator=iterator(table))["Records"]
    assert [record["eventName"] for record in kept] == ["MODIFY"]
    with pytest.raises(streams.exceptions.ExpiredIteratorException):
        streams.get_records(ShardIterator=at)
    with pytest.raises(streams.exceptions.TrimmedDataAccessException):
        iterator(table, "AT_SEQUENCE_NUMBER", SequenceNumber=first["dynamodb"]["SequenceNumber"])


# Reads


def test_a_query_costs_the_same_in_a_large_table(engine: Engine, dynamodb: Any, table: str) -> None:
    """The work of a query depends on its key's items, not on the table's."""
    process = psutil.Process(engine.pid)
    dynamodb.put_item(TableName=table, Item=KEY)

    def spent_s() -> float:
        times = process.cpu_times()
        return times.user + times.system

    def cost_s() -> float:
        """Seconds of the processor a query; the system counts hundredths, so ten are waited for."""
        begun_s, queries = spent_s(), 0
        while spent_s() - begun_s < 0.1:
            dynamodb.query(
                TableName=table,
                KeyConditionExpression="pk = :a",
                ExpressionAttributeValues={":a": {"S": "a"}},
            )
            queries += 1
        return (spent_s() - begun_s) / queries

    cost_s()
    small = [cost_s() for _ in range(3)]
    _fill(dynamodb, table, 3000)
    assert min(cost_s() for _ in range(3)) < 3 * max(small)  # others that run meanwhile cost, too


def test_a_read_waits_for_the_first_record(
    dynamodb: Any, client: Callable[..., Any], table: str, iterator: Callable[..., str]
) -> None:
    """Where the header asks for it, a read that began before the write has the record."""
    waiting = client("dynamodbstreams", headers={"x-emulator-wait-ms": "10000"})
    latest = iterator(table, "LATEST")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(waiting.get_records, ShardIterator=latest)
        wait([read], timeout=0.2)
        assert not read.done()
        dynamodb.put_item(TableName=table, Item=KEY)
        assert len(read.result()["Records"]) == 1
