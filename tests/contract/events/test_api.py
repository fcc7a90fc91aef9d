"""Event source mappings through real boto3, on a real back end."""

import asyncio
import json
import uuid
from datetime import UTC, datetime

import pytest

DEADLINE_S = 20.0


def told(response):
    return {name: value for name, value in response.items() if name != "ResponseMetadata"}


async def refused(mappings, code, **arguments):
    """Create a mapping, which is refused with `code`; returns the message."""
    with pytest.raises(mappings.client.exceptions.ClientError) as caught:
        await mappings.create(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


async def test_a_stream_mapping_is_created_with_awss_defaults(mappings):
    """The answer is 202 with every field, `Creating` at first and `Enabled` once it is settled."""
    answer = await mappings.create()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    mapping_id = answer["UUID"]
    assert str(uuid.UUID(mapping_id)) == mapping_id
    assert isinstance(answer["LastModified"], datetime)
    expected = {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": mappings.stream_arn,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{mapping_id}",
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "FunctionResponseTypes": [],
        "LastModified": answer["LastModified"],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
        "UUID": mapping_id,
    }
    assert told(answer) == expected
    await mappings.sources.settled(mapping_id)
    settled = await mappings.get(mapping_id)
    assert told(settled) == {**expected, "State": "Enabled", "LastModified": settled["LastModified"]}


async def test_what_is_given_is_what_is_told(mappings):
    """Every field that a request names is there again, the filter to the letter."""
    given = {
        "BatchSize": 7,
        "MaximumBatchingWindowInSeconds": 3,
        "ParallelizationFactor": 4,
        "MaximumRetryAttempts": 5,
        "MaximumRecordAgeInSeconds": 60,
        "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {
            "OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:000000000000:{mappings.world.queue}"}
        },
        "FilterCriteria": {"Filters": [{"Pattern": '{ "eventName" : ["INSERT"] }'}]},
        "StartingPosition": "LATEST",
    }
    answer = await mappings.create(**given, Enabled=False)
    assert {name: answer[name] for name in given} == given
    await mappings.sources.settled(answer["UUID"])
    assert (await mappings.get(answer["UUID"]))["State"] == "Disabled"


async def test_a_mapping_delivers_and_tells_its_result(mappings):
    """Records arrive with the stream's ARN; the last result is OK, or that the call failed."""
    world = mappings.world
    mapping_id = await mappings.created()
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    assert world.invoker.records[0]["eventSourceARN"] == mappings.stream_arn
    await last_result(mappings, mapping_id, "OK")
    world.invoker.answer = lambda records: 1 / 0
    await world.put("b")
    await last_result(mappings, mapping_id, "PROBLEM: Function call failed")


async def last_result(mappings, mapping_id, expected):
    async with asyncio.timeout(DEADLINE_S):
        while (await mappings.get(mapping_id))["LastProcessingResult"] != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_disabled_mapping_keeps_its_place(mappings):
    """Row F62: what is written while it is disabled arrives when it is enabled, and nothing twice."""
    world = mappings.world
    mapping_id = await mappings.created()
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    answer = await mappings.update(mapping_id, Enabled=False)
    assert answer["State"] == "Disabling"
    assert (await mappings.get(mapping_id))["State"] == "Disabled"
    await world.put("b")
    answer = await mappings.update(mapping_id, Enabled=True)
    assert answer["State"] == "Enabling"
    await world.invoker.until(lambda: "b" in world.invoker.keys)
    assert world.invoker.keys == ["a", "b"]
    assert (await mappings.get(mapping_id))["State"] == "Enabled"


async def test_an_updated_mapping_goes_on_by_its_new_fields(mappings):
    """A filter that is set applies from there on, an empty one is none, and progress stays."""
    world = mappings.world
    mapping_id = await mappings.created()
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    pattern = json.dumps({"dynamodb": {"NewImage": {"kind": {"S": ["wanted"]}}}})
    answer = await mappings.update(mapping_id, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    assert answer["State"] == "Updating"
    await world.put("b")
    await world.put("c", kind={"S": "wanted"})
    await world.invoker.until(lambda: "c" in world.invoker.keys)
    answer = await mappings.update(mapping_id, FilterCriteria={}, BatchSize=5)
    assert "FilterCriteria" not in answer
    assert answer["BatchSize"] == 5
    await world.put("d")
    await world.invoker.until(lambda: "d" in world.invoker.keys)
    assert world.invoker.keys == ["a", "c", "d"]


async def test_another_function_takes_the_place_over(mappings):
    """With a function of its own from an update on, a mapping goes on where it was."""
    world = mappings.world
    mapping_id = await mappings.created()
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    answer = await mappings.update(mapping_id, FunctionName="g")
    assert answer["FunctionArn"].endswith(":function:g")
    await world.put("b")
    await world.invoker.until(lambda: "b" in world.invoker.keys)
    assert world.invoker.keys == ["a", "b"]


async def test_a_deleted_mapping_is_gone_with_its_place(mappings):
    """`Deleting` at first, then not found; a new one for the same stream starts as it is told to."""
    world = mappings.world
    mapping_id = await mappings.created()
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    answer = await mappings("delete_event_source_mapping", UUID=mapping_id)
    assert (answer["State"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("Deleting", 202)
    await mappings.sources.settled(mapping_id)
    with pytest.raises(mappings.client.exceptions.ResourceNotFoundException) as caught:
        await mappings.get(mapping_id)
    assert caught.value.response["Error"]["Message"] == "The resource you requested does not exist."
    await mappings.created()
    await world.invoker.until(lambda: world.invoker.keys == ["a", "a"])


async def test_a_second_mapping_of_the_same_pair_is_refused(mappings):
    """409 with the id of the one there is; another function may read the same stream."""
    mapping_id = await mappings.created()
    message = await refused(mappings, "ResourceConflictException")
    assert message == (
        f'The event source arn (" {mappings.stream_arn} ") and function (" f ") provided mapping already'
        f" exists. Please update or delete the existing mapping with UUID {mapping_id}"
    )
    other = await mappings.created(FunctionName="g")
    with pytest.raises(mappings.client.exceptions.ResourceConflictException):
        await mappings.update(other, FunctionName="f")


REFUSED = {
    "a filter that is no pattern": (
        {"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": "INSERT"}'}]}},
        "InvalidParameterValueException",
        "Invalid filter pattern definition.",
    ),
    "a filter that is no JSON": (
        {"FilterCriteria": {"Filters": [{"Pattern": "["}]}},
        "InvalidParameterValueException",
        "Invalid filter pattern definition.",
    ),
    "an unknown function": (
        {"FunctionName": "nobody"},
        "InvalidParameterValueException",
        "Function does not exist",
    ),
    "no starting position": (
        {"StartingPosition": None},
        "InvalidParameterValueException",
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member"
        " must not be null.",
    ),
    "an unknown starting position": (
        {"StartingPosition": "0"},
        "ValidationException",
        "1 validation error detected: Value '0' at 'startingPosition' failed to satisfy constraint: Member"
        " must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
    ),
    "a timestamp without its position": (
        {"StartingPosition": "LATEST", "StartingPositionTimestamp": datetime(2026, 1, 1, tzinfo=UTC)},
        "InvalidParameterValueException",
        "Timestamp only valid with StartingPosition AT_TIMESTAMP",
    ),
    "a batch size of 0": (
        {"BatchSize": 0},
        "ValidationException",
        "1 validation error detected: Value '0' at 'batchSize' failed to satisfy constraint: Member must"
        " have value greater than or equal to 1",
    ),
    "a parallelization factor of 11": (
        {"ParallelizationFactor": 11},
        "ValidationException",
        "1 validation error detected: Value '11' at 'parallelizationFactor' failed to satisfy constraint:"
        " Member must have value less than or equal to 10",
    ),
    "a tumbling window": (
        {"TumblingWindowInSeconds": 30},
        "InvalidParameterValueException",
        "Tumbling windows are not emulated; set TumblingWindowInSeconds to 0 here.",
    ),
    "something that is not emulated": (
        {"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"},
        "InvalidParameterValueException",
        "KMSKeyArn is not emulated for dynamodb event sources; leave it out here.",
    ),
    "a source of another kind": (
        {"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"},
        "InvalidParameterValueException",
        "arn:aws:kinesis:us-east-1:000000000000:stream/s is no event source that is emulated; name a"
        " DynamoDB stream or an SQS queue.",
    ),
}


@pytest.mark.parametrize(("arguments", "code", "message"), REFUSED.values(), ids=REFUSED.keys())
async def test_refuses_what_aws_refuses(mappings, arguments, code, message):
    """A wrong request has AWS's code and words, what is not emulated says so, and nothing is made."""
    arguments = {"StartingPosition": "TRIM_HORIZON", **arguments}
    if arguments["StartingPosition"] is None:
        with pytest.raises(mappings.client.exceptions.ClientError) as caught:
            await mappings(
                "create_event_source_mapping", EventSourceArn=mappings.stream_arn, FunctionName="f"
            )
        assert caught.value.response["Error"] == {"Code": code, "Message": message}
    else:
        assert await refused(mappings, code, **arguments) == message
    assert (await mappings("list_event_source_mappings"))["EventSourceMappings"] == []


async def test_refuses_a_stream_that_is_not_there(mappings):
    """An unknown stream is named in the error; a time to start at is not for DynamoDB."""
    last = "8" if mappings.stream_arn.endswith("9") else "9"
    missing = mappings.stream_arn[:-1] + last
    message = await refused(mappings, "InvalidParameterValueException", EventSourceArn=missing)
    assert message == f"Stream not found: {missing}"
    message = await refused(
        mappings,
        "InvalidParameterValueException",
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=1,
    )
    assert message == f"Unsupported starting position for arn type: {mappings.stream_arn}"


async def test_lists_by_function_and_source_in_pages(mappings):
    """A function's name or ARN and a source's ARN choose; a marker goes on where a page ended."""
    first, second = await mappings.created(), await mappings.created(FunctionName="g")

    async def listed(**arguments):
        answer = await mappings("list_event_source_mappings", **arguments)
        return [one["UUID"] for one in answer["EventSourceMappings"]]

    assert await listed() == [first, second]
    assert await listed(FunctionName="g") == [second]
    assert await listed(FunctionName="arn:aws:lambda:us-east-1:000000000000:function:f") == [first]
    assert await listed(EventSourceArn=mappings.stream_arn) == [first, second]
    assert await listed(EventSourceArn=mappings.stream_arn + "9") == []
    page = await mappings("list_event_source_mappings", MaxItems=1)
    assert await listed(Marker=page["NextMarker"], MaxItems=1) == [second]
    assert "NextMarker" not in await mappings("list_event_source_mappings", MaxItems=2)


async def test_a_queue_mapping_is_created_with_awss_defaults(mappings):
    """A queue's mapping has a queue's fields alone, and a duplicate is refused in a queue's words."""
    arn = f"arn:aws:sqs:us-east-1:000000000000:{mappings.world.queue}"
    answer = await mappings("create_event_source_mapping", EventSourceArn=arn, FunctionName="f")
    mapping_id = answer["UUID"]
    assert told(answer) == {
        "BatchSize": 10,
        "EventSourceArn": arn,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{mapping_id}",
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "FunctionResponseTypes": [],
        "LastModified": answer["LastModified"],
        "MaximumBatchingWindowInSeconds": 0,
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
        "UUID": mapping_id,
    }
    await mappings.sources.settled(mapping_id)
    with pytest.raises(mappings.client.exceptions.ResourceConflictException, match="mapping with SQS arn"):
        await mappings("create_event_source_mapping", EventSourceArn=arn, FunctionName="f")
    await mappings.update(mapping_id, ScalingConfig={"MaximumConcurrency": 5})
    assert (await mappings.get(mapping_id))["ScalingConfig"] == {"MaximumConcurrency": 5}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS event sources."),
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:nobody"}, "NonExistentQueue"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q"}}},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
    ],
    ids=["starting position", "batch without window", "unknown queue", "destination"],
)
async def test_refuses_what_a_queue_cannot_have(mappings, arguments, message):
    """What belongs to streams, or contradicts itself, is refused for a queue."""
    arn = f"arn:aws:sqs:us-east-1:000000000000:{mappings.world.queue}"
    with pytest.raises(mappings.client.exceptions.InvalidParameterValueException, match=message):
        await mappings(
            "create_event_source_mapping", **{"EventSourceArn": arn, "FunctionName": "f", **arguments}
        )


async def test_a_mapping_that_is_being_changed_is_in_use(mappings):
    """While a mapping that is deleted waits for its invocation it can neither be updated nor deleted."""
    world = mappings.world
    mapping_id = await mappings.created()
    release = asyncio.Event()

    invoke = world.invoker.invoke

    async def slow(function, payload, **more):
        result = await invoke(function, payload, **more)
        await release.wait()
        return result

    world.invoker.invoke = slow
    await world.put("a")
    await world.invoker.until(lambda: world.invoker.keys == ["a"])
    await mappings("delete_event_source_mapping", UUID=mapping_id)
    with pytest.raises(mappings.client.exceptions.ResourceInUseException):
        await mappings("update_event_source_mapping", UUID=mapping_id, BatchSize=5)
    with pytest.raises(mappings.client.exceptions.ResourceInUseException):
        await mappings("delete_event_source_mapping", UUID=mapping_id)
    release.set()
    await mappings.sources.settled(mapping_id)
