"""What can be asked of one item, as frozen values that encode themselves. Pure: no I/O.

`encode(table)` takes the table's name in the account and returns the arguments of the low-level call.
"""

from collections.abc import Hashable
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions.conditions import Condition, render_condition
from streamer.dynamorm.expressions.operands import Path, Substitutions
from streamer.dynamorm.expressions.updates import UpdateAction, render_update
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.models.derived import derive
from streamer.dynamorm.models.model import Key, M, Model
from streamer.dynamorm.requests.explaining import Explanation, explain
from streamer.dynamorm.requests.mistakes import expect_key
from streamer.dynamorm.requests.sizes import check_item, check_key, check_values
from streamer.dynamorm.schema import Table
from streamer.dynamorm.values.codec import Item

Paths = tuple[Path, ...]
"""What a read returns of an item, where not all."""


class Returns(StrEnum):
    """What a write answers with. DynamoDB API reference, `ReturnValues`."""

    NONE = "NONE"
    OLD = "ALL_OLD"
    NEW = "ALL_NEW"


def as_key(at: Key[M] | M) -> Key[M]:
    """Return a key, given it or an item.

    Raises:
        InvalidRequest: it is neither.
    """
    if isinstance(at, Model):
        return Key.of(at)
    expect_key(at)
    return at


def place_of(table: Table, values: Item) -> Hashable:
    """Return what two keys, or items, share exactly if DynamoDB takes them for the same item."""
    return tuple(
        (kind, Decimal(held) if kind == "N" else held)
        for name in table.key_names()
        for kind, held in values[name].items()
    )


def cursor_names(table: Table, index: str | None) -> tuple[str, ...]:
    """Return the attributes that say where an item stands in a table or an index."""
    return tuple(dict.fromkeys((*table.key_names(index), *table.key_names())))


def paths_of(model: type[Model], table: Table, index: str | None = None) -> Paths:
    """Return what must be read of an item for a model: its attributes, the keys, and the TTL.

    Raises:
        InvalidModel: the model is of another table.
    """
    schema = model.__schema__
    if schema.table != table:
        raise InvalidModel(f"{model.__name__} is of table {schema.table.name}, not {table.name}.")
    names = [*cursor_names(table, index), *(held.stored_name for held in schema.attributes.values())]
    if schema.discriminator is not None:
        names.append(schema.discriminator[0])
    if table.ttl_attribute is not None:
        names.append(table.ttl_attribute)
    return tuple((name,) for name in dict.fromkeys(names))


class _OfKey(Generic[M]):
    """A request that names its item by the key."""

    __slots__ = ()
    key: Key[M]

    @property
    def table(self) -> Table:
        return self.key.model.__schema__.table

    @property
    def model(self) -> type[Model]:
        return self.key.model

    def _addressed(self, table: str) -> dict[str, Any]:
        """Return the arguments that say which item it is; the others are added to them."""
        return {"TableName": table, "Key": check_key(self.table, self.key.values)}


class _OfItem:
    """A request that has its item whole."""

    __slots__ = ()
    item: Model

    @property
    def table(self) -> Table:
        return self.item.__schema__.table

    @property
    def model(self) -> type[Model]:
        return type(self.item)


@dataclass(frozen=True, slots=True)
class Get(_OfKey[M]):
    """Read one item.

    Attributes:
        consistent: whether every write that was acknowledged before is seen.
        projection: what to read of it; None: all.
    """

    key: Key[M]
    consistent: bool = False
    projection: Paths | None = None

    def encode(self, table: str) -> dict[str, Any]:
        request = self._addressed(table)
        if self.consistent:
            request["ConsistentRead"] = True
        if self.projection is not None:
            substitutions = Substitutions()
            write_projection(request, self.projection, substitutions)
            substitutions.write_to(request)
        return request

    def explain(self) -> Explanation:
        """Return what DynamoDB will be asked, to read."""
        return explain("GetItem", self.encode(self.table.name))


@dataclass(frozen=True, slots=True)
class Put(_OfItem):
    """Write a whole item; what stood under its key is replaced.

    Attributes:
        returns: OLD for the item that was replaced; NEW is no answer of DynamoDB's to a put.
    """

    item: Model
    condition: Condition | None = None
    returns: Returns = Returns.NONE

    @property
    def key(self) -> Key[Any]:
        return Key.of(self.item)

    def values(self) -> Item:
        """Return the item in DynamoDB's form.

        Raises:
            TooLarge: it is over 400 KB.
        """
        return check_item(self.table, self.item.to_item())

    def encode(self, table: str) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": table, "Item": self.values()}
        return _finished(request, self.returns, self.condition, Substitutions())

    def explain(self) -> Explanation:
        """Return what DynamoDB will be asked, to read."""
        return explain("PutItem", self.encode(self.table.name))


@dataclass(frozen=True, slots=True)
class Create(_OfItem):
    """Write an item where there is none; an expired one counts as none.

    Raises `AlreadyExists` when it is carried out, also within a transaction's reasons.
    """

    item: Model
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Update(_OfKey[M]):
    """Change attributes of one item. Without a condition an absent item is made, as DynamoDB does.

    Of a model with a version: it is raised by one, and if the key was made from an item (`Key.of`), that
    item's version must be stored still.

    Attributes:
        actions: the changes; those of the index keys that follow from them are added.
    """

    key: Key[M]
    actions: tuple[UpdateAction, ...]
    condition: Condition | None = None
    returns: Returns = Returns.NONE

    def __post_init__(self) -> None:
        expect_key(self.key)
        actions = derive(self.key.model.__schema__, self.key.values, self.actions)
        object.__setattr__(self, "actions", actions)

    def encode(self, table: str) -> dict[str, Any]:
        substitutions = Substitutions()
        request = self._addressed(table)
        request["UpdateExpression"] = render_update(self.actions, substitutions)
        _finished(request, self.returns, self.condition, substitutions)
        check_values(self.table, request.get("ExpressionAttributeValues", {}).values())
        return request

    def explain(self) -> Explanation:
        """Return what DynamoDB will be asked, to read."""
        return explain("UpdateItem", self.encode(self.table.name))


@dataclass(frozen=True, slots=True)
class Delete(_OfKey[M]):
    """Delete one item; that there is none is no failure.

    Attributes:
        returns: OLD for the item that was deleted.
    """

    key: Key[M]
    condition: Condition | None = None
    returns: Returns = Returns.NONE

    def encode(self, table: str) -> dict[str, Any]:
        return _finished(self._addressed(table), self.returns, self.condition, Substitutions())

    def explain(self) -> Explanation:
        """Return what DynamoDB will be asked, to read."""
        return explain("DeleteItem", self.encode(self.table.name))


@dataclass(frozen=True, slots=True)
class Check(_OfKey[M]):
    """Within a transaction: write nothing, but let it happen only if the condition holds."""

    key: Key[M]
    condition: Condition

    def encode(self, table: str) -> dict[str, Any]:
        return _finished(self._addressed(table), Returns.NONE, self.condition, Substitutions())


Write = Put | Update[Any] | Delete[Any]
"""What an engine writes alone."""

WriteRequest = Write | Create
"""What `Database.write` takes."""


def write_projection(request: dict[str, Any], projection: Paths, substitutions: Substitutions) -> None:
    """Add a projection to a read."""
    request["ProjectionExpression"] = ", ".join(map(substitutions.name, projection))


def _finished(
    request: dict[str, Any], returns: Returns, condition: Condition | None, substitutions: Substitutions
) -> dict[str, Any]:
    if returns is not Returns.NONE:
        request["ReturnValues"] = returns.value
    if condition is not None:
        request["ConditionExpression"] = render_condition(condition, substitutions)
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    substitutions.write_to(request)
    return request
