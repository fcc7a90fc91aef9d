"""What DynamoDB's descriptions say."""

from typing import Any

from streamer.dynamorm import (
    Index,
    KeyAttribute,
    KeyType,
    Projection,
    StreamView,
    Table,
    Throughput,
)
from streamer.dynamorm.tables.descriptions import read_description

DESCRIBED: dict[str, Any] = {
    "TableName": "production-orders",
    "TableStatus": "ACTIVE",
    "TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/production-orders",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "day", "AttributeType": "B"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "ProvisionedThroughput": {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 0,
        "WriteCapacityUnits": 0,
    },
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-day",
            "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total", "note"]},
            "IndexStatus": "ACTIVE",
            "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        }
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    "LatestStreamArn": "arn:…/stream/1",
    "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": "arn:…:key/one"},
    "DeletionProtectionEnabled": True,
}
"""Shape: DynamoDB API reference, `DescribeTable`."""


def test_everything_that_is_declared_is_read() -> None:
    """A description in full becomes the declaration that made it."""
    found = read_description(
        "orders",
        DESCRIBED,
        {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"},
        {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"},
        },
    )
    assert found.table == Table(
        "orders",
        KeyAttribute("pk"),
        KeyAttribute("sk", KeyType.NUMBER),
        indexes=(Index("by-day", KeyAttribute("day", KeyType.BINARY), projection=("note", "total")),),
        ttl_attribute="expires_at",
        stream=StreamView.NEW_IMAGE,
        kms_key="arn:…:key/one",
        deletion_protection=True,
        point_in_time_recovery=True,
    )
    assert (found.status, found.busy, found.ttl_status) == ("ACTIVE", (), "ENABLED")
    assert found.stream_arn == "arn:…/stream/1"


def test_the_least_that_is_described() -> None:
    """A provisioned table says no billing mode; a stream that is off leaves its ARN behind."""
    described = {
        "TableName": "t",
        "TableStatus": "ACTIVE",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2},
        "LatestStreamArn": "arn:…/stream/old",
    }
    found = read_description("t", described, {"TimeToLiveStatus": "DISABLED"}, {})
    assert found.table == Table("t", KeyAttribute("pk"), throughput=Throughput(5, 2))
    assert found.stream_arn is None


def test_what_is_going_on() -> None:
    """An index that is built, one that goes, and a change of keys are waited for."""
    index = DESCRIBED["GlobalSecondaryIndexes"][0]
    described = {
        **DESCRIBED,
        "TableStatus": "UPDATING",
        "GlobalSecondaryIndexes": [
            {
                **index,
                "IndexName": "new",
                "IndexStatus": "CREATING",
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {**index, "IndexName": "old", "IndexStatus": "DELETING"},
        ],
        "SSEDescription": {"Status": "DISABLING", "SSEType": "KMS"},
    }
    found = read_description("orders", described, {}, {})
    assert found.busy == (
        "the table is UPDATING",
        "index new is CREATING",
        "index old is DELETING",
        "its encryption is DISABLING",
    )
    assert [index.name for index in found.table.indexes] == ["new"]
    assert found.table.indexes[0].projection is Projection.KEYS_ONLY
    assert found.table.kms_key is None
