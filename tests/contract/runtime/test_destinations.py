"""What is sent to queues, topics and buckets, on a real back end."""

import json
from typing import Any

import pytest

from emulator.application import AsynchronousConfig, Destination
from emulator.aws import Clients
from emulator.clock import ManualClock
from emulator.destinations import AwsDestinations
from emulator.errors import BackendFailed
from emulator.localstack.process import LocalStack

LONG_WAIT_S = 10


class Account:
    """The back end as an application sees it."""

    def __init__(self, endpoint_url: str) -> None:
        self.client = Clients(endpoint_url)

    def queue(self, name: str) -> str:
        url: str = self.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        return url

    def subscribed_topic(self, name: str, queue: str) -> None:
        arn = self.client("sns").create_topic(Name=name)["TopicArn"]
        self.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=Destination.queue(queue).arn)

    def message(self, url: str) -> dict[str, Any]:
        """Return the next message of a queue; waits for it."""
        answer = self.client("sqs").receive_message(
            QueueUrl=url, WaitTimeSeconds=LONG_WAIT_S, MessageAttributeNames=["All"]
        )
        message: dict[str, Any] = answer["Messages"][0]
        self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return message


@pytest.fixture
def account(localstack: LocalStack) -> Account:
    return Account(localstack.endpoint_url)


@pytest.fixture
async def destinations(localstack: LocalStack) -> AwsDestinations:
    return AwsDestinations(lambda: localstack.endpoint_url)


async def test_a_queue_takes_the_body_and_the_attributes(
    account: Account, destinations: AwsDestinations
) -> None:
    """A message has the body as it was, and its attributes."""
    url = account.queue("letters")
    attributes = {"ErrorCode": {"DataType": "Number", "StringValue": "200"}}
    await destinations.send(Destination.queue("letters"), '{"a": 1}', attributes=attributes)
    message = account.message(url)
    assert message["Body"] == '{"a": 1}'
    assert message["MessageAttributes"] == attributes


async def test_a_topic_takes_the_body_and_the_attributes(
    account: Account, destinations: AwsDestinations
) -> None:
    """Who is subscribed gets both in SNS's envelope."""
    url = account.queue("heard")
    account.subscribed_topic("told", "heard")
    attributes = {"ErrorCode": {"DataType": "Number", "StringValue": "200"}}
    await destinations.send(Destination.topic("told"), "the body", attributes=attributes)
    envelope = json.loads(account.message(url)["Body"])
    assert envelope["Message"] == "the body"
    assert envelope["MessageAttributes"] == {"ErrorCode": {"Type": "Number", "Value": "200"}}


async def test_a_bucket_takes_the_body_under_its_key(account: Account, destinations: AwsDestinations) -> None:
    """An object has the body."""
    account.client("s3").create_bucket(Bucket="records")
    await destinations.send(Destination.bucket("records"), "the body", key="a/b/c")
    assert account.client("s3").get_object(Bucket="records", Key="a/b/c")["Body"].read() == b"the body"


@pytest.mark.parametrize(
    "destination", [Destination.queue("none"), Destination.topic("none"), Destination.bucket("none")]
)
async def test_a_destination_that_is_not_there(
    account: Account, destinations: AwsDestinations, destination: Destination
) -> None:
    """The failure names the destination."""
    with pytest.raises(BackendFailed, match="none"):
        await destinations.send(destination, "the body", key="key")


async def test_a_failing_event_leaves_a_letter_and_a_record(
    account: Account, destinations: AwsDestinations, serve: Any, function: Any, until: Any
) -> None:
    """With both configured, the dead-letter queue has the event and the bucket the record (row E44)."""
    url = account.queue("dead")
    account.client("s3").create_bucket(Bucket="failures")
    config = AsynchronousConfig(0, on_failure=Destination.bucket("failures"))
    service = await serve(
        function("failing", asynchronous=config, dead_letter=Destination.queue("dead")),
        destinations=destinations,
        clock=ManualClock(),
    )
    request_id = await service.invoke_event("failing", b'{"what": "hopeless"}')
    await until(lambda: not service.stats()["queued_events"])
    letter = account.message(url)
    (stored,) = account.client("s3").list_objects_v2(Bucket="failures")["Contents"]
    record = json.loads(account.client("s3").get_object(Bucket="failures", Key=stored["Key"])["Body"].read())
    assert letter["Body"] == '{"what": "hopeless"}'
    assert {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()} == {
        "RequestID": request_id,
        "ErrorCode": "200",
        "ErrorMessage": "it is hopeless",
    }
    assert stored["Key"].startswith("aws/lambda/async/failing/2023/11/14/2023-11-14T22.13.20-")
    assert record["requestContext"]["requestId"] == request_id
    assert record["responsePayload"]["errorMessage"] == "it is hopeless"
