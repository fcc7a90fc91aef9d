"""Rows F1 to F8: the records that a function receives."""

import re
import time
from collections.abc import Mapping
from typing import Any

import pytest

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
DIGEST = re.compile(r"[0-9a-f]{32}")


async def received(parity: Any, stream: Any, count: int) -> list[Mapping[str, Any]]:
    """Map the stream from its beginning on; returns so many records."""
    await stream.map(BatchSize=count, MaximumBatchingWindowInSeconds=300)
    event = await parity.function("on-mapped").event()
    assert list(event) == ["Records"]
    records: list[Mapping[str, Any]] = event["Records"]
    assert len(records) == count
    return records


@pytest.mark.row("F1")
async def test_records_have_awss_members_in_their_order(parity: Any, stream: Any) -> None:
    """An insertion, a change and a deletion are equal to AWS's records, order of members included."""
    await stream.put("s", v={"N": "1"})
    await stream.put("s", v={"N": "2"})
    await stream.write("delete_item", Key=KEY)
    records = await received(parity, stream, 3)
    images = [
        {"NewImage": {**KEY, "v": {"N": "1"}}},
        {"NewImage": {**KEY, "v": {"N": "2"}}, "OldImage": {**KEY, "v": {"N": "1"}}},
        {"OldImage": {**KEY, "v": {"N": "2"}}},
    ]
    for record, name, image in zip(records, ("INSERT", "MODIFY", "REMOVE"), images, strict=True):
        assert DIGEST.fullmatch(record["eventID"])
        change = record["dynamodb"]
        expected = {
            "eventID": record["eventID"],
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": change["ApproximateCreationDateTime"],
                "Keys": KEY,
                **image,
                "SequenceNumber": change["SequenceNumber"],
                "SizeBytes": change["SizeBytes"],
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": stream.arn,
        }
        assert record == expected
        assert list(record) == list(expected)
        assert list(change) == list(expected["dynamodb"])
    assert len({record["eventID"] for record in records}) == 3


@pytest.mark.row("F2")
async def test_time_of_a_change_is_a_float_in_whole_seconds(parity: Any, stream: Any) -> None:
    """The time is epoch seconds rounded down, and yet a float in the JSON that the handler reads."""
    parity.function("on-mapped").runs(
        """
        def main(event, context):
            time = event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"]
            tell([type(time).__name__, repr(time)])
        """
    )
    await stream.put("s")
    await stream.map()
    invocation = await parity.function("on-mapped").invocation()
    kind, written = await parity.function("on-mapped").finding(invocation)
    assert kind == "float"
    assert re.fullmatch(r"[0-9]{10}\.0", written)


@pytest.mark.row("F3")
async def test_binary_values_are_base64_text(parity: Any, stream: Any) -> None:
    """Bytes are base64 at any depth."""
    deep = {"L": [{"B": b"foobar"}, {"M": {"set": {"BS": [b"foo"]}}}]}
    await stream.put("s", data={"B": b"foobar"}, deep=deep)
    (record,) = await received(parity, stream, 1)
    image = record["dynamodb"]["NewImage"]
    assert image["data"] == {"B": "Zm9vYmFy"}
    assert image["deep"] == {"L": [{"B": "Zm9vYmFy"}, {"M": {"set": {"BS": ["Zm9v"]}}}]}


@pytest.mark.row("F4")
async def test_size_is_that_of_awss_example(parity: Any, map_stream: Any) -> None:
    """The three records of the developer guide's example have the sizes that it shows."""
    stream = await map_stream("NEW_AND_OLD_IMAGES", {"Id": "N"})
    for message in ("New item!", "This item has changed"):
        await stream.write("put_item", Item={"Id": {"N": "101"}, "Message": {"S": message}})
    await stream.write("delete_item", Key={"Id": {"N": "101"}})
    records = await received(parity, stream, 3)
    assert [record["dynamodb"]["SizeBytes"] for record in records] == [26, 59, 38]


@pytest.mark.row("F4")
@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "Grüße"}, 7),
        ({"B": b"\x00\x01\x02"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"N": "12345"}, 4),
    ],
    ids=["text in UTF-8", "bytes", "boolean", "null", "number"],
)
async def test_size_of_each_type(parity: Any, map_stream: Any, value: Any, size: int) -> None:
    """A value counts with its name, texts in UTF-8, numbers by their digits; and so do the keys, twice."""
    stream = await map_stream("NEW_IMAGE")
    await stream.put("s", v=value)
    (record,) = await received(parity, stream, 1)
    keys = len("pk") + len("p") + len("sk") + len("s")
    assert record["dynamodb"]["SizeBytes"] == 2 * keys + len("v") + size


@pytest.mark.row("F5")
@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", [set(), set(), set()]),
        ("NEW_IMAGE", [{"NewImage"}, {"NewImage"}, set()]),
        ("OLD_IMAGE", [set(), {"OldImage"}, {"OldImage"}]),
        ("NEW_AND_OLD_IMAGES", [{"NewImage"}, {"NewImage", "OldImage"}, {"OldImage"}]),
    ],
)
async def test_view_type_says_which_images_there_are(
    parity: Any, map_stream: Any, view: str, images: list[set[str]]
) -> None:
    """Each view type has its images; an insertion has no old one, a deletion no new one."""
    stream = await map_stream(view)
    for number in ("1", "2"):
        await stream.put("s", v={"N": number})
    await stream.write("delete_item", Key=KEY)
    records = await received(parity, stream, 3)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert [record["dynamodb"]["StreamViewType"] for record in records] == [view] * 3
    found = [{name for name in record["dynamodb"] if name.endswith("Image")} for record in records]
    assert found == images


@pytest.mark.row("F6")
async def test_deletion_by_ttl_names_the_service(parity: Any, stream: Any) -> None:
    """An item whose time has come is deleted by the service, and by nobody else: one by a user says none."""
    specification = {"Enabled": True, "AttributeName": "expires"}
    await stream.write("update_time_to_live", TimeToLiveSpecification=specification)
    await stream.put("s")
    await stream.write("delete_item", Key=KEY)
    await stream.put("expired", expires={"N": str(int(time.time()) - 10)})
    await parity.advance(1)  # which lets the deletion be looked for at once
    records = await received(parity, stream, 4)
    assert [record["eventName"] for record in records] == ["INSERT", "REMOVE", "INSERT", "REMOVE"]
    identity = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert [record.get("userIdentity") for record in records] == [None, None, None, identity]
    assert all("userIdentity" not in record for record in records[:3])


@pytest.mark.row("F7")
async def test_write_that_changes_nothing_leaves_no_record(parity: Any, stream: Any) -> None:
    """The same item again, an update to what is there, a deletion of nothing: none is a record."""
    await stream.put("s", v={"N": "1"})
    await stream.put("s", v={"N": "1"})
    await stream.write(
        "update_item",
        Key=KEY,
        UpdateExpression="SET v = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    await stream.write("delete_item", Key={"pk": {"S": "p"}, "sk": {"S": "nothing"}})
    await stream.put("s", v={"N": "2"})
    await stream.put("end")
    records = await received(parity, stream, 3)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "INSERT"]


@pytest.mark.row("F8")
async def test_ids_have_their_forms(parity: Any, stream: Any) -> None:
    """Sequence numbers rise and have 21 to 40 digits; a shard's id has 28 to 65 characters."""
    assert re.fullmatch(
        rf"arn:aws:dynamodb:us-east-1:\d{{12}}:table/{stream.table}"
        r"/stream/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}",
        stream.arn,
    )
    streams = parity.boto3("dynamodbstreams")
    described = await parity.call(streams.describe_stream, StreamArn=stream.arn)
    for shard in described["StreamDescription"]["Shards"]:
        assert 28 <= len(shard["ShardId"]) <= 65
        assert re.fullmatch(r"shardId-\d{20}-[0-9a-f]{8}", shard["ShardId"])
    await stream.put("a", "b", "c")
    records = await received(parity, stream, 3)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert all(re.fullmatch(r"\d{21,40}", number) for number in numbers)
    assert numbers == sorted(numbers, key=int)
    assert len(set(numbers)) == 3
