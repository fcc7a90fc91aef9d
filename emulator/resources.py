"""Creates an application's tables, queues, topics, buckets, secrets and objects on the back end."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from emulator.application import Application, BucketObject, Destination, LifecycleRule, Queue, Secret, Table
from emulator.errors import BackendFailed, InvalidApplication

MAX_PARALLEL_CALLS = 8
"""Calls to the back end at once while creating; one laptop process answers them. Ours."""

RECEIVE_COUNTS = range(1, 1_001)
"""What `max_receive_count` may be. SQS Developer Guide, "Dead-letter queues"."""

VISIBILITY_TIMEOUTS_S = range(43_201)
"""What a visibility timeout may be. SQS API reference, `SetQueueAttributes`."""

Step = tuple[str, Callable[[], object]]
"""What a step creates, in words, and how."""


def create(application: Application, client: Callable[[str], Any]) -> None:
    """Create what does not exist yet, side by side where it can be; safe to run twice.

    Args:
        client: returns the boto3 client of a service.

    Raises:
        InvalidApplication: a queue's attributes are none that SQS takes, or queues are each other's
            dead-letter queues in a circle.
        BackendFailed: the back end refuses something; it says what.
    """
    waves = _queue_waves(application.queues)
    with ThreadPoolExecutor(MAX_PARALLEL_CALLS) as pool:
        works = [pool.submit(_run, step) for step in _steps(application, client)]
        # A redrive policy names a queue that must exist: the waves of queues go one after the other, and
        # beside everything else.
        works.append(pool.submit(_create_queues, waves, client))
        for work in works:
            work.result()


def table_request(table: Table) -> dict[str, Any]:
    """Return the CreateTable request of `table`."""
    keys = [table.partition_key, *([table.sort_key] if table.sort_key else [])]
    for index in table.indexes:
        keys += [index.partition_key, *([index.sort_key] if index.sort_key else [])]
    request: dict[str, Any] = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": type_}
            for name, type_ in {key.name: key.type for key in keys}.items()
        ],
        "KeySchema": _key_schema(table),
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index),
                "Projection": _projection(index.projection),
            }
            for index in table.indexes
        ]
    if table.stream_view_type is not None:
        request["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": str(table.stream_view_type),
        }
    return request


def _projection(projection: str | Sequence[str]) -> dict[str, Any]:
    if isinstance(projection, str):
        return {"ProjectionType": projection}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": [*projection]}


def queue_attributes(queue: Queue) -> dict[str, str]:
    """Return the attributes of `queue`, as CreateQueue and SetQueueAttributes take them.

    Raises:
        InvalidApplication: SQS would refuse them.
    """
    if queue.visibility_timeout_s not in VISIBILITY_TIMEOUTS_S:
        raise InvalidApplication(
            f"Queue {queue.name} has a visibility timeout of {queue.visibility_timeout_s} s; it must be a"
            f" whole number from 0 to {VISIBILITY_TIMEOUTS_S[-1]}."
        )
    attributes = {"VisibilityTimeout": str(queue.visibility_timeout_s)}
    if queue.content_based_deduplication:
        attributes["ContentBasedDeduplication"] = "true"
    if queue.dead_letter_queue is not None:
        if queue.max_receive_count not in RECEIVE_COUNTS:
            raise InvalidApplication(
                f"Queue {queue.name} has a max_receive_count of {queue.max_receive_count}; it must be from"
                f" {RECEIVE_COUNTS.start} to {RECEIVE_COUNTS[-1]}."
            )
        attributes["RedrivePolicy"] = json.dumps(
            {
                "deadLetterTargetArn": Destination.queue(queue.dead_letter_queue).arn,
                "maxReceiveCount": queue.max_receive_count,
            }
        )
    return attributes


def _steps(application: Application, client: Callable[[str], Any]) -> Iterator[Step]:
    for table in application.tables:
        yield f"table {table.name}", partial(_create_table, client, table)
    for topic in application.topics:
        yield f"topic {topic}", partial(_create_topic, client, topic)
    for secret in application.secrets:
        yield f"secret {secret.name}", partial(_create_secret, client, secret)
    for bucket in dict.fromkeys([*application.buckets, *(item.bucket for item in application.objects)]):
        objects = [item for item in application.objects if item.bucket == bucket]
        is_new = bucket in application.buckets
        rules = [rule for rule in application.lifecycle_rules if rule.bucket == bucket]
        yield f"bucket {bucket}", partial(_fill_bucket, client, bucket, objects, rules, is_new=is_new)


def _run(step: Step) -> None:
    what, make = step
    try:
        make()
    except (ClientError, BotoCoreError) as error:
        raise BackendFailed(
            f"The {what} could not be created ({error}); see its declaration and the back end's log."
        ) from error


def _queue_waves(queues: Sequence[Queue]) -> list[list[tuple[Queue, dict[str, str]]]]:
    """Return the queues with their attributes, each after its dead-letter queue."""
    left = {queue.name: (queue, queue_attributes(queue)) for queue in queues}
    waves = []
    while left:
        wave = [one for one in left.values() if one[0].dead_letter_queue not in left]
        if not wave:
            raise InvalidApplication(
                f"The queues {', '.join(sorted(left))} are each other's dead-letter queues in a circle; one"
                " must have none."
            )
        waves.append(wave)
        for queue, _ in wave:
            del left[queue.name]
    return waves


def _create_queues(
    waves: Sequence[Sequence[tuple[Queue, dict[str, str]]]], client: Callable[[str], Any]
) -> None:
    for wave in waves:
        with ThreadPoolExecutor(MAX_PARALLEL_CALLS) as pool:
            works = [
                pool.submit(_run, (f"queue {queue.name}", partial(_create_queue, client, queue, attributes)))
                for queue, attributes in wave
            ]
            for work in works:
                work.result()


def _create_queue(client: Callable[[str], Any], queue: Queue, attributes: dict[str, str]) -> None:
    sqs = client("sqs")
    kind = {"FifoQueue": "true"} if queue.name.endswith(".fifo") else {}
    try:
        sqs.create_queue(QueueName=queue.name, Attributes={**attributes, **kind})
    except sqs.exceptions.QueueNameExists:
        # It is there with other attributes, from an earlier run or an earlier declaration.
        url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def _create_topic(client: Callable[[str], Any], name: str) -> None:
    client("sns").create_topic(Name=name)


def _key_schema(keyed: Any) -> list[dict[str, str]]:
    schema = [{"AttributeName": keyed.partition_key.name, "KeyType": "HASH"}]
    if keyed.sort_key is not None:
        schema.append({"AttributeName": keyed.sort_key.name, "KeyType": "RANGE"})
    return schema


def _create_table(client: Callable[[str], Any], table: Table) -> None:
    dynamodb = client("dynamodb")
    try:
        dynamodb.create_table(**table_request(table))
    except dynamodb.exceptions.ResourceInUseException:
        return
    description = dynamodb.describe_table(TableName=table.name)["Table"]
    if description["TableStatus"] != "ACTIVE":
        dynamodb.get_waiter("table_exists").wait(TableName=table.name)
    if table.ttl_attribute is not None:
        dynamodb.update_time_to_live(
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
        )


def _create_secret(client: Callable[[str], Any], secret: Secret) -> None:
    secretsmanager = client("secretsmanager")
    try:
        secretsmanager.create_secret(Name=secret.name, SecretString=secret.value)
    except secretsmanager.exceptions.ResourceExistsException:
        secretsmanager.put_secret_value(SecretId=secret.name, SecretString=secret.value)


def _fill_bucket(
    client: Callable[[str], Any],
    bucket: str,
    objects: Sequence[BucketObject],
    rules: Sequence[LifecycleRule],
    *,
    is_new: bool,
) -> None:
    s3 = client("s3")
    if is_new:
        s3.create_bucket(Bucket=bucket)
    if rules:
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [_lifecycle_rule(rule) for rule in rules]}
        )
    for item in objects:
        s3.put_object(Bucket=bucket, Key=item.key, Body=item.body(), ContentType=item.content_type)


def _lifecycle_rule(rule: LifecycleRule) -> dict[str, Any]:
    return {
        "ID": f"{rule.prefix} after {rule.expiration_days} days",
        "Filter": {"Prefix": rule.prefix},
        "Expiration": {"Days": rule.expiration_days},
        "Status": "Enabled",
    }
