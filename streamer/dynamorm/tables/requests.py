"""Parts of the requests that create and change tables. Pure: no I/O."""

from collections.abc import Iterable
from typing import Any

from streamer.dynamorm.schema import Index, KeyAttribute, Projection, StreamView, Table, Throughput


def create_table(table: Table, name: str) -> dict[str, Any]:
    """Return the arguments of CreateTable; TTL and recovery are calls of their own.

    Args:
        name: what the table is called in the account.
    """
    request: dict[str, Any] = {
        "TableName": name,
        "AttributeDefinitions": attribute_definitions(table.key_attributes()),
        "KeySchema": key_schema(table),
        **billing(table.throughput),
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [index_of(index, table.throughput) for index in table.indexes]
    if table.stream is not None:
        request["StreamSpecification"] = stream(table.stream)
    if table.kms_key is not None:
        request["SSESpecification"] = encryption(table.kms_key)
    if table.deletion_protection:
        request["DeletionProtectionEnabled"] = True
    return request


def attribute_definitions(keys: Iterable[KeyAttribute]) -> list[dict[str, str]]:
    types = {key.name: key.type for key in keys}
    return [{"AttributeName": name, "AttributeType": kind.value} for name, kind in types.items()]


def key_schema(keyed: Table | Index) -> list[dict[str, str]]:
    return [
        {"AttributeName": key.name, "KeyType": role}
        for key, role in zip(keyed.keys, ("HASH", "RANGE"), strict=False)
    ]


def index_of(index: Index, throughput: Throughput | None) -> dict[str, Any]:
    """Return an index as CreateTable and UpdateTable take it.

    Args:
        throughput: the table's.
    """
    described: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": key_schema(index),
        "Projection": projection(index.projection),
    }
    if throughput is not None:
        described["ProvisionedThroughput"] = units(index.throughput or throughput)
    return described


def projection(projected: Projection | tuple[str, ...]) -> dict[str, Any]:
    if isinstance(projected, Projection):
        return {"ProjectionType": projected.value}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(projected)}


def billing(throughput: Throughput | None) -> dict[str, Any]:
    if throughput is None:
        return {"BillingMode": "PAY_PER_REQUEST"}
    return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units(throughput)}


def units(throughput: Throughput) -> dict[str, int]:
    return {"ReadCapacityUnits": throughput.read_units, "WriteCapacityUnits": throughput.write_units}


def stream(view: StreamView | None) -> dict[str, Any]:
    if view is None:
        return {"StreamEnabled": False}
    return {"StreamEnabled": True, "StreamViewType": view.value}


def encryption(kms_key: str | None) -> dict[str, Any]:
    if kms_key is None:
        return {"Enabled": False}
    request: dict[str, Any] = {"Enabled": True, "SSEType": "KMS"}
    if kms_key != AWS_MANAGED_KEY:  # DynamoDB refuses its own alias by name
        request["KMSMasterKeyId"] = kms_key
    return request


AWS_MANAGED_KEY = "alias/aws/dynamodb"
"""The key that AWS manages in each account. DynamoDB API reference, `SSESpecification`."""
