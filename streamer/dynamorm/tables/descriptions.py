"""What DynamoDB says of a table, in the words of a declaration. Pure: no I/O."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.schema import (
    Index,
    KeyAttribute,
    KeyType,
    Projection,
    StreamView,
    Table,
    Throughput,
)

ACTIVE = "ACTIVE"
UPDATING = "UPDATING"
DELETING = "DELETING"

CHANGING_TTL = frozenset({"ENABLING", "DISABLING"})
"""While it is one of these, TTL cannot be changed: for up to an hour. API reference, `UpdateTimeToLive`."""


@dataclass(frozen=True, slots=True)
class TableDescription:
    """A table as it was found.

    Attributes:
        table: as it would be declared; its name is the declaration's, indexes that are being deleted are
            left out, and `kms_key` is an ARN.
        status: `ACTIVE`, `CREATING`, `UPDATING`, `DELETING` and others of DynamoDB's.
        busy: what is still going on, for a person; empty: nothing, it takes the next change.
        ttl_status: `ENABLED`, `ENABLING`, `DISABLED` or `DISABLING`.
        arn: of the table, where it is told.
        stream_arn: of its stream that is on, if one is.
    """

    table: Table
    status: str = ACTIVE
    busy: tuple[str, ...] = ()
    ttl_status: str = "DISABLED"
    arn: str | None = None
    stream_arn: str | None = None


def read_description(
    name: str,
    described: Mapping[str, Any],
    time_to_live: Mapping[str, Any],
    backups: Mapping[str, Any],
) -> TableDescription:
    """Read what DynamoDB answers about one table.

    Args:
        name: the declaration's.
        described: `Table` of DescribeTable.
        time_to_live: `TimeToLiveDescription` of DescribeTimeToLive.
        backups: `ContinuousBackupsDescription` of DescribeContinuousBackups; empty where there is none.
    """
    types = {held["AttributeName"]: held["AttributeType"] for held in described["AttributeDefinitions"]}
    indexes = described.get("GlobalSecondaryIndexes", ())
    throughput = _throughput(described)
    stream = described.get("StreamSpecification", {})
    stream_is_on = bool(stream.get("StreamEnabled"))
    encryption = described.get("SSEDescription", {})
    partition_key, sort_key = _keys(described["KeySchema"], types)
    ttl_status = time_to_live.get("TimeToLiveStatus", "DISABLED")
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    found = Table(
        name,
        partition_key,
        sort_key,
        indexes=tuple(
            _index(index, types, provisioned=throughput is not None)
            for index in indexes
            if index.get("IndexStatus") != DELETING
        ),
        ttl_attribute=time_to_live.get("AttributeName") if ttl_status in ("ENABLED", "ENABLING") else None,
        stream=StreamView(stream["StreamViewType"]) if stream_is_on else None,
        throughput=throughput,
        kms_key=_kms_key(encryption),
        deletion_protection=bool(described.get("DeletionProtectionEnabled", False)),
        point_in_time_recovery=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
    )
    return TableDescription(
        normalized(found),
        status=described.get("TableStatus", ACTIVE),
        busy=tuple(_busy(described)),
        ttl_status=ttl_status,
        arn=described.get("TableArn"),
        stream_arn=described.get("LatestStreamArn") if stream_is_on else None,
    )


def normalized(table: Table) -> Table:
    """Return the one form of equal tables: indexes and projected names in order, throughput said once."""
    return replace(
        table,
        indexes=tuple(
            replace(
                index,
                projection=index.projection
                if isinstance(index.projection, Projection)
                else tuple(sorted(index.projection)),
                throughput=None if index.throughput == table.throughput else index.throughput,
            )
            for index in sorted(table.indexes, key=lambda index: index.name)
        ),
    )


def _index(described: Mapping[str, Any], types: Mapping[str, str], *, provisioned: bool) -> Index:
    projection = described.get("Projection", {})
    kind = projection.get("ProjectionType", "ALL")
    return Index(
        described["IndexName"],
        *_keys(described["KeySchema"], types),
        projection=tuple(projection["NonKeyAttributes"]) if kind == "INCLUDE" else Projection(kind),
        throughput=_throughput(described) if provisioned else None,
    )


def _keys(
    schema: list[Mapping[str, str]], types: Mapping[str, str]
) -> tuple[KeyAttribute, KeyAttribute | None]:
    roles = {
        each["KeyType"]: KeyAttribute(each["AttributeName"], KeyType(types[each["AttributeName"]]))
        for each in schema
    }
    return roles["HASH"], roles.get("RANGE")


def _throughput(described: Mapping[str, Any]) -> Throughput | None:
    """Return the units; a table that is billed per request says 0, or nothing."""
    units = described.get("ProvisionedThroughput", {})
    if described.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        return None
    if not units.get("ReadCapacityUnits"):
        return None
    return Throughput(units["ReadCapacityUnits"], units["WriteCapacityUnits"])


def _kms_key(encryption: Mapping[str, Any]) -> str | None:
    if encryption.get("Status") in ("ENABLED", "ENABLING", "UPDATING") and encryption.get("SSEType") == "KMS":
        return encryption.get("KMSMasterKeyArn") or "KMS"
    return None


def _busy(described: Mapping[str, Any]) -> list[str]:
    busy = []
    status = described.get("TableStatus", ACTIVE)
    if status != ACTIVE:
        busy.append(f"the table is {status}")
    for index in described.get("GlobalSecondaryIndexes", ()):
        if index.get("IndexStatus", ACTIVE) != ACTIVE:
            busy.append(f"index {index['IndexName']} is {index['IndexStatus']}")
    encryption = described.get("SSEDescription", {}).get("Status")
    if encryption in ("ENABLING", "DISABLING", "UPDATING"):
        busy.append(f"its encryption is {encryption}")
    return busy
