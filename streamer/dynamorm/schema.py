"""Tables as values: what a table is, whoever creates it. The words are CloudFormation's."""

from dataclasses import dataclass
from enum import StrEnum

from streamer.dynamorm.errors import InvalidModel


class KeyType(StrEnum):
    """The type of a key attribute. DynamoDB API reference, `AttributeDefinition`."""

    STRING = "S"
    NUMBER = "N"
    BINARY = "B"


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
class Index:
    """A global secondary index with all attributes. Items that lack one of its keys are not in it."""

    name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table, billed per request.

    Attributes:
        name: what models and code call it; what it is called in an account is the adapter's matter.
        ttl_attribute: number attribute with the epoch second from which an item counts as absent.
    """

    name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    indexes: tuple[Index, ...] = ()
    ttl_attribute: str | None = None
    stream: StreamView | None = None

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
        keys = self if index is None else self.index(index)
        names = (keys.partition_key.name,)
        return names if keys.sort_key is None else (*names, keys.sort_key.name)
