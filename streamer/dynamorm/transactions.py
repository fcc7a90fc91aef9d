"""Transactions, as frozen values that encode themselves. Pure: no I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamer.dynamorm.errors import InvalidRequest
from streamer.dynamorm.requests import Check, Delete, Put, Update
from streamer.dynamorm.schema import Table

MAX_TRANSACTION_ACTIONS = 100
"""DynamoDB Developer Guide, "Service quotas"."""

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
