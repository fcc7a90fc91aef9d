"""Rows F3.*: how an event source mapping is configured, and what is refused."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

PATTERN = json.dumps({"eventName": ["INSERT"]})

DEFAULTS = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "BisectBatchOnFunctionError": False,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
    "DestinationConfig": {"OnFailure": {}},
}


@pytest.fixture
def lenient(parity: Any) -> Any:
    """A client that sends what is out of range, too, so that the service answers it."""
    from botocore.config import Config

    return parity.boto3("lambda", config=Config(parameter_validation=False))


async def refused(parity: Any, stream: Any, **fields: Any) -> tuple[str, str]:
    """Try to create a mapping; returns the error's code and message. Nothing is made."""
    with pytest.raises(ClientError) as caught:
        await stream.create_mapping(**fields)
    listed = await parity.call(parity.boto3("lambda").list_event_source_mappings, EventSourceArn=stream.arn)
    assert listed["EventSourceMappings"] == []
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.row("F3.create-response")
@pytest.mark.row(*(f"F3.{name}" for name in DEFAULTS))
async def test_creating_answers_with_everything(parity: Any, stream: Any) -> None:
    """202, `Creating`, every field with its default; then `Enabled`, and the result once something ran."""
    answer = await stream.create_mapping()
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 202
    mapping_id = answer["UUID"]
    assert str(uuid.UUID(mapping_id)) == mapping_id
    account = stream.arn.split(":")[4]
    expected = {
        **DEFAULTS,
        "UUID": mapping_id,
        "EventSourceArn": stream.arn,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:{account}:event-source-mapping:{mapping_id}",
        "FunctionArn": f"arn:aws:lambda:us-east-1:{account}:function:on-mapped",
        "StartingPosition": "TRIM_HORIZON",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "LastProcessingResult": "No records processed",
        "LastModified": answer["LastModified"],
    }
    assert answer == expected
    assert (await stream.settled(mapping_id))["State"] == "Enabled"
    await stream.put("s")
    await parity.function("on-mapped").event()
    await has_result(parity, stream, mapping_id, "OK")
    parity.function("on-mapped").raises("no")
    await stream.put("t")
    await has_result(parity, stream, mapping_id, "PROBLEM: Function call failed")


async def has_result(parity: Any, stream: Any, mapping_id: str, result: str) -> None:
    get = parity.boto3("lambda").get_event_source_mapping
    await parity.eventually(lambda: get(UUID=mapping_id)["LastProcessingResult"] == result)


LEAST = {
    "BatchSize": 1,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
}
MOST = {
    "BatchSize": 10_000,
    "MaximumBatchingWindowInSeconds": 300,
    "ParallelizationFactor": 10,
    "MaximumRetryAttempts": 10_000,
    "MaximumRecordAgeInSeconds": 604_800,
}


@pytest.mark.row(*(f"F3.{name}" for name in MOST))
@pytest.mark.parametrize("limits", [LEAST, MOST], ids=["least", "most"])
async def test_least_and_greatest_values_are_taken(stream: Any, limits: dict[str, int]) -> None:
    """Each number may have the ends of its range."""
    answer = await stream.create_mapping(Enabled=False, **limits)
    assert {name: answer[name] for name in limits} == limits


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        *(
            pytest.param(
                name, least - 1, f"greater than or equal to {least}", marks=pytest.mark.row(f"F3.{name}")
            )
            for name, least in LEAST.items()
        ),
        *(
            pytest.param(name, most + 1, f"less than or equal to {most}", marks=pytest.mark.row(f"F3.{name}"))
            for name, most in MOST.items()
        ),
    ],
)
async def test_values_beyond_are_refused(
    lenient: Any, parity: Any, stream: Any, name: str, value: int, bound: str
) -> None:
    """One less or one more is a ValidationException that names member, value and bound."""
    stream.client = lenient
    code, message = await refused(parity, stream, **{name: value})
    member = name[0].lower() + name[1:]
    assert code == "ValidationException"
    assert message == (
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member"
        f" must have value {bound}"
    )


@pytest.mark.row("F3.StartingPosition")
async def test_starting_position_is_needed(lenient: Any, parity: Any, stream: Any) -> None:
    """A stream's mapping says where it starts; not at a time, which DynamoDB's streams do not know."""
    stream.client = lenient
    code, message = await refused(parity, stream, StartingPosition=None)
    assert (code, "startingPosition" in message) == ("InvalidParameterValueException", True)
    code, message = await refused(
        parity, stream, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1_700_000_000
    )
    assert code == "InvalidParameterValueException"
    assert message == f"Unsupported starting position for arn type: {stream.arn}"
    code, _ = await refused(parity, stream, StartingPosition="SOMEWHERE")
    assert code == "ValidationException"


@pytest.mark.row("F3.FunctionResponseTypes")
async def test_response_types(lenient: Any, parity: Any, stream: Any) -> None:
    """One type there is; another, or a second one, is refused."""
    answer = await stream.create_mapping(FunctionResponseTypes=["ReportBatchItemFailures"], Enabled=False)
    assert answer["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    await stream.end_mappings()
    stream.client = lenient
    for types in (["Nonsense"], ["ReportBatchItemFailures", "ReportBatchItemFailures"]):
        code, _ = await refused(parity, stream, FunctionResponseTypes=types)
        assert code == "ValidationException"


@pytest.mark.row("F3.DestinationConfig")
@pytest.mark.parametrize("destination", ["arn:aws:sqs:{}:q", "arn:aws:sns:{}:t", "arn:aws:s3:::b"])
async def test_destinations_are_taken(stream: Any, destination: str) -> None:
    """A queue, a topic or a bucket can be named."""
    arn = destination.format(":".join(stream.arn.split(":")[3:5]))
    config = {"OnFailure": {"Destination": arn}}
    answer = await stream.create_mapping(DestinationConfig=config, Enabled=False)
    assert answer["DestinationConfig"] == config


@pytest.mark.gap("F3.DestinationConfig", reason="no Kafka cluster runs here to be a destination")
async def test_kafka_is_refused(parity: Any, stream: Any) -> None:
    """A destination that nobody runs is refused, and named."""
    arn = f"arn:aws:kafka:us-east-1:{stream.arn.split(':')[4]}:cluster/c/1-2"
    config = {"OnFailure": {"Destination": arn}}
    code, message = await refused(parity, stream, DestinationConfig=config)
    assert code == "InvalidParameterValueException"
    assert message == f"{arn} is no destination that is emulated; name a queue, topic or bucket."


@pytest.mark.row("F3.FilterCriteria")
async def test_filters_come_back_as_they_were_sent(stream: Any) -> None:
    """Five filters, one of the greatest length, are told to the letter."""
    longest = json.dumps({"eventName": ["x" * (4096 - len('{"eventName": [""]}'))]})
    assert len(longest) == 4096
    criteria = {"Filters": [{"Pattern": pattern} for pattern in (longest, *[PATTERN] * 4)]}
    answer = await stream.create_mapping(FilterCriteria=criteria, Enabled=False)
    assert answer["FilterCriteria"] == criteria


@pytest.mark.row("F3.FilterCriteria")
@pytest.mark.parametrize(
    ("patterns", "constraint"),
    [
        ([PATTERN] * 6, "Member must have length less than or equal to 5"),
        (
            [json.dumps({"eventName": ["x" * 4096]})],
            "Member must have length less than or equal to 4096",
        ),
    ],
    ids=["six", "too long"],
)
async def test_more_filters_are_refused(
    lenient: Any, parity: Any, stream: Any, patterns: list[str], constraint: str
) -> None:
    """A sixth filter, and one of 4,097 characters, violate their limits."""
    stream.client = lenient
    criteria = {"Filters": [{"Pattern": pattern} for pattern in patterns]}
    code, message = await refused(parity, stream, FilterCriteria=criteria)
    assert code == "ValidationException"
    assert message.endswith(constraint)


@pytest.mark.row("F3.bad-filter")
@pytest.mark.parametrize("pattern", ["[", '"text"', '{"eventName": "INSERT"}', '{"eventName": []}'])
async def test_filter_that_is_none_is_refused(parity: Any, stream: Any, pattern: str) -> None:
    """No JSON, no object, a value outside of a list, an empty list: one sentence for all."""
    refusal = await refused(parity, stream, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    assert refusal == ("InvalidParameterValueException", "Invalid filter pattern definition.")


@pytest.mark.row("F3.duplicate")
async def test_same_stream_and_function_again_is_a_conflict(parity: Any, stream: Any) -> None:
    """409 with the UUID of the first; another function may read the same stream."""
    mapping_id = await stream.map(Enabled=False)
    with pytest.raises(parity.boto3("lambda").exceptions.ResourceConflictException) as caught:
        await stream.create_mapping()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert caught.value.response["Error"]["Message"] == (
        f'The event source arn (" {stream.arn} ") and function (" on-mapped ") provided mapping already'
        f" exists. Please update or delete the existing mapping with UUID {mapping_id}"
    )
    await stream.map("on-mapped-too", Enabled=False)


@pytest.mark.row("F3.unknown-stream")
async def test_stream_that_does_not_exist_is_refused(parity: Any, stream: Any) -> None:
    """The sentence names the stream."""
    arn = stream.arn.replace(stream.table, "no-such-table")
    refusal = await refused(parity, stream, EventSourceArn=arn)
    assert refusal == ("InvalidParameterValueException", f"Stream not found: {arn}")


@pytest.mark.gap("F3.TumblingWindowInSeconds", "F61", reason="tumbling windows are not emulated")
@pytest.mark.parametrize("seconds", [1, 900])
async def test_tumbling_window_is_refused(parity: Any, stream: Any, seconds: int) -> None:
    """A window is refused with a sentence that says so, not silently taken."""
    code, message = await refused(parity, stream, TumblingWindowInSeconds=seconds)
    assert code == "InvalidParameterValueException"
    assert message == "Tumbling windows are not emulated; set TumblingWindowInSeconds to 0 here."
