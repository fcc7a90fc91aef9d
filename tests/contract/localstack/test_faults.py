"""Calls to the back end that fail or are slow on purpose."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator.aws import Clients
from emulator.faults import Fault, FaultKind
from emulator.localstack.process import LocalStack

FAIL, SLOW = FaultKind.FAIL_BACKEND_CALL, FaultKind.SLOW_BACKEND_CALL
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture
async def declare(localstack: LocalStack) -> AsyncIterator[Callable[..., Any]]:
    """Declare faults, which are taken back in the end."""
    yield lambda *faults: localstack.set_faults(faults)
    await localstack.set_faults([])


@pytest.fixture
def aws(localstack: LocalStack) -> Callable[[str], Any]:
    """Clients as an application's, without retries."""
    clients = Clients(localstack.endpoint_url)
    return lambda service: clients.new(service, config=ONCE)


@pytest.mark.parametrize(
    ("code", "said", "status"),
    [
        ("", "InternalServerError", 500),
        ("ThrottlingException", "ThrottlingException", 400),
        ("ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException", 400),
        ("503", "ServiceUnavailable", 503),
    ],
)
async def test_a_call_fails_with_the_code_asked_for(
    aws: Callable[[str], Any], table: str, declare: Callable[..., Any], code: str, said: str, status: int
) -> None:
    """The error has the service's own form, so that boto3 raises what it raises on AWS."""
    dynamodb = aws("dynamodb")
    await declare(Fault(FAIL, {"service": "dynamodb", "operation": "PutItem"}, code=code))
    with pytest.raises(ClientError) as caught:
        dynamodb.put_item(TableName=table, Item=KEY)
    assert caught.value.response["Error"]["Code"] == said
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert "Item" not in dynamodb.get_item(TableName=table, Key=KEY)
    dynamodb.put_item(TableName=table, Item=KEY)


async def test_other_services_fail_in_their_own_form(
    aws: Callable[[str], Any], declare: Callable[..., Any]
) -> None:
    """JSON, XML, whatever the service speaks."""
    for service, call in [
        ("sqs", "list_queues"),
        ("s3", "list_buckets"),
        ("secretsmanager", "list_secrets"),
        ("sns", "list_topics"),
    ]:
        await declare(Fault(FAIL, {"service": service}, code="ThrottlingException"))
        with pytest.raises(ClientError) as caught:
            getattr(aws(service), call)()
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"


async def test_a_conflict_cancels_a_transaction(
    aws: Callable[[str], Any], table: str, declare: Callable[..., Any]
) -> None:
    """Row G7: a write is refused with TransactionConflictException, a transaction with that as a reason."""
    dynamodb = aws("dynamodb")
    await declare(Fault(FAIL, {"service": "dynamodb"}, code="TransactionConflictException", times=2))
    with pytest.raises(dynamodb.exceptions.TransactionConflictException):
        dynamodb.put_item(TableName=table, Item=KEY)
    puts = [{"Put": {"TableName": table, "Item": {**KEY, "sk": {"S": sk}}}} for sk in "bc"]
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=puts)
    reasons = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert reasons == ["TransactionConflict", "None"]


async def test_a_call_is_slow(
    aws: Callable[[str], Any], table: str, declare: Callable[..., Any], localstack: LocalStack
) -> None:
    """It is answered, later."""
    dynamodb = aws("dynamodb")
    await declare(Fault(SLOW, {"operation": "GetItem"}, delay_s=0.3))
    began = time.monotonic()
    dynamodb.get_item(TableName=table, Key=KEY)
    assert time.monotonic() - began >= 0.3
    assert await localstack.count_faults() == [1]


async def test_faults_are_counted_and_go_on_when_others_come(
    aws: Callable[[str], Any], table: str, declare: Callable[..., Any], localstack: LocalStack
) -> None:
    """A fault that has struck as often as it may does not strike again because another was declared."""
    dynamodb = aws("dynamodb")
    first = Fault(FAIL, {"operation": "GetItem"}, skip=1)
    await declare(first)
    dynamodb.get_item(TableName=table, Key=KEY)
    with pytest.raises(ClientError):
        dynamodb.get_item(TableName=table, Key=KEY)
    await declare(Fault(FAIL, {"operation": "PutItem"}), first)
    dynamodb.get_item(TableName=table, Key=KEY)
    assert await localstack.count_faults() == [0, 1]


async def test_dice_fall_as_the_seed_says(
    aws: Callable[[str], Any], table: str, declare: Callable[..., Any]
) -> None:
    """The same seed strikes the same calls."""
    dynamodb = aws("dynamodb")

    def play() -> list[bool]:
        struck = []
        for _ in range(20):
            try:
                dynamodb.get_item(TableName=table, Key=KEY)
            except ClientError:
                struck.append(True)
            else:
                struck.append(False)
        return struck

    rounds = []
    for _ in range(2):
        await declare()
        await declare(Fault(FAIL, {"operation": "GetItem"}, probability=0.5, times=None, seed=7))
        rounds.append(play())
    assert rounds[0] == rounds[1]
    assert 0 < sum(rounds[0]) < 20


async def test_the_emulators_own_calls_are_spared(
    localstack: LocalStack, table: str, declare: Callable[..., Any]
) -> None:
    """Pollers and set-up go on; only applications meet the fault."""
    own = Clients(localstack.endpoint_url, emulators_own=True)
    await declare(Fault(FAIL, times=None), Fault(FAIL, {"service": "sqs"}, times=None))
    own("dynamodb").put_item(TableName=table, Item=KEY)
    own("sqs").list_queues()
    assert await localstack.count_faults() == [0, 0]


async def test_faults_of_other_places_are_left_out(
    localstack: LocalStack, declare: Callable[..., Any]
) -> None:
    """Only those of the back end are its business."""
    await declare(Fault(FaultKind.KILL_ENVIRONMENT))
    assert await localstack.count_faults() == []


async def test_strikes_are_told_at_once_and_once(
    localstack: LocalStack, aws: Callable[[str], Any], declare: Callable[..., Any]
) -> None:
    """Who waits for strikes has them with their service and operation, each by a number of its own."""
    before = max((one["number"] for one in await localstack.strikes(after=0, wait_s=0)), default=0)
    await declare(Fault(FAIL, {"service": "sqs"}, times=2))
    waiting = asyncio.create_task(localstack.strikes(after=before, wait_s=20))
    for _ in range(2):
        with pytest.raises(ClientError):
            await asyncio.to_thread(aws("sqs").list_queues)
    [first, *more] = await waiting
    assert (first["fault"], first["service"], first["operation"]) == (str(FAIL), "sqs", "ListQueues")
    found = more or await localstack.strikes(after=first["number"], wait_s=20)
    assert [one["number"] for one in found] == [first["number"] + 1]
    assert await localstack.strikes(after=found[0]["number"], wait_s=0) == []
