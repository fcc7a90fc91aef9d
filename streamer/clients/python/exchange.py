"""One request with everything that came back: its lifecycle as a table. Pure."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from streamer.clients.python.errors import ClientError
from streamer.clients.python.incoming import Received
from streamer.protocol import Acknowledgment, Complete, Error, Message, Pong, Progress, Response

HISTORY_LENGTH = 1_024
"""Messages that are kept of one request. Ours."""

MAX_LAG = 64
"""Messages that a reader may be behind; what is older is skipped, for newer progress says more. Ours."""


class Phase(IntEnum):
    """How far a request is; it only rises."""

    SENT = 0
    ACCEPTED = 1
    DONE = 2


class Role(StrEnum):
    """Who asked."""

    USER = "user"
    RESUMPTION = "resumption"
    """The client itself: how another request stands, after a connection was replaced."""
    HEARTBEAT = "heartbeat"
    """The client itself: whether anybody is there."""


LEADS_TO: Mapping[type[Message], Phase] = {
    Acknowledgment: Phase.ACCEPTED,
    Progress: Phase.ACCEPTED,
    Response: Phase.DONE,
    Pong: Phase.DONE,
    Complete: Phase.DONE,
    Error: Phase.DONE,
}
"""What a message of a request makes of it. Any message proves that the request was accepted."""


@dataclass(slots=True)
class History:
    """The last messages of a request, to be read by several readers at their own pace."""

    _kept: deque[Received] = field(default_factory=lambda: deque(maxlen=HISTORY_LENGTH))
    _total: int = 0

    def append(self, received: Received) -> None:
        self._kept.append(received)
        self._total += 1

    def after(self, position: int) -> tuple[Received | None, int]:
        """Return the message at `position`, or None if there is none yet, and the position of the next.

        A reader begins at 0. One that is too slow skips the oldest messages, never the newest.
        """
        position = max(position, self._total - MAX_LAG)
        if position == self._total:
            return None, position
        return self._kept[position - self._total], position + 1

    def __iter__(self) -> Iterator[Received]:
        return iter(tuple(self._kept))


@dataclass(slots=True, eq=False)
class Exchange:
    """A request and its answers.

    Attributes:
        order: rises with every request of a session.
        sent_at: when it was sent, in the adapter's monotonic seconds.
        deadline_s: seconds from then until the first answer.
        outcome_deadline_s: seconds from then until the outcome.
        frame: what is sent; empty for a request that was begun elsewhere.
        user_id: whose it is, where that is somebody else.
        resends: whether it is sent again where a connection was lost before its answer came.
        role: who asked.
        target: of a RESUMPTION, the request that it asks after.
        connection: number of the connection that answers it; None while it waits for one.
        was_sent: whether it ever left here.
        resumption: the RESUMPTION that asks after it just now.
        must_resume: whether it has to be asked after as soon as there is a connection.
        resume_at: when it has to be asked after again, because the server could not say.
        held: what came meanwhile, to follow what the resumption brings.
        first: the first message that answered it.
        truncated: whether progress was missed that the server does not have any more.
        result: the data or result, once DONE without an error.
        error: what it failed with, once DONE.
    """

    request_id: str
    action: str
    order: int
    sent_at: float
    deadline_s: float
    outcome_deadline_s: float
    frame: bytes = b""
    user_id: str | None = None
    resends: bool = False
    role: Role = Role.USER
    target: "Exchange | None" = None
    connection: int | None = None
    was_sent: bool = False
    resumption: "Exchange | None" = None
    must_resume: bool = False
    resume_at: float | None = None
    held: list[Received] = field(default_factory=list)
    phase: Phase = Phase.SENT
    first: Message | None = None
    acknowledged: bool = False
    sequence: int = 0
    truncated: bool = False
    result: Any = None
    error: ClientError | None = None
    history: History = field(default_factory=History)

    @property
    def allowed_s(self) -> float:
        """Seconds from sending until the next thing must have happened."""
        if self.phase is Phase.SENT:
            return min(self.deadline_s, self.outcome_deadline_s)
        return self.outcome_deadline_s

    @property
    def due_at(self) -> float:
        """When the request is overdue, in the adapter's monotonic seconds."""
        return self.sent_at + self.allowed_s

    def is_news(self, message: Message) -> bool:
        """Whether `message` says anything that is not known already.

        Progress that was overtaken by later progress is stale: dropping it keeps the order. An outcome
        is news whatever its sequence: it must never be lost. An error without a sequence is no outcome: of
        accepted work it refuses only that the request came once more.
        """
        if self.phase is Phase.DONE:
            return False
        if isinstance(message, Error) and message.sequence is None:
            return self.phase is Phase.SENT
        if isinstance(message, Acknowledgment):
            return not self.acknowledged
        return not isinstance(message, Progress) or message.sequence > self.sequence

    def apply(self, received: Received, message: Message) -> None:
        """Take in a message that is news."""
        self.history.append(received)
        self.first = self.first or message
        self.phase = max(self.phase, LEADS_TO[type(message)])
        match message:
            case Acknowledgment():
                self.acknowledged = True
            case Progress():
                self.sequence = message.sequence
            case Response():
                self.result = message.link or message.data
            case Complete():
                self.result = message.link or message.result
            case Pong():
                self.result = {"timestamp": message.timestamp}

    def accept(self, answer: Message, *, truncated: bool) -> None:
        """Take in that the server works on it, or did, as it said when it was asked."""
        self.truncated = self.truncated or truncated
        self.first = self.first or answer
        self.phase = max(self.phase, Phase.ACCEPTED)

    def fail(self, error: ClientError) -> None:
        """End the request with an error."""
        self.phase = Phase.DONE
        self.error = error
