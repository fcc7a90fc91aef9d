"""Which of many progress updates are sent, and when. Pure: times come in as values.

The rule: the latest update wins and at most ten messages of a request go in any second, whichever attempts
they are of; an attempt's first update and its first 100 % go at once; a percentage never falls. An attempt's
end waits for nothing: three of the ten are kept for its 100 %, for what is left, and for the word that
another attempt follows. That one begins here when there is room for as much again (`room_in_s`).

Another invocation does not know what the one before told in its last second, and takes it for nine messages
(`Pace.assume`): until that second is over it sends its 100 % and that another attempt follows, and holds back
the rest. What passes ten all the same, because nobody can know it:

- an executor dies within a second after its 100 %, and the next attempt tells 100 % and fails within the rest
  of that second: eleven;
- an executor wakes up when its lease is over: up to ten beside those of its successor, until the table
  refuses its next write, a second later at most.
"""

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from streamer.dynamorm.frozen import dataclass
from streamer.protocol import Progress
from streamer.texts import cut

MAX_MESSAGES_PER_S = 10
"""Progress messages of one request in any second. The original system's figure."""

KEPT = 3
"""Of the ten, those that are kept for what doesn't wait: 100 %, what is left at the end, and that another
attempt follows. Ours."""

SEND_INTERVAL_S = 1 / (MAX_MESSAGES_PER_S - KEPT)
"""Seconds between ordinary messages."""

PERSIST_INTERVAL_S = 1.0
"""Seconds between writes of the progress to the table. Ours: a write unit a second and request."""

MAX_MESSAGE_LENGTH = 1000
"""Characters of a progress message that are kept. Ours: it is stored in the request's small hot item."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Update:
    """How far the work was at one moment.

    Attributes:
        percentage: 0 to 100.
        metadata: facts of the action's own; nobody changes it any more.
    """

    percentage: float
    message: str
    metadata: Mapping[str, Any] | None = None


class Ratchet:
    """Keeps the percentages of one attempt within 0 to 100 and from falling."""

    def __init__(self, floor: float = 0.0) -> None:
        self.highest = floor

    def advance(self, percentage: float) -> float:
        """Return `percentage` clamped, with two decimals; what is no number counts as no change."""
        if percentage >= 100:
            self.highest = 100.0
        elif percentage > self.highest:
            self.highest = max(self.highest, min(round(float(percentage), 2), 99.99))
        return self.highest


class Latest(Generic[V]):
    """Lets one value through per interval: the latest.

    Args:
        free_at: the moment before which an ordinary value waits.
    """

    def __init__(self, interval_s: float, *, free_at: float = -math.inf) -> None:
        self._interval_s = interval_s
        self._free_at = free_at
        self._value: V | None = None
        self._urgent: deque[V] = deque()

    def offer(self, value: V, *, urgent: bool = False) -> None:
        """Put `value` in the place of one that waits; an `urgent` one does not wait and is not replaced."""
        self._value = None if urgent else value
        if urgent:
            self._urgent.append(value)

    @property
    def urgent(self) -> V | None:
        """The value that does not wait and goes next; None: there is none."""
        return self._urgent[0] if self._urgent else None

    @property
    def due_at(self) -> float | None:
        """When the next value may go: None where none waits, minus infinity for at once."""
        if self._urgent:
            return -math.inf
        return None if self._value is None else self._free_at

    def take_due(self, now: float) -> V | None:
        """Return the value whose time has come, and count the interval from now."""
        if self.due_at is None or self.due_at > now:
            return None
        self._free_at = now + self._interval_s
        return self.take()

    def take(self) -> V | None:
        """Return the value that goes next, due or not."""
        if self._urgent:
            return self._urgent.popleft()
        value, self._value = self._value, None
        return value


class Pace:
    """Tells when another message may go: ten go in any second, whichever attempts they are of."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=MAX_MESSAGES_PER_S)

    def free_at(self, kept: int = 0) -> float:
        """Return the moment from which a message may go; minus infinity where it may at once.

        Args:
            kept: how many of the ten are free beside it then, 0 to 9.
        """
        allowed = MAX_MESSAGES_PER_S - kept
        return self._latest[-allowed] + 1.0 if len(self._latest) >= allowed else -math.inf

    def note(self, now: float) -> None:
        """Note that a message goes now."""
        self._latest.append(now)

    def assume(self, ended_at: float) -> None:
        """Count what an attempt may have told, elsewhere, that ended then: nine messages at once.

        A no-op where anything is noted: then that attempt was here.
        """
        if not self._latest:
            self._latest.extend([ended_at] * (MAX_MESSAGES_PER_S - 1))


class Coalescer:
    """The updates of one attempt on their way to the client, and from there to the table.

    Args:
        now: the attempt's begin, on the clock that `offer` and `take_due` use. The claim has just
            written the item, so the first write waits for its interval.
        floor: the percentage that the work had reached before, and was told; none is lower.
        pace: of the attempts together; whoever sends notes it there.
    """

    def __init__(self, now: float, *, floor: float = 0.0, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._ratchet = Ratchet(floor)
        self._messages: Latest[Update] = Latest(SEND_INTERVAL_S)
        self._writes: Latest[Progress] = Latest(PERSIST_INTERVAL_S, free_at=now + PERSIST_INTERVAL_S)
        self._was_complete = floor >= 100.0
        self._begun, self._completed = False, self._was_complete

    @property
    def percentage(self) -> float:
        """The highest percentage so far."""
        return self._ratchet.highest

    def offer(self, percentage: float, message: str, metadata: Mapping[str, Any] | None) -> Update:
        """Note how far the work is. Of what was noted before and not sent, nothing will be.

        Returns:
            The update as it is sent.
        """
        update = Update(self._ratchet.advance(percentage), cut(message, MAX_MESSAGE_LENGTH), metadata)
        completed = update.percentage >= 100.0
        self._messages.offer(update, urgent=not self._begun or (completed and not self._completed))
        self._begun, self._completed = True, completed
        return update

    @property
    def due_at(self) -> float | None:
        """When there is something to do next; None: not before another update."""
        message, write = self._messages.due_at, self._writes.due_at
        if message is not None:
            message = max(message, self._free_at)
        return min((moment for moment in (message, write) if moment is not None), default=None)

    def take_message(self, now: float) -> Update | None:
        """Return what is to be sent now, if anything."""
        return None if now < self._free_at else self._messages.take_due(now)

    def sent(self, message: Progress) -> None:
        """Note what was sent: the latest of it is persisted when its time has come."""
        self._writes.offer(message)

    def take_write(self, now: float) -> Progress | None:
        """Return the sent message that is to be persisted now, if any."""
        return self._writes.take_due(now)

    def take_rest(self, now: float) -> Update | None:
        """Return the next of what still waits to be sent, at the attempt's end, until it is None.

        The first 100 % goes in any case, other updates where there is room for them now. Nothing is to be
        written any more.
        """
        self._writes.take()
        while True:
            is_completion = self._is_completion
            update = self._messages.take()
            if update is None or is_completion or now >= self._pace.free_at(kept=1):
                return update

    @property
    def _is_completion(self) -> bool:
        """Whether the first 100 % goes next."""
        urgent = self._messages.urgent
        return urgent is not None and urgent.percentage >= 100.0 and not self._was_complete

    @property
    def _free_at(self) -> float:
        return self._pace.free_at(0 if self._is_completion else KEPT)
