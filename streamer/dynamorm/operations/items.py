"""What `Database` does with single items and with transactions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeVar, cast, overload

from streamer.dynamorm.engines.engine import Engine
from streamer.dynamorm.errors import ConditionFailed, ItemNotFound, TransactionCancelled
from streamer.dynamorm.expressions.conditions import Condition
from streamer.dynamorm.expressions.updates import UpdateAction
from streamer.dynamorm.models.model import Key, M, Model
from streamer.dynamorm.operations.bookkeeping import settled
from streamer.dynamorm.operations.reading import is_expired
from streamer.dynamorm.operations.refusals import cancelled, refused
from streamer.dynamorm.operations.retries import Retrier
from streamer.dynamorm.requests.items import (
    Create,
    Delete,
    Get,
    Put,
    Returns,
    Update,
    Write,
    WriteRequest,
    as_key,
    paths_of,
)
from streamer.dynamorm.requests.mistakes import expect_key
from streamer.dynamorm.requests.transactions import Transaction, TransactionGet, TransactionRequest
from streamer.dynamorm.values.codec import Item

P = TypeVar("P", bound=Model)

Old = Literal[Returns.OLD]
New = Literal[Returns.NEW]
Nothing = Literal[Returns.NONE]


class ItemOperations:
    """Reads and writes single items. A part of `Database`."""

    def __init__(
        self, engine: Engine, retrier: Retrier, now: Callable[[], float], make_token: Callable[[], str]
    ) -> None:
        self._engine = engine
        self._retrier = retrier
        self._now = now
        self._make_token = make_token

    @overload
    def find(
        self, key: Key[M], *, consistent: bool = False, include_expired: bool = False, projection: None = None
    ) -> M | None: ...
    @overload
    def find(
        self, key: Key[M], *, consistent: bool = False, include_expired: bool = False, projection: type[P]
    ) -> P | None: ...
    def find(
        self,
        key: Key[Any],
        *,
        consistent: bool = False,
        include_expired: bool = False,
        projection: type[Model] | None = None,
    ) -> Model | None:
        """Return the item, or None.

        Args:
            projection: a model of the same table with fewer attributes, to read no more than those.
        """
        expect_key(key)
        model: type[Model] = projection or key.model
        paths = None if projection is None else paths_of(projection, key.model.__schema__.table)
        item = self._retrier.call(self._engine.get, Get(key, consistent, paths), repeatable=True)
        return read_found(model, item, None if include_expired else self._now())

    @overload
    def get(
        self, key: Key[M], *, consistent: bool = False, include_expired: bool = False, projection: None = None
    ) -> M: ...
    @overload
    def get(
        self, key: Key[M], *, consistent: bool = False, include_expired: bool = False, projection: type[P]
    ) -> P: ...
    def get(
        self,
        key: Key[Any],
        *,
        consistent: bool = False,
        include_expired: bool = False,
        projection: type[Any] | None = None,
    ) -> Model:
        """Return the item, as `find` does.

        Raises:
            ItemNotFound: there is none, or it is expired.
        """
        found: Model | None = self.find(
            key, consistent=consistent, include_expired=include_expired, projection=projection
        )
        if found is None:
            raise ItemNotFound(f"There is no such {key.model.__name__}; see whether its key is right.")
        return found

    def create(self, item: M, *, condition: Condition | None = None) -> M:
        """Write an item where there is none, or an expired one, and return it as it is stored.

        Raises:
            AlreadyExists: there is one; `.item` is it.
        """
        return self._write_model(Create(item, condition), item)

    @overload
    def put(self, item: M, *, condition: Condition | None = None, returns: New = Returns.NEW) -> M: ...
    @overload
    def put(self, item: M, *, condition: Condition | None = None, returns: Old) -> M | None: ...
    def put(
        self, item: M, *, condition: Condition | None = None, returns: New | Old = Returns.NEW
    ) -> M | None:
        """Write a whole item; return it as it is stored, or the one that it replaced.

        Raises:
            ConditionFailed: the condition did not hold; `.item` is the item as it was.
            StaleVersion: somebody else has written it since it was read.
        """
        if returns is Returns.NEW:
            return self._write_model(Put(item, condition), item)
        return self._write_read(type(item), Put(item, condition, Returns.OLD))

    @overload
    def update(
        self,
        at: Key[M] | M,
        *actions: UpdateAction,
        condition: Condition | None = None,
        returns: New = Returns.NEW,
    ) -> M: ...
    @overload
    def update(
        self, at: Key[M] | M, *actions: UpdateAction, condition: Condition | None = None, returns: Old
    ) -> M | None: ...
    @overload
    def update(
        self, at: Key[M] | M, *actions: UpdateAction, condition: Condition | None = None, returns: Nothing
    ) -> None: ...
    def update(
        self,
        at: Key[M] | M,
        *actions: UpdateAction,
        condition: Condition | None = None,
        returns: Returns = Returns.NEW,
    ) -> M | None:
        """Change attributes of one item and return it as it is afterwards, or was before.

        Args:
            at: a key; or the item as it was read, whose version must be stored still.

        Raises:
            ConditionFailed: the condition did not hold; `.item` is the item as it was.
            StaleVersion: somebody else has written it since it was read.
        """
        key = as_key(at)
        return self._write_read(key.model, Update(key, actions, condition, returns))

    @overload
    def delete(
        self, at: Key[M] | M, *, condition: Condition | None = None, returns: Nothing = Returns.NONE
    ) -> None: ...
    @overload
    def delete(self, at: Key[M] | M, *, condition: Condition | None = None, returns: Old) -> M | None: ...
    def delete(
        self, at: Key[M] | M, *, condition: Condition | None = None, returns: Nothing | Old = Returns.NONE
    ) -> M | None:
        """Delete one item, and return it if asked to; that there is none is no failure.

        Args:
            at: a key; or the item as it was read, whose version must be stored still.

        Raises:
            ConditionFailed: the condition did not hold; `.item` is the item as it was.
            StaleVersion: somebody else has written it since it was read.
        """
        key = as_key(at)
        return self._write_read(key.model, Delete(key, condition, returns))

    def write(self, request: WriteRequest) -> None:
        """Carry out a put, create, update or delete.

        Raises:
            ConditionFailed: the condition did not hold; `.item` is the item as it was.
        """
        self._write(request)

    def transact(self, *actions: TransactionRequest, token: str | None = None) -> None:
        """Carry out up to 100 actions on as many items: all, or none.

        Args:
            token: of several calls with one token within ten minutes, one happens, and the others
                succeed without it; None: one is made, so that a call whose answer was lost is safe to
                send again.

        Raises:
            TransactionCancelled: a condition did not hold; `.failures` name the action, the model and
                the reason, with the item as it was.
            TransactionConflict: others kept writing the same items through all attempts.
        """
        now = self._now()
        sent = tuple(settled(action, now) for action in actions)
        request = Transaction(sent, token or self._make_token())
        try:
            self._retrier.call(self._engine.transact, request, repeatable=True)
        except TransactionCancelled as error:
            raise cancelled(actions, error) from error

    def transact_get(self, *keys: Key[M], include_expired: bool = False) -> list[M | None]:
        """Return up to 100 items as they are at one moment, in the order of the keys; None where absent.

        Raises:
            TransactionConflict: others kept writing the items through all attempts.
        """
        items = self._retrier.call(self._engine.transact_get, TransactionGet(keys), repeatable=True)
        now = None if include_expired else self._now()
        return [read_found(key.model, item, now) for key, item in zip(keys, items, strict=True)]

    def _write_model(self, request: Create | Put, item: M) -> M:
        sent = settled(request, self._now())
        if isinstance(sent, Update):  # only the answer says when it was created
            returned = self._send(request, replace(sent, returns=Returns.NEW))
            return type(item).from_item(returned or {})
        self._send(request, sent)
        return cast("M", sent.item)

    def _write_read(self, model: type[M], request: WriteRequest) -> M | None:
        returned = self._write(request)
        return None if returned is None else model.from_item(returned)

    def _write(self, request: WriteRequest) -> Item | None:
        return self._send(request, settled(request, self._now()))

    def _send(self, request: WriteRequest, sent: Write) -> Item | None:
        try:
            return self._retrier.call(self._engine.write, sent, repeatable=is_repeatable(sent))
        except ConditionFailed as error:
            raise refused(request, error.item) from error


def read_found(model: type[M], item: Item | None, now: float | None) -> M | None:
    """Return what was found under a key; None: nothing, or an expired item where `now` is given."""
    if item is None or (now is not None and is_expired(model.__schema__.table, item, now)):
        return None
    return model.from_item(item)


def is_repeatable(request: Write) -> bool:
    """Whether a write may be sent again when nobody knows if it was carried out."""
    return not isinstance(request, Update) and request.condition is None and request.returns is Returns.NONE
