"""Sends the progress of one attempt to everyone who follows it: who is slow gets less of it."""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass
from threading import Condition
from typing import Generic, Protocol, TypeVar

MAX_LANES = 16
"""Connections that progress is on its way to at the same time; others wait for their turn. Ours."""

INSIST_S = 1.0
"""Seconds in which a progress message is sent again where it was not taken: there is soon a newer. Ours."""


class Subscriber(Protocol):
    """Whom a message goes to."""

    @property
    def connection_id(self) -> str: ...


S = TypeVar("S", bound=Subscriber)


@dataclass(slots=True)
class _Lane:
    """What waits for one connection: what opened the lane, perhaps the very first, and the latest.

    Attributes:
        began_at: when the message that is being sent was begun, in monotonic seconds; None: none was.
    """

    waiting: list[bytes]
    began_at: float | None = None

    def offer(self, data: bytes) -> None:
        self.waiting[1 if self.began_at is None else 0 :] = [data]

    def take(self, now: float) -> bytes | None:
        self.began_at = now
        return self.waiting.pop(0) if self.waiting else None

    def holds_up_s(self, now: float) -> float:
        """Return the seconds in which something may still be sent in it, so that it is worth waiting."""
        return INSIST_S if self.began_at is None else self.began_at + INSIST_S - now


class FanOut(Generic[S]):
    """A lane for each connection: in it one message follows the other; of those that wait the latest stays.

    So nobody waits for somebody else who does not read. Thread-safe.

    Args:
        subscribers: lists who is to be told.
        send: sends one message to one of them; what it raises is logged and goes no further.
        pool: where the lanes run; several attempts may share one.
        monotonic: seconds from anywhere.
    """

    def __init__(
        self,
        *,
        subscribers: Callable[[], Iterable[S]],
        send: Callable[[S, bytes], object],
        pool: Executor,
        logger: logging.Logger,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subscribers = subscribers
        self._send = send
        self._pool = pool
        self._logger = logger
        self._monotonic = monotonic
        self._changed = Condition()
        self._lanes: dict[str, _Lane] = {}
        self._round = 0

    def send(self, data: bytes) -> None:
        """Let a message go to every present subscriber; returns when it is on its way.

        Raises:
            StreamerError: the subscribers cannot be listed; nobody is told.
        """
        begun_in = self._round
        subscribers = self._subscribers()
        for to in subscribers:
            with self._changed:
                if self._round != begun_in:
                    return
                lane = self._lanes.get(to.connection_id)
                if lane is None:
                    self._lanes[to.connection_id] = _Lane([data])
                else:
                    lane.offer(data)
            if lane is None:
                self._pool.submit(copy_context().run, self._work, to)

    def settle(self, within_s: float) -> int:
        """Wait until everything is out, and so long at most; what has not begun then is dropped.

        Who has not taken a message for `INSIST_S` is not waited for: nothing is sent again there.

        Returns:
            How many connections have not answered yet.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._held_up_s() <= 0, min(self._held_up_s(), within_s))
            self._round += 1
            for lane in self._lanes.values():
                lane.waiting.clear()
            return len(self._lanes)

    def _held_up_s(self) -> float:
        now = self._monotonic()
        return max((lane.holds_up_s(now) for lane in self._lanes.values()), default=0.0)

    def _work(self, to: S) -> None:
        while (data := self._next(to.connection_id)) is not None:
            try:
                self._send(to, data)
            except Exception:
                self._logger.warning(
                    "Progress was not sent",
                    exc_info=True,
                    extra={"action": "progress.not_sent", "connection_id": to.connection_id},
                )

    def _next(self, connection_id: str) -> bytes | None:
        """Return the message that waits in a lane; None where none does, and the lane is over."""
        with self._changed:
            data = self._lanes[connection_id].take(self._monotonic())
            if data is None:
                del self._lanes[connection_id]
                self._changed.notify_all()
            return data
