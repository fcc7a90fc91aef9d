"""Which connections are left alone for a while, because they took nothing. Pure: times come in as values."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

FAILURES_TO_OPEN = 3
"""Sends to a connection, each with its retries, that fail in a row to leave it alone. The original's."""

COOL_DOWN_S = 30.0
"""Seconds for which it is left alone. The original's."""

MAX_TROUBLED = 10_000
"""Connections that one environment remembers trouble of; a healthy one costs nothing. About 0.3 KB each."""


class State(StrEnum):
    """What is thought of a connection."""

    CLOSED = "closed"
    """Everything is sent."""
    OPEN = "open"
    """Nothing is sent."""
    PROBING = "probing"
    """One send is under way, to see; nothing else is sent."""


class Event(StrEnum):
    """What happens to a connection."""

    SUCCEEDED = "succeeded"
    """A send came through."""
    FAILED = "failed"
    """A send failed, one of few."""
    FAILED_OFTEN = "failed_often"
    """A send failed, the last of too many in a row."""
    CUT_OFF = "cut_off"
    """A send was given up by who sent, which says nothing about the connection."""
    COOLED = "cooled"
    """Somebody wants to send, and the cool-down is over."""


TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.CLOSED, Event.SUCCEEDED): State.CLOSED,
        (State.CLOSED, Event.FAILED): State.CLOSED,
        (State.CLOSED, Event.FAILED_OFTEN): State.OPEN,
        (State.CLOSED, Event.CUT_OFF): State.CLOSED,
        (State.OPEN, Event.CUT_OFF): State.OPEN,
        (State.PROBING, Event.CUT_OFF): State.OPEN,  # still cool, so that the next send is a probe
        (State.OPEN, Event.COOLED): State.PROBING,
        (State.OPEN, Event.SUCCEEDED): State.CLOSED,  # begun before it opened, and through after all
        (State.OPEN, Event.FAILED): State.OPEN,
        (State.OPEN, Event.FAILED_OFTEN): State.OPEN,
        (State.PROBING, Event.SUCCEEDED): State.CLOSED,
        (State.PROBING, Event.FAILED): State.OPEN,
        (State.PROBING, Event.FAILED_OFTEN): State.OPEN,
    }
)
"""Every change there is."""


class Admission(StrEnum):
    """Whether a message may be sent."""

    SEND = "send"
    PROBE = "probe"
    """This once, without retries: what becomes of it decides for the rest."""
    REJECT = "reject"


@dataclass(slots=True)
class _Trouble:
    state: State
    failures: int
    opened_at: float


class CircuitBreaker:
    """What is known of connections that failed. Not thread-safe.

    Only connections in trouble are remembered; of too many, the one that was quiet for longest is
    forgotten, which lets its next message through.
    """

    def __init__(
        self,
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        cool_down_s: float = COOL_DOWN_S,
        max_troubled: int = MAX_TROUBLED,
    ) -> None:
        self._failures_to_open = failures_to_open
        self._cool_down_s = cool_down_s
        self._max_troubled = max_troubled
        self._troubles: OrderedDict[str, _Trouble] = OrderedDict()

    def state(self, connection_id: str) -> State:
        """Return what is thought of a connection."""
        trouble = self._troubles.get(connection_id)
        return State.CLOSED if trouble is None else trouble.state

    def admit(self, connection_id: str, now: float) -> Admission:
        """Decide about a message. Whoever is told SEND or PROBE says afterwards how it ended.

        Args:
            now: epoch seconds.
        """
        trouble = self._troubles.get(connection_id)
        if trouble is None or trouble.state is State.CLOSED:
            return Admission.SEND
        if trouble.state is State.PROBING or now < trouble.opened_at + self._cool_down_s:
            return Admission.REJECT
        trouble.state = TRANSITIONS[trouble.state, Event.COOLED]
        return Admission.PROBE

    def succeeded(self, connection_id: str) -> None:
        """Note that a message came through, or that the connection is over."""
        self._troubles.pop(connection_id, None)

    def failed(self, connection_id: str, now: float) -> None:
        """Note that a message did not come through, and that this says something about the connection."""
        trouble = self._troubles.setdefault(connection_id, _Trouble(State.CLOSED, 0, now))
        self._troubles.move_to_end(connection_id)
        trouble.failures += 1
        event = Event.FAILED_OFTEN if trouble.failures >= self._failures_to_open else Event.FAILED
        before, trouble.state = trouble.state, TRANSITIONS[trouble.state, event]
        if trouble.state is State.OPEN and before is not State.OPEN:
            trouble.opened_at = now
        if len(self._troubles) > self._max_troubled:
            self._troubles.popitem(last=False)

    def cut_off(self, connection_id: str) -> None:
        """Note that a message was given up before its end, whether or not it would have come through."""
        trouble = self._troubles.get(connection_id)
        if trouble is not None:
            trouble.state = TRANSITIONS[trouble.state, Event.CUT_OFF]

    def __len__(self) -> int:
        """Return how many connections are in trouble."""
        return len(self._troubles)
