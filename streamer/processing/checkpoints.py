"""What an action's `checkpoint` does: it saves now and then, and ends the invocation in time."""

from collections.abc import Callable
from logging import Logger
from typing import Any

import msgspec

from streamer.errors import ContinueLater, ProcessingFailed, StreamerError

SAVE_INTERVAL_S = 2.0
"""Seconds between checkpoints that are written. Ours: so much work is done again after a crash, at most."""


class Checkpoints:
    """Takes the checkpoints of one attempt. Cheap enough for a loop."""

    def __init__(
        self,
        *,
        save: Callable[[Any], None],
        check: Callable[[], None],
        must_end: Callable[[], bool],
        monotonic: Callable[[], float],
        logger: Logger,
    ) -> None:
        """Begin.

        Args:
            save: stores a state; raises a StreamerError that is not retryable when the attempt is to end.
            check: raises a StreamerError when the attempt is to end; called where nothing is stored.
            must_end: whether the time of the invocation is nearly over.
            monotonic: seconds from anywhere.
        """
        self._save = save
        self._check = check
        self._must_end = must_end
        self._monotonic = monotonic
        self._logger = logger
        self._saved_at = monotonic()

    def checkpoint(self, state: Any) -> None:
        """Take where the action can go on from: `ActionContext.checkpoint`.

        Raises:
            ContinueLater: the invocation is to end; the executor stores the state.
            ProcessingFailed: the state has no JSON form.
            StreamerError: whatever else `save` or `check` raised to end the attempt.
        """
        if self._must_end():
            raise ContinueLater(_plain(state))
        now = self._monotonic()
        if now - self._saved_at < SAVE_INTERVAL_S:
            self._check()
            return
        self._saved_at = now
        try:
            self._save(state)
        except StreamerError as error:
            if not error.retryable:
                raise
            self._logger.warning(
                "A checkpoint was not stored", exc_info=True, extra={"action": "checkpoint.not_stored"}
            )


def _plain(state: Any) -> Any:
    try:
        return msgspec.to_builtins(state)
    except (TypeError, ValueError, RecursionError) as error:
        raise ProcessingFailed("The checkpoint cannot be written as JSON.") from error
