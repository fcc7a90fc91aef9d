"""What can be asked of DynamoDB, as frozen values that encode themselves. Pure: no I/O.

`encode(table)` takes the table's name in the account and returns the arguments of the low-level call.
"""

from dataclasses import dataclass
from typing import Any, Generic

from streamer.dynamorm.expressions import Condition, render_condition
from streamer.dynamorm.models import Key, M, Model
from streamer.dynamorm.operands import Substitutions
from streamer.dynamorm.schema import Table
from streamer.dynamorm.updates import UpdateAction, render_update


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


def _with_condition(
    request: dict[str, Any], condition: Condition | None, substitutions: Substitutions
) -> dict[str, Any]:
    if condition is not None:
        request["ConditionExpression"] = render_condition(condition, substitutions)
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    substitutions.write_to(request)
    return request
