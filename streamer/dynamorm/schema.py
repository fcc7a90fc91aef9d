"""Tables as values: what a table is, whoever creates it. The words are CloudFormation's."""

from collections.abc import Iterator
from dataclasses import field
from enum import StrEnum

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.frozen import dataclass

MAX_PROJECTED_ATTRIBUTES = 100
"""Names over all indexes of a table. DynamoDB Developer Guide, "Service quotas"."""


class KeyType(StrEnum):
    """The type of a key attribute. DynamoDB API reference, `AttributeDefinition`."""

    STRING = "S"
    NUMBER = "N"
    BINARY = "B"


class Projection(StrEnum):
    """What an index holds, where it is no list of names. DynamoDB API reference, `Projection`."""

    ALL = "ALL"
    KEYS_ONLY = "KEYS_ONLY"


class StreamView(StrEnum):
    """What a stream record carries of the item. DynamoDB API reference, `StreamSpecification`."""

    KEYS_ONLY = "KEYS_ONLY"
    NEW_IMAGE = "NEW_IMAGE"
    OLD_IMAGE = "OLD_IMAGE"
    NEW_AND_OLD_IMAGES = "NEW_AND_OLD_IMAGES"


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """A key attribute: its name in the item and its type."""

    name: str
    type: KeyType = KeyType.STRING


@dataclass(frozen=True, slots=True)
class Throughput:
    """Provisioned capacity. DynamoDB API reference, `ProvisionedThroughput`.

    Attributes:
        read_units, write_units: per second, at least 1.
    """

    read_units: int
    write_units: int

    def __post_init__(self) -> None:
        if self.read_units < 1 or self.write_units < 1:
            raise InvalidModel("Provisioned throughput is at least 1 unit; leave it out to pay per request.")


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index. Items that lack one of its keys are not in it: it is sparse.

    Attributes:
        projection: what is in it beside the keys of the index and of the table: everything, nothing, or
            the attributes of these names, as they are called in the item.
        throughput: None: the table's.
    """

    name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    projection: Projection | tuple[str, ...] = field(default=Projection.ALL, kw_only=True)
    throughput: Throughput | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_keys(f"Index {self.name}", self.partition_key, self.sort_key)
        if self.projection == ():
            raise InvalidModel(f"Index {self.name} projects no names; write Projection.KEYS_ONLY instead.")

    @property
    def keys(self) -> tuple[KeyAttribute, ...]:
        """Return the key attributes, partition key first."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        name: what models and code call it; what it is called in an account is the adapter's matter.
        ttl_attribute: number attribute with the epoch second from which an item counts as absent.
        throughput: provisioned capacity; None: billed per request.
        kms_key: id, ARN or alias of the KMS key that encrypts it, `alias/aws/dynamodb` for the one that AWS
            manages; None: a key that DynamoDB owns.
        point_in_time_recovery: whether it can be restored to any second of the last 35 days.
    """

    name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    indexes: tuple[Index, ...] = ()
    ttl_attribute: str | None = None
    stream: StreamView | None = None
    throughput: Throughput | None = field(default=None, kw_only=True)
    kms_key: str | None = field(default=None, kw_only=True)
    deletion_protection: bool = field(default=False, kw_only=True)
    point_in_time_recovery: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        _check_keys(f"Table {self.name}", self.partition_key, self.sort_key)
        names = [index.name for index in self.indexes]
        for name in names:
            if names.count(name) > 1:
                raise InvalidModel(f"Table {self.name} has two indexes called {name}; rename one.")
        types: dict[str, KeyType] = {}
        for key in self.key_attributes():
            if types.setdefault(key.name, key.type) != key.type:
                raise InvalidModel(f"Table {self.name} has the key {key.name} with two types; keep one.")
        projected = sum(
            len(index.projection) for index in self.indexes if not isinstance(index.projection, Projection)
        )
        if projected > MAX_PROJECTED_ATTRIBUTES:
            raise InvalidModel(
                f"The indexes of table {self.name} project {projected} names, over"
                f" {MAX_PROJECTED_ATTRIBUTES}; let one project everything."
            )
        if self.throughput is None and any(index.throughput is not None for index in self.indexes):
            raise InvalidModel(
                f"Table {self.name} is billed per request but an index of it has throughput;"
                " give the table throughput too."
            )

    @property
    def keys(self) -> tuple[KeyAttribute, ...]:
        """Return the key attributes, partition key first."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    def key_attributes(self) -> Iterator[KeyAttribute]:
        """Iterate the keys of the table and of its indexes; one of several may come more than once."""
        yield from self.keys
        for index in self.indexes:
            yield from index.keys

    def index(self, name: str) -> Index:
        """Return an index by its name.

        Raises:
            InvalidModel: the table has no such index.
        """
        for index in self.indexes:
            if index.name == name:
                return index
        known = ", ".join(index.name for index in self.indexes) or "none"
        raise InvalidModel(f"Table {self.name} has no index {name!r}; it has {known}.")

    def key_names(self, index: str | None = None) -> tuple[str, ...]:
        """Return the names of the key attributes, partition key first, of the table or of an index."""
        keyed = self if index is None else self.index(index)
        return tuple(key.name for key in keyed.keys)


def _check_keys(owner: str, partition_key: KeyAttribute, sort_key: KeyAttribute | None) -> None:
    if sort_key is not None and sort_key.name == partition_key.name:
        raise InvalidModel(f"{owner} has {sort_key.name} as both keys; the sort key is another attribute.")
