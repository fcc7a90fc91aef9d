import json
import time

import pytest

from emulator.application import Destination, StartingPosition
from emulator.events.checkpoints import Checkpoints, checkpoint_path
from emulator.events.status import State
from emulator.invocation import InvocationResult

RAISED = InvocationResult("a-request", b'{"errorMessage": "no"}', function_error="Unhandled")


def key_of(record):
    return record["dynamodb"]["Keys"]["pk"]["S"]


@pytest.mark.parametrize("waits", [True, False], ids=["waiting", "polling"])
async def test_an_insert_invokes_once_with_an_event_like_awss(world, waits):
    """A put arrives as one INSERT with Lambda's keys in Lambda's order."""
    await world.start(waits=waits)
    await world.put("a", bytes={"B": b"foobar"})
    await world.put("end")
    await world.invoker.until(lambda: "end" in world.invoker.keys)
    assert world.invoker.keys == ["a", "end"]
    record = world.invoker.records[0]
    assert list(record) == [
        "eventID",
        "eventName",
        "eventVersion",
        "eventSource",
        "awsRegion",
        "dynamodb",
        "eventSourceARN",
    ]
    assert list(record["dynamodb"]) == [
        "ApproximateCreationDateTime",
        "Keys",
        "NewImage",
        "SequenceNumber",
        "SizeBytes",
        "StreamViewType",
    ]
    assert (record["eventName"], record["eventVersion"], record["eventSource"]) == (
        "INSERT",
        "1.1",
        "aws:dynamodb",
    )
    assert record["dynamodb"]["NewImage"] == {"pk": {"S": "a"}, "bytes": {"B": "Zm9vYmFy"}}
    created_at = record["dynamodb"]["ApproximateCreationDateTime"]
    assert isinstance(created_at, float)
    assert created_at.is_integer()
    assert record["eventSourceARN"].startswith(
        f"arn:aws:dynamodb:us-east-1:000000000000:table/{world.table}/stream/"
    )


async def test_a_change_and_a_deletion_arrive_with_their_images(world):
    """A MODIFY has both images, a REMOVE the old one."""
    await world.start()
    await world.put("a", v={"N": "1"})
    await world.put("a", v={"N": "2"})
    await world.call("dynamodb", "delete_item", TableName=world.table, Key={"pk": {"S": "a"}})
    await world.invoker.until(lambda: len(world.invoker.records) == 3)
    _, modified, removed = world.invoker.records
    assert (modified["eventName"], removed["eventName"]) == ("MODIFY", "REMOVE")
    assert modified["dynamodb"]["OldImage"]["v"] == {"N": "1"}
    assert modified["dynamodb"]["NewImage"]["v"] == {"N": "2"}
    assert removed["dynamodb"]["OldImage"]["v"] == {"N": "2"}
    assert "NewImage" not in removed["dynamodb"]


async def test_a_deletion_by_time_to_live_names_its_author(world):
    """A TTL deletion passes AWS's documented filter and carries the service's identity."""
    pattern = {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}
    await world.start(filters=[pattern])
    await world.put("a", expires={"N": str(int(time.time()) - 10)})
    await world.invoker.until(lambda: len(world.invoker.records) == 1)
    (record,) = world.invoker.records
    assert record["eventName"] == "REMOVE"
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


async def test_a_filter_lets_through_what_matches(world):
    """A record that no pattern matches is not delivered."""
    await world.start(filters=[{"dynamodb": {"NewImage": {"status": {"S": ["PENDING"]}}}}])
    for key, status in (("a", "DONE"), ("b", "PENDING"), ("c", "DONE"), ("d", "PENDING")):
        await world.put(key, status={"S": status})
    await world.invoker.until(lambda: "d" in world.invoker.keys)
    assert world.invoker.keys == ["b", "d"]


async def test_reported_failures_come_again(world):
    """Of a batch whose second record is reported, the first is finished and the others come again."""
    for key in "abc":
        await world.put(key)
    answers = iter([lambda records: [{"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}]])
    world.invoker.answer = lambda records: {"batchItemFailures": next(answers, lambda _: [])(records)}
    await world.start(report_batch_item_failures=True)
    await world.invoker.until(lambda: len(world.invoker.batches) == 2)
    assert [list(map(key_of, batch)) for batch in world.invoker.batches] == [["a", "b", "c"], ["b", "c"]]


async def test_a_poison_record_ends_in_the_queue_and_later_ones_go_on(world):
    """After two retries the record's place is told to the on-failure queue; the next record is delivered."""
    world.invoker.answer = lambda records: RAISED if key_of(records[0]) == "poison" else None
    await world.put("poison")
    await world.start(maximum_retry_attempts=2, on_failure=Destination.queue(world.queue))
    await world.happened("stream.gave_up")
    await world.put("good")
    await world.invoker.until(lambda: "good" in world.invoker.keys)
    assert world.invoker.keys == ["poison"] * 3 + ["good"]
    message = await world.message()
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["requestContext"]["approximateInvokeCount"] == 3
    assert message["responseContext"]["functionError"] == "Unhandled"
    number = world.invoker.records[0]["dynamodb"]["SequenceNumber"]
    assert message["DDBStreamBatchInfo"]["startSequenceNumber"] == number
    assert message["DDBStreamBatchInfo"]["streamArn"] == world.invoker.records[0]["eventSourceARN"]


async def test_starts_again_from_its_checkpoint(world):
    """Event sources that are stopped and started again deliver what came meanwhile, and nothing twice."""
    sources = await world.start()
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    await sources.stop()
    await world.put("b")
    await sources.start()
    await world.invoker.until(lambda: "b" in world.invoker.keys)
    await sources.stop()
    await world.put("c")
    await world.start()
    await world.invoker.until(lambda: "c" in world.invoker.keys)
    assert world.invoker.keys == ["a", "b", "c"]


async def test_starts_at_the_latest_record(world):
    """When `start` has returned, a mapping from LATEST on misses nothing that is written after."""
    await world.put("old")
    await world.start(starting_position=StartingPosition.LATEST)
    await world.put("new")
    await world.invoker.until(lambda: len(world.invoker.keys) > 0)
    assert world.invoker.keys == ["new"]


async def test_a_back_end_that_was_away_is_read_on(world, forwarder):
    """What was written while the back end could not be reached is delivered afterwards, once."""
    sources = await world.start(endpoint_url=forwarder.url)
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    await forwarder.shut()
    await world.happened("stream.unreachable")
    assert sources.status().stream_mappings[0].shards[0].state is State.UNREACHABLE
    await world.put("b")
    await forwarder.open()
    await world.invoker.until(lambda: "b" in world.invoker.keys)
    await world.happened("stream.reachable")
    assert world.invoker.keys == ["a", "b"]


async def test_a_table_that_is_made_again_is_followed(world):
    """The stream of a table that was deleted and made again is read from its beginning."""
    await world.start()
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    await world.call("dynamodb", "delete_table", TableName=world.table)
    await world.create()
    await world.put("b")
    await world.invoker.until(lambda: "b" in world.invoker.keys)
    assert world.invoker.keys == ["a", "b"]


@pytest.mark.row("F21")
async def test_an_expired_iterator_loses_and_repeats_nothing(world, localstack):
    """Row F21: after a quarter of an hour without a read the next record still arrives, and none twice."""
    await world.start(waits=False)
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    await localstack.set_clock_offset(1_000)
    try:
        await world.put("b")
        await world.invoker.until(lambda: "b" in world.invoker.keys)
    finally:
        await localstack.set_clock_offset(0)
    assert world.invoker.keys == ["a", "b"]


async def test_a_checkpoint_file_outlives_the_event_sources(world, tmp_path):
    """Event sources of another process, with the same file, go on where these stopped."""
    path = checkpoint_path(tmp_path, application="contract", endpoint_url=world.endpoint_url)
    world.checkpoints = Checkpoints(path)
    sources = await world.start()
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    await sources.stop()
    world.checkpoints = Checkpoints(path)
    await world.put("b")
    await world.start()
    await world.invoker.until(lambda: "b" in world.invoker.keys)
    assert world.invoker.keys == ["a", "b"]


@pytest.mark.parametrize("factor", [1, 10])
async def test_every_items_changes_arrive_in_order(world, factor):
    """However many batches run at once, each item's changes arrive as they were written."""
    await world.start(parallelization_factor=factor, batch_size=2)
    for number in range(5):
        for key in "abcd":
            await world.put(key, v={"N": str(number)})
    await world.invoker.until(lambda: len(world.invoker.records) == 20)
    arrived = {key: [] for key in "abcd"}
    for record in world.invoker.records:
        arrived[key_of(record)].append(record["dynamodb"]["NewImage"]["v"]["N"])
    assert arrived == {key: ["0", "1", "2", "3", "4"] for key in "abcd"}


async def test_a_poison_record_holds_up_its_own_lane_only(world):
    """With a parallelization factor the other items of the shard go on; the status shows who retries."""
    world.invoker.answer = lambda records: RAISED if any(key_of(one) == "poison" for one in records) else None
    sources = await world.start(parallelization_factor=10, batch_size=1)
    await world.put("poison")
    await world.happened("stream.retry")
    for number in range(20):
        await world.put(str(number))
    await world.invoker.until(lambda: len(set(world.invoker.keys)) > 10)
    (shard,) = sources.status().stream_mappings[0].shards
    assert shard.unfinished >= 1
    assert shard.checkpoint is None


async def test_a_bucket_gets_the_records_that_were_given_up(world):
    """Row F54: the object lies under the mapping's id and has the event itself."""
    world.invoker.answer = lambda records: RAISED
    sources = await world.start(maximum_retry_attempts=0, on_failure=Destination.bucket(world.bucket))
    await world.put("poison")
    await world.happened("stream.gave_up")
    (mapping,) = sources.mappings()
    folder = f"aws/lambda/{mapping.uuid}/"
    listed = await world.call("s3", "list_objects_v2", Bucket=world.bucket, Prefix=folder)
    (found,) = listed["Contents"]
    answer = await world.call("s3", "get_object", Bucket=world.bucket, Key=found["Key"])
    assert json.loads(answer["Body"].read())["payload"] == {"Records": world.invoker.records}
