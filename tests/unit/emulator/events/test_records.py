import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.events.records import StreamRecord, first_batch, lane_of, payload, stream_record

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000"


def raw(name="MODIFY", **changes):
    return {
        "awsRegion": "us-east-1",
        "dynamodb": {
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "SizeBytes": 12,
            "SequenceNumber": "000000000000000000001",
            "OldImage": {"pk": {"S": "a"}},
            "NewImage": {"pk": {"S": "a"}, "v": {"N": "1"}},
            "Keys": {"pk": {"S": "a"}},
            "ApproximateCreationDateTime": datetime(2023, 9, 6, 10, 45, 55, 700_000, UTC),
            **changes,
        },
        "eventID": "0" * 32,
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "eventVersion": "1.1",
    }


def test_has_the_shape_that_lambda_sends():
    """Keys, their order, the source ARN and the time in seconds are those of events recorded on AWS."""
    record = stream_record(raw(), stream_arn=ARN)
    assert json.dumps(record.event) == json.dumps(
        {
            "eventID": "0" * 32,
            "eventName": "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1693997155.0,
                "Keys": {"pk": {"S": "a"}},
                "NewImage": {"pk": {"S": "a"}, "v": {"N": "1"}},
                "OldImage": {"pk": {"S": "a"}},
                "SequenceNumber": "000000000000000000001",
                "SizeBytes": 12,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": ARN,
        }
    )


def test_body_is_the_event_as_json():
    """What the function receives is what the filter saw, with the time still a float."""
    record = stream_record(raw(), stream_arn=ARN)
    assert json.loads(record.body) == record.event
    assert b'"ApproximateCreationDateTime":1693997155.0' in record.body


def test_encodes_binaries_at_any_depth():
    """Binary values are base64 text, in sets, lists and maps as well."""
    image = {
        "b": {"B": b"foobar"},
        "bs": {"BS": [b"a", b"b"]},
        "deep": {"M": {"l": {"L": [{"B": b"foobar"}, {"N": "1"}]}}},
        "key": {"S": "kept"},
    }
    record = stream_record(raw(NewImage=image), stream_arn=ARN)
    assert record.event["dynamodb"]["NewImage"] == {
        "b": {"B": "Zm9vYmFy"},
        "bs": {"BS": ["YQ==", "Yg=="]},
        "deep": {"M": {"l": {"L": [{"B": "Zm9vYmFy"}, {"N": "1"}]}}},
        "key": {"S": "kept"},
    }


def test_renames_the_identity_of_a_ttl_deletion():
    """GetRecords says PrincipalId and Type where Lambda says principalId and type."""
    deletion = raw("REMOVE") | {"userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}}
    event = stream_record(deletion, stream_arn=ARN).event
    assert event["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def test_a_record_without_identity_has_no_such_key():
    """`userIdentity` is absent, not null, where nobody but the user wrote."""
    assert "userIdentity" not in stream_record(raw(), stream_arn=ARN).event


@pytest.mark.parametrize(("name", "absent"), [("INSERT", "OldImage"), ("REMOVE", "NewImage")])
def test_leaves_out_images_that_cannot_be(name, absent):
    """An INSERT never has an old image and a REMOVE never a new one, even if the back end says so."""
    assert absent not in stream_record(raw(name), stream_arn=ARN).event["dynamodb"]


def record(size):
    return StreamRecord("1", 0.0, {}, b"x" * size)


def split(records, **limits):
    batches = []
    while records:
        batch, _ = first_batch(records, **limits)
        batches.append(batch)
        records = records[len(batch) :]
    return batches


def test_a_batch_ends_by_count():
    """Row F41: no batch has more records than the batch size, and the order is kept."""
    records = [StreamRecord(str(number), 0.0, {}, b"{}") for number in range(5)]
    assert [[one.sequence_number for one in batch] for batch in split(records, batch_size=2)] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
    ]


def test_a_batch_ends_by_the_payload_that_is_really_sent():
    """Row F41: a payload may be exactly as large as the limit, envelope and commas included."""
    limit = len(payload([record(10), record(10)]))
    assert first_batch([record(10)] * 2, batch_size=10, max_bytes=limit) == ((record(10),) * 2, True)
    assert first_batch([record(10)] * 2, batch_size=10, max_bytes=limit - 1) == ((record(10),), True)
    assert first_batch([record(10)] * 2, batch_size=10, max_bytes=limit + 1) == ((record(10),) * 2, False)


def test_the_limit_is_that_of_a_synchronous_invocation():
    """Row F41: of records of 1 MB, five fit into one event and six do not."""
    batch, is_full = first_batch([record(1_048_576)] * 7, batch_size=10)
    assert (len(batch), is_full) == (5, True)


def test_nothing_makes_no_batch():
    """Without records there is no batch, so that no function runs for nothing."""
    assert first_batch([], batch_size=10) == ((), False)


@given(sizes=st.lists(st.integers(1, 60)), batch_size=st.integers(1, 5), max_bytes=st.integers(80, 200))
def test_every_batch_obeys_both_limits(sizes, batch_size, max_bytes):
    """Whatever the records' sizes, none is lost or moved, and every batch keeps to both limits."""
    records = [record(size) for size in sizes]
    batches = split(records, batch_size=batch_size, max_bytes=max_bytes)
    assert [one for batch in batches for one in batch] == records
    assert all(1 <= len(batch) <= batch_size and len(payload(batch)) <= max_bytes for batch in batches)


@given(partition=st.text(), sort=st.text(), lanes=st.integers(1, 10))
def test_an_item_has_one_lane(partition, sort, lanes):
    """An item's records have the same lane, in whatever order its keys are named."""
    keys = [("pk", {"S": partition}), ("sk", {"S": sort})]
    records = [
        StreamRecord("1", 0.0, {"dynamodb": {"Keys": dict(order)}}, b"") for order in (keys, keys[::-1])
    ]
    first, second = (lane_of(one, lanes) for one in records)
    assert first == second
    assert 0 <= first < lanes


def test_items_of_one_partition_have_several_lanes():
    """Lanes are by partition and sort key: the items of one partition need not wait for each other."""
    keys = [{"pk": {"S": "a"}, "sk": {"N": str(number)}} for number in range(100)]
    lanes = {lane_of(StreamRecord("1", 0.0, {"dynamodb": {"Keys": one}}, b""), 10) for one in keys}
    assert lanes == set(range(10))


@pytest.mark.parametrize("partition", ["{}", "user-{}"])
@pytest.mark.parametrize("lanes", [2, 4])
def test_items_that_differ_by_a_digit_are_spread(lanes, partition):
    """Numbered keys do not all share one lane, as they would by the last bits of a checksum."""
    keys = [{"pk": {"S": partition.format(number)}, "sk": {"S": "s"}} for number in range(10)]
    found = {lane_of(StreamRecord("1", 0.0, {"dynamodb": {"Keys": one}}, b""), lanes) for one in keys}
    assert len(found) > 1


def test_payload_is_json():
    """The event is an object with the list `Records`."""
    records = [StreamRecord(str(number), 0.0, {}, b'{"a":%d}' % number) for number in range(2)]
    assert json.loads(payload(records)) == {"Records": [{"a": 0}, {"a": 1}]}
