"""What can be asked of DynamoDB, as frozen values that encode themselves. Pure: no I/O.

`encode(table)` takes the table's name in the account and returns the arguments of the low-level call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from streamer.dynamorm.codec import Item
from streamer.dynamorm.errors import InvalidModel, InvalidRequest
from streamer.dynamorm.expressions import (
    And,
    BeginsWith,
    Between,
    Comparison,
    Condition,
    Substitutions,
    UpdateAction,
    render_update,
)
from streamer.dynamorm.models import Key, M, Model
from streamer.dynamorm.schema import Table

MAX_TRANSACTION_ACTIONS = 100
"""DynamoDB Developer Guide, "Service quotas"."""


@dataclass(frozen=True, slots=True)
class Get(Generic[M]):
    """Read one item.

    Attributes:
        consistent: whether every write that was acknowledged before is seen.
    """

    key: Key[M]
    consistent: bool = False

    @property
    def table(self) -> Table:
        return self.key.model.__schema__.table

    def encode(self, table: str) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": table, "Key": self.key.values}
        if self.consistent:
            request["ConsistentRead"] = True
        return request


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole item; what stood under its key is replaced."""

    item: Model
    condition: Condition | None = None

    @property
    def table(self) -> Table:
        return self.item.__schema__.table

    def encode(self, table: str) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": table, "Item": self.item.to_item()}
        return _with_condition(request, self.condition, Substitutions())


@dataclass(frozen=True, slots=True)
class Update(Generic[M]):
    """Change attributes of one item. Without a condition an absent item is made, as DynamoDB does."""

    key: Key[M]
    actions: tuple[UpdateAction, ...]
    condition: Condition | None = None

    @property
    def table(self) -> Table:
        return self.key.model.__schema__.table

    def encode(self, table: str) -> dict[str, Any]:
        substitutions = Substitutions()
        request: dict[str, Any] = {
            "TableName": table,
            "Key": self.key.values,
            "UpdateExpression": render_update(self.actions, substitutions),
        }
        return _with_condition(request, self.condition, substitutions)


@dataclass(frozen=True, slots=True)
class Delete(Generic[M]):
    """Delete one item; that there is none is no failure."""

    key: Key[M]
    condition: Condition | None = None

    @property
    def table(self) -> Table:
        return self.key.model.__schema__.table

    def encode(self, table: str) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": table, "Key": self.key.values}
        return _with_condition(request, self.condition, Substitutions())


@dataclass(frozen=True, slots=True)
class Check(Generic[M]):
    """Within a transaction: write nothing, but let it happen only if the condition holds."""

    key: Key[M]
    condition: Condition

    @property
    def table(self) -> Table:
        return self.key.model.__schema__.table

    def encode(self, table: str) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": table, "Key": self.key.values}
        return _with_condition(request, self.condition, Substitutions())


Write = Put | Update[Any] | Delete[Any]
TransactionAction = Put | Update[Any] | Delete[Any] | Check[Any]

_ACTION_NAMES: dict[type, str] = {Put: "Put", Update: "Update", Delete: "Delete", Check: "ConditionCheck"}


@dataclass(frozen=True, slots=True)
class Transaction:
    """Up to 100 actions on as many items: all of them happen, or none."""

    actions: tuple[TransactionAction, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.actions) <= MAX_TRANSACTION_ACTIONS:
            raise InvalidRequest(
                f"A transaction has 1 to {MAX_TRANSACTION_ACTIONS} actions, not {len(self.actions)}."
            )

    def encode(self, table_name: Callable[[Table], str]) -> dict[str, Any]:
        """Return the arguments of the call; `table_name` gives a table's name in the account."""
        return {
            "TransactItems": [
                {_ACTION_NAMES[type(action)]: action.encode(table_name(action.table))}
                for action in self.actions
            ]
        }


@dataclass(frozen=True, slots=True)
class Query(Generic[M]):
    """Read the items of one partition of a table or an index, in the order of the sort key.

    Attributes:
        where: `partition key = value`, and at most one condition on the sort key beside it.
        index: name of the index to read; None: the table.
        filter: what is left out after it was read (and paid for).
        limit: items to return at most, over all pages.
        descending: whether the highest sort key comes first.
        after: the key to go on behind, as a page gave it.
    """

    model: type[M]
    where: Condition
    index: str | None = None
    filter: Condition | None = None
    consistent: bool = False
    limit: int | None = None
    descending: bool = False
    after: Item | None = None

    def __post_init__(self) -> None:
        table = self.model.__schema__.table
        if self.consistent and self.index is not None:
            raise InvalidModel(
                f"The index {self.index} cannot be read consistently; read the table by its key."
            )
        if self.limit is not None and self.limit < 1:
            raise InvalidModel("The limit of a query is at least 1.")
        names = table.key_names(self.index)
        parts = self.where.parts if isinstance(self.where, And) else (self.where,)
        paths = [getattr(part, "path", ()) for part in parts]
        first = parts[0]
        fits = isinstance(first, Comparison) and first.operator == "=" and first.path == names[:1]
        if not fits or paths[1:] not in ([], [names[1:]]) or not all(map(_is_key_condition, parts)):
            raise InvalidModel(
                f"A query of {self.index or table.name} is written as `{names[0]} == value`"
                + (f", & one condition on {names[1]}." if len(names) == 2 else ".")
            )

    @property
    def table(self) -> Table:
        return self.model.__schema__.table

    def encode(self, table: str) -> dict[str, Any]:
        substitutions = Substitutions()
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": self.where.render(substitutions),
        }
        if self.index is not None:
            request["IndexName"] = self.index
        if self.filter is not None:
            request["FilterExpression"] = self.filter.render(substitutions)
        elif self.limit is not None:
            request["Limit"] = self.limit  # with a filter DynamoDB would count what the filter drops
        if self.consistent:
            request["ConsistentRead"] = True
        if self.descending:
            request["ScanIndexForward"] = False
        if self.after is not None:
            request["ExclusiveStartKey"] = self.after
        substitutions.write_to(request)
        return request


def _is_key_condition(part: Condition) -> bool:
    """Whether DynamoDB takes it as a key condition. Developer Guide, "Key condition expressions"."""
    return isinstance(part, (BeginsWith, Between)) or (isinstance(part, Comparison) and part.operator != "<>")


def _with_condition(
    request: dict[str, Any], condition: Condition | None, substitutions: Substitutions
) -> dict[str, Any]:
    if condition is not None:
        request["ConditionExpression"] = condition.render(substitutions)
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    substitutions.write_to(request)
    return request
