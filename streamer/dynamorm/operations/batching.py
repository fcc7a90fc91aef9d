"""Batches of any size: chunks, and what a chunk leaves unprocessed again after a wait."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from streamer.dynamorm.engines.engine import Engine
from streamer.dynamorm.errors import (
    BatchReadUnfinished,
    BatchWriteUnfinished,
    TemporaryFailure,
    Throttled,
)
from streamer.dynamorm.models.model import Key
from streamer.dynamorm.operations.retries import Retrier
from streamer.dynamorm.requests.batches import (
    MAX_BATCH_KEYS,
    MAX_BATCH_WRITES,
    BatchAction,
    BatchGet,
    BatchWrite,
    check_batch_action,
)
from streamer.dynamorm.requests.items import place_of
from streamer.dynamorm.values.codec import Item


def read_batch(
    engine: Engine, retrier: Retrier, keys: Sequence[Key[Any]], *, consistent: bool
) -> list[Item | None]:
    """Return the items in the order of the keys; a key that comes twice is read once.

    Raises:
        BatchReadUnfinished: some were left unprocessed through all attempts.
    """
    places = [_place(key) for key in keys]
    pending = dict(zip(places, keys, strict=True))
    found: dict[Hashable, Item | None] = {}
    rounds = _Rounds(retrier, "BatchGet")
    while pending:
        chunk = tuple([*pending.values()][:MAX_BATCH_KEYS])
        try:
            answer = retrier.call(engine.batch_get, BatchGet(chunk, consistent), repeatable=True)
            left = {_place(key) for key in answer.unprocessed}
            for key, item in zip(chunk, answer.items, strict=True):
                place = _place(key)
                if place not in left:
                    found[place] = item
                    del pending[place]
            rounds.pause(len(chunk), len(left))
        except TemporaryFailure as error:
            raise BatchReadUnfinished(
                f"{len(pending)} items of the batch could not be read; try them again later.",
                keys=[*pending.values()],
                attempts=error.attempts,
                waited_s=rounds.waited_s + error.waited_s,
            ) from error
    return [found[place] for place in places]


def write_batch(engine: Engine, retrier: Retrier, actions: Iterable[BatchAction]) -> None:
    """Write all; of several actions on one item the last is carried out.

    Raises:
        BatchWriteUnfinished: some were left unprocessed through all attempts.
    """
    pending: dict[Hashable, BatchAction] = {}
    for action in actions:
        check_batch_action(action)
        pending[_place(action.key)] = action
    rounds = _Rounds(retrier, "BatchWrite")
    while pending:
        chunk = tuple([*pending.values()][:MAX_BATCH_WRITES])
        try:
            unprocessed = retrier.call(engine.batch_write, BatchWrite(chunk), repeatable=True)
            left = {_place(action.key) for action in unprocessed}
            for action in chunk:
                place = _place(action.key)
                if place not in left:
                    del pending[place]
            rounds.pause(len(chunk), len(left))
        except TemporaryFailure as error:
            raise BatchWriteUnfinished(
                f"{len(pending)} writes of the batch are not known to have happened; write them again later.",
                requests=[*pending.values()],
                attempts=error.attempts,
                waited_s=rounds.waited_s + error.waited_s,
            ) from error


class _Rounds:
    """Counts the rounds that left something unprocessed; one that got on begins the count anew."""

    def __init__(self, retrier: Retrier, operation: str) -> None:
        self._retrier = retrier
        self._operation = operation
        self._failures = 0
        self._attempts = 0
        self.waited_s = 0.0

    def pause(self, asked: int, left: int) -> None:
        """Wait if something was left.

        Raises:
            Throttled: the attempts are used up.
        """
        self._attempts += 1
        if not left:
            self._failures = 0
            return
        self._failures = self._failures + 1 if left == asked else 1
        error = Throttled(f"DynamoDB left {left} of {asked} unprocessed.", attempts=self._attempts)
        delay_s = self._retrier.pause(self._operation, error, failures=self._failures)
        if delay_s is None:
            raise error
        self.waited_s += delay_s


def _place(key: Key[Any]) -> Hashable:
    table = key.model.__schema__.table
    return table.name, place_of(table, key.values)
