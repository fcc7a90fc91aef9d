"""Creates an application's tables, queues, buckets, secrets and objects on the back end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from emulator.application import Application, Table

MAX_PARALLEL_CALLS = 8
"""Calls to the back end at once while creating; one laptop process answers them. Ours."""


def create(application: Application, client: Callable[[str], Any]) -> None:
    """Create what does not exist yet; safe to run twice.

    Args:
        client: returns the boto3 client of a service.
    """
    with ThreadPoolExecutor(MAX_PARALLEL_CALLS) as pool:
        works = [pool.submit(_create_table, client("dynamodb"), table) for table in application.tables]
        works += [
            pool.submit(client("sqs").create_queue, QueueName=queue.name) for queue in application.queues
        ]
        works += [
            pool.submit(_create_secret, client("secretsmanager"), secret.name, secret.value)
            for secret in application.secrets
        ]
        if application.buckets or application.objects:
            works.append(pool.submit(_fill_buckets, client("s3"), application))
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
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in table.indexes
        ]
    if table.stream_view_type is not None:
        request["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": str(table.stream_view_type),
        }
    return request


def _key_schema(keyed: Any) -> list[dict[str, str]]:
    schema = [{"AttributeName": keyed.partition_key.name, "KeyType": "HASH"}]
    if keyed.sort_key is not None:
        schema.append({"AttributeName": keyed.sort_key.name, "KeyType": "RANGE"})
    return schema


def _create_table(dynamodb: Any, table: Table) -> None:
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


def _create_secret(secretsmanager: Any, name: str, value: str) -> None:
    try:
        secretsmanager.create_secret(Name=name, SecretString=value)
    except secretsmanager.exceptions.ResourceExistsException:
        secretsmanager.put_secret_value(SecretId=name, SecretString=value)


def _fill_buckets(s3: Any, application: Application) -> None:
    for bucket in application.buckets:
        s3.create_bucket(Bucket=bucket)
    for item in application.objects:
        s3.put_object(Bucket=item.bucket, Key=item.key, Body=item.body(), ContentType=item.content_type)
