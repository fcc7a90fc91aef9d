"""Transactions: all actions or none, reasons where it is none, and tokens that make repeating harmless."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    AttributeDoesNotExist,
    IncorrectDataType,
    InvalidUpdateExpressionInvalidDocumentPath,
    ItemSizeTooLarge,
    ItemSizeToUpdateTooLarge,
    TransactionCanceledException,
)
from moto.dynamodb.models import DynamoDBBackend

from . import quick
from .limits import Invalid
from .operation import Operation
from .wire import wire_of

TOKEN_LIFE_S = 600.0
"""Seconds for which a token makes a repeated transaction harmless. API reference, `TransactWriteItems`."""

MAX_TOKENS = 10_000
"""Tokens remembered at most; boto3 sends one with every transaction. A laptop's memory is the source."""

_BECAUSE_OF_THE_ITEM = (
    AttributeDoesNotExist,
    IncorrectDataType,
    Invalid,
    InvalidUpdateExpressionInvalidDocumentPath,
    ItemSizeToUpdateTooLarge,
    ItemSizeTooLarge,
)
"""What is wrong only with the item that is there, and so is a reason; anything else refuses the request."""

Reason = tuple[str, str, dict[str, Any] | None] | tuple[None, None, None]


class TokenMismatch(Exception):
    """A token comes again with another transaction."""


class Tokens:
    """The tokens of transactions that succeeded. Used under the operation's lock."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, bytes]] = OrderedDict()

    def is_repeated(self, token: tuple[Any, ...], actions: bytes, now: float) -> bool:
        """Tell whether this transaction was done already, within the life of its token.

        Args:
            token: with the account and region it belongs to.
            actions: a digest of them, equal for equal ones.
            now: epoch seconds.

        Raises:
            TokenMismatch: it was another one.
        """
        done_at, done = self._kept.get(token, (0.0, b""))
        if not done or now - done_at > TOKEN_LIFE_S:
            return False
        if done != actions:
            raise TokenMismatch(token)
        return True

    def remember(self, token: tuple[Any, ...], actions: bytes, now: float) -> None:
        """Keep the token of a transaction that succeeded at `now`."""
        self._kept.pop(token, None)
        self._kept[token] = now, actions
        while len(self._kept) > MAX_TOKENS or now - next(iter(self._kept.values()))[0] > TOKEN_LIFE_S:
            self._kept.popitem(last=False)


TOKENS = Tokens()


def transact_write_items(self: DynamoDBBackend, transact_items: Sequence[Mapping[str, Any]]) -> None:
    """`DynamoDBBackend.transact_write_items` without its copies of whole tables: the operation undoes.

    Source:
        Reasons in the order of the actions: API reference, `TransactionCanceledException`.
    """
    with Operation():
        reasons = [_reason(self, *next(iter(action.items()))) for action in transact_items]
        if any(code is not None for code, _, _ in reasons):
            raise TransactionCanceledException(reasons)


def _reason(backend: DynamoDBBackend, kind: str, action: Mapping[str, Any]) -> Reason:
    """Do one action; return why it cancels the transaction, if it does."""
    table_name = action["TableName"]
    table = backend.get_table(table_name)
    names, values = action.get("ExpressionAttributeNames"), action.get("ExpressionAttributeValues")
    key = action.get("Key") or {name: action["Item"][name] for name in table.table_key_attrs}
    current = backend.get_item(table_name, key)
    condition = get_filter_expression(action.get("ConditionExpression"), names, values)
    if not condition.expr(current):
        wants_item = action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and current is not None
        item = wire_of(current) if wants_item else None
        return "ConditionalCheckFailed", "The conditional request failed", item
    try:
        with Operation():
            match kind:
                case "Put":
                    quick.put({"Item": action["Item"]}, table)
                case "Delete":
                    backend.delete_item(table_name, key)
                case "Update":
                    if quick.update({**action, "ConditionExpression": None}, table) is None:
                        backend.update_item(table_name, key, action["UpdateExpression"], names, values)
    except _BECAUSE_OF_THE_ITEM as error:
        message = str(error) if isinstance(error, Invalid) else error.message
        return "ValidationError", message, None
    return None, None, None
