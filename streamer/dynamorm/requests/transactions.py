"""Transactions, as frozen values that encode themselves. Pure: no I/O."""

from collections.abc import Callable
from typing import Any

from streamer.dynamorm.errors import InvalidRequest
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.models.model import Key
from streamer.dynamorm.requests.items import (
    Check,
    Create,
    Delete,
    Get,
    Put,
    Returns,
    Update,
    place_of,
)
from streamer.dynamorm.requests.mistakes import expect_key
from streamer.dynamorm.requests.sizes import check_transaction
from streamer.dynamorm.schema import Table

MAX_TRANSACTION_ACTIONS = 100
"""DynamoDB Developer Guide, "Service quotas"."""

MAX_TOKEN_CHARACTERS = 36
"""DynamoDB API reference, `TransactWriteItems`, `ClientRequestToken`."""

TransactionAction = Put | Update[Any] | Delete[Any] | Check[Any]
"""What an engine takes within a transaction."""

TransactionRequest = TransactionAction | Create
"""What `Database.transact` takes."""

ACTION_NAMES: dict[type, str] = {Put: "Put", Update: "Update", Delete: "Delete", Check: "ConditionCheck"}


@dataclass(frozen=True, slots=True)
class Transaction:
    """Up to 100 actions on as many items: all of them happen, or none.

    Attributes:
        token: of several transactions with one token, sent within ten minutes, one happens.
    """

    actions: tuple[TransactionAction, ...]
    token: str | None = None

    def __post_init__(self) -> None:
        _check_count(len(self.actions))
        if self.token is not None and not 1 <= len(self.token) <= MAX_TOKEN_CHARACTERS:
            raise InvalidRequest(f"A transaction's token has 1 to {MAX_TOKEN_CHARACTERS} characters.")
        places = set()
        for position, action in enumerate(self.actions):
            if not isinstance(action, Check) and action.returns is not Returns.NONE:
                raise InvalidRequest("A transaction returns no items; read them with transact_get.")
            table = action.table
            places.add((table.name, place_of(table, action.key.values)))
            if len(places) == position:
                raise InvalidRequest(
                    f"Action {position} of the transaction is the second on one item; make them one."
                )

    def encode(self, table_name: Callable[[Table], str]) -> dict[str, Any]:
        """Return the arguments of the call; `table_name` gives a table's name in the account.

        Raises:
            TooLarge: it is over 4 MB.
        """
        encoded = [action.encode(table_name(action.table)) for action in self.actions]
        check_transaction(encoded)
        request: dict[str, Any] = {
            "TransactItems": [
                {ACTION_NAMES[type(action)]: arguments}
                for action, arguments in zip(self.actions, encoded, strict=True)
            ]
        }
        if self.token is not None:
            request["ClientRequestToken"] = self.token
        return request


@dataclass(frozen=True, slots=True)
class TransactionGet:
    """Up to 100 items as they are at one moment."""

    keys: tuple[Key[Any], ...]

    def __post_init__(self) -> None:
        _check_count(len(self.keys))
        for key in self.keys:
            expect_key(key)

    def encode(self, table_name: Callable[[Table], str]) -> dict[str, Any]:
        """Return the arguments of the call."""
        gets = [Get(key) for key in self.keys]
        return {"TransactItems": [{"Get": get.encode(table_name(get.table))} for get in gets]}


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_TRANSACTION_ACTIONS:
        raise InvalidRequest(f"A transaction has 1 to {MAX_TRANSACTION_ACTIONS} actions, not {count}.")
