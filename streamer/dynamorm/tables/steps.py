"""What a plan is made of: one change of one table each, as values that encode themselves. Pure: no I/O."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.schema import Index, KeyAttribute, StreamView, Table
from streamer.dynamorm.tables import requests
from streamer.dynamorm.tables.descriptions import normalized
from streamer.dynamorm.tables.requests import AWS_MANAGED_KEY


@dataclass(frozen=True, slots=True)
class Step(ABC):
    """One call that changes a table.

    Attributes:
        table: the table as it is declared.
        operation: name of the method of boto3's client.
    """

    table: Table
    operation: ClassVar[str] = "update_table"

    @property
    @abstractmethod
    def sentence(self) -> str:
        """What the step does, for a person."""

    @property
    def loss(self) -> str | None:
        """What is lost or fails for others by it, for a person; None: nothing, it only adds."""
        return None

    @abstractmethod
    def arguments(self) -> Mapping[str, Any]:
        """Return the arguments of the call but for the table's name."""

    @abstractmethod
    def apply_to(self, found: Table) -> Table:
        """Return the table as it is after the step; what the step has changed already stays the same."""

    def is_done(self, found: Table | None) -> bool:
        """Whether a table is as it is after the step."""
        return found is not None and self.apply_to(found) == found


@dataclass(frozen=True, slots=True)
class CreateTable(Step):
    """Create a table with its indexes and stream."""

    operation = "create_table"

    @property
    def sentence(self) -> str:
        keys = " and ".join(key.name for key in self.table.keys)
        indexes = ", ".join(index.name for index in self.table.indexes)
        return f"Create it, keyed by {keys}" + (f", with the indexes {indexes}." if indexes else ".")

    def arguments(self) -> Mapping[str, Any]:
        return requests.create_table(self.table, "")

    def apply_to(self, found: Table | None) -> Table:
        """Return the table as it is made: TTL and recovery are turned on later."""
        return found or replace(self.table, ttl_attribute=None, point_in_time_recovery=False)


@dataclass(frozen=True, slots=True)
class CreateIndex(Step):
    """Build an index over the items that are there.

    Attributes:
        keys: all key attributes of the table and its indexes after the step.
    """

    index: Index
    keys: tuple[KeyAttribute, ...]

    @property
    def sentence(self) -> str:
        keys = " and ".join(key.name for key in self.index.keys)
        return f"Build index {self.index.name}, keyed by {keys}, over the items that are there."

    def arguments(self) -> Mapping[str, Any]:
        index = requests.index_of(self.index, self.table.throughput)
        return {
            "AttributeDefinitions": requests.attribute_definitions(self.keys),
            "GlobalSecondaryIndexUpdates": [{"Create": index}],
        }

    def apply_to(self, found: Table) -> Table:
        if self.index in found.indexes:
            return found
        return normalized(replace(found, indexes=(*found.indexes, self.index)))


@dataclass(frozen=True, slots=True)
class DeleteIndex(Step):
    """Delete an index that is no longer declared, or is declared otherwise."""

    index: Index

    @property
    def sentence(self) -> str:
        return f"Delete index {self.index.name}."

    @property
    def loss(self) -> str | None:
        return f"queries of {self.index.name} fail from then on"

    def arguments(self) -> Mapping[str, Any]:
        return {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": self.index.name}}]}

    def apply_to(self, found: Table) -> Table:
        return replace(found, indexes=tuple(index for index in found.indexes if index != self.index))


@dataclass(frozen=True, slots=True)
class SetThroughput(Step):
    """Change how the table and its indexes are billed. DynamoDB refuses figures that do not change.

    Attributes:
        of_table: whether the table's own billing changes.
        indexes: those whose throughput changes, as they shall be.
    """

    of_table: bool
    indexes: tuple[Index, ...]

    @property
    def sentence(self) -> str:
        throughput = self.table.throughput
        if throughput is None:
            return "Bill it per request."
        provisioned = [("it", throughput)] if self.of_table else []
        provisioned += [(f"index {index.name}", index.throughput or throughput) for index in self.indexes]
        figures = (
            f"{name} with {units.read_units} read and {units.write_units} write units"
            for name, units in provisioned
        )
        return f"Provision {', '.join(figures)} a second."

    def arguments(self) -> Mapping[str, Any]:
        throughput = self.table.throughput
        arguments = requests.billing(throughput) if self.of_table else {}
        if throughput is not None and self.indexes:
            arguments["GlobalSecondaryIndexUpdates"] = [
                {
                    "Update": {
                        "IndexName": index.name,
                        "ProvisionedThroughput": requests.units(index.throughput or throughput),
                    }
                }
                for index in self.indexes
            ]
        return arguments

    def apply_to(self, found: Table) -> Table:
        throughput = self.table.throughput
        if throughput is None:
            kept = tuple(replace(index, throughput=None) for index in found.indexes)
            return replace(found, throughput=None, indexes=kept)
        changed = {index.name: index.throughput or throughput for index in self.indexes}
        indexes = tuple(
            replace(index, throughput=changed.get(index.name, index.throughput or found.throughput))
            for index in found.indexes
        )
        return normalized(replace(found, throughput=throughput, indexes=indexes))


@dataclass(frozen=True, slots=True)
class SetStream(Step):
    """Turn the stream on or off. A stream that is on cannot change its view: it is turned off first."""

    view: StreamView | None

    @property
    def sentence(self) -> str:
        if self.view is None:
            return "Turn its stream off."
        return f"Turn its stream on, with {self.view.value}."

    @property
    def loss(self) -> str | None:
        return "whoever reads the stream gets no further records" if self.view is None else None

    def arguments(self) -> Mapping[str, Any]:
        return {"StreamSpecification": requests.stream(self.view)}

    def apply_to(self, found: Table) -> Table:
        return replace(found, stream=self.view)


@dataclass(frozen=True, slots=True)
class SetEncryption(Step):
    """Encrypt with another key."""

    @property
    def sentence(self) -> str:
        if self.table.kms_key is None:
            return "Encrypt it with a key that DynamoDB owns."
        return f"Encrypt it with the KMS key {self.table.kms_key}."

    def arguments(self) -> Mapping[str, Any]:
        return {"SSESpecification": requests.encryption(self.table.kms_key)}

    def apply_to(self, found: Table) -> Table:
        if is_same_key(self.table.kms_key, found.kms_key):
            return found
        return replace(found, kms_key=self.table.kms_key)


@dataclass(frozen=True, slots=True)
class SetDeletionProtection(Step):
    """Let the table be deleted, or not."""

    @property
    def sentence(self) -> str:
        return "Protect it from deletion." if self.table.deletion_protection else "Let it be deleted."

    def arguments(self) -> Mapping[str, Any]:
        return {"DeletionProtectionEnabled": self.table.deletion_protection}

    def apply_to(self, found: Table) -> Table:
        return replace(found, deletion_protection=self.table.deletion_protection)


@dataclass(frozen=True, slots=True)
class SetTimeToLive(Step):
    """Turn the deletion of expired items on or off.

    Attributes:
        attribute: whose seconds count.
    """

    attribute: str
    enabled: bool
    operation = "update_time_to_live"

    @property
    def sentence(self) -> str:
        if self.enabled:
            return f"Delete items once {self.attribute} is past (TTL)."
        return f"Delete items no longer once {self.attribute} is past (TTL)."

    def arguments(self) -> Mapping[str, Any]:
        return {"TimeToLiveSpecification": {"Enabled": self.enabled, "AttributeName": self.attribute}}

    def apply_to(self, found: Table) -> Table:
        return replace(found, ttl_attribute=self.attribute if self.enabled else None)


@dataclass(frozen=True, slots=True)
class SetRecovery(Step):
    """Turn point-in-time recovery on or off."""

    operation = "update_continuous_backups"

    @property
    def sentence(self) -> str:
        state = "on" if self.table.point_in_time_recovery else "off"
        return f"Turn point-in-time recovery {state}."

    @property
    def loss(self) -> str | None:
        return None if self.table.point_in_time_recovery else "the backups of the last 35 days are gone"

    def arguments(self) -> Mapping[str, Any]:
        enabled = self.table.point_in_time_recovery
        return {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}}

    def apply_to(self, found: Table) -> Table:
        return replace(found, point_in_time_recovery=self.table.point_in_time_recovery)


def is_same_key(declared: str | None, found: str | None) -> bool:
    """Whether a described KMS key can be the declared one.

    DynamoDB describes a key by its ARN, from which no alias can be read: a declared alias is taken to be
    whichever key is found.
    """
    if declared is None or found is None:
        return declared == found
    if declared == AWS_MANAGED_KEY or declared.startswith("alias/") or ":alias/" in declared:
        return True
    return declared == found or found.endswith(f":key/{declared}")
