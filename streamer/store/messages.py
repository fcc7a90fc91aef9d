"""Messages that are kept for whoever was not there: bounded, and honest about what is missing."""

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from streamer.dynamorm import Condition, Delete, Put, Query
from streamer.dynamorm.expressions.conditions import Between, Comparison
from streamer.dynamorm.frozen import dataclass
from streamer.protocol import Progress, encode
from streamer.store.limits import MAX_KEPT_BYTES, MAX_KEPT_MESSAGES, MAX_REPLAY_BYTES, MESSAGE_TTL_S
from streamer.store.models import REQUESTS, RequestKey, RequestMessage
from streamer.store.tables import TableStore, translated

if TYPE_CHECKING:
    pass

_DIGITS = 12
"""Of a sequence in its key: more than a request can use."""

_LAST = 10**_DIGITS - 1

_decoder = msgspec.json.Decoder(Progress)


@dataclass(frozen=True, slots=True)
class Replay:
    """What is kept of a request after a sequence.

    Attributes:
        messages: the latest ones, in order.
        truncated: whether messages between that sequence and the first of these were kept once and
            are no more, or are too many for one answer.
    """

    messages: list[Progress]
    truncated: bool


class MessageStore(TableStore):
    """The MESSAGE items of the requests table. Thread-safe.

    Every method raises `ServiceUnavailable` where the table does not answer for now.
    """

    def append(self, key: RequestKey, message: Progress) -> None:
        """Keep one message; `log` is cheaper for several of one attempt."""
        self.log(key).append(message)

    def log(self, key: RequestKey, *, first: bool = False) -> "MessageLog":
        """Return what keeps the messages of one attempt.

        Args:
            first: whether nothing can have been kept of this request before.
        """
        return MessageLog(self, key, first=first)

    @translated
    def after(self, key: RequestKey, sequence: int, limit: int = MAX_KEPT_MESSAGES) -> Replay:
        """Return the kept messages of a request with a higher sequence, read consistently.

        Of more than `limit`, or of more than an answer should carry (64 KB), the latest. One that cannot
        be read is passed over.

        Shape:
            items `requests` MESSAGE#<sequence>, the latest first.
        """
        rows: list[RequestMessage] = []
        size_bytes = 0
        query = Query(
            RequestMessage,
            _range(key, sequence + 1, _LAST),
            consistent=True,
            descending=True,
            limit=limit,
        )
        for row in self._database.query(query, on_unreadable=lambda _item, _error: None):
            size_bytes += len(row.data.encode())
            if rows and size_bytes > MAX_REPLAY_BYTES:
                break
            rows.append(row)
        rows.reverse()
        return Replay(
            [_decoder.decode(row.data) for row in rows],
            truncated=bool(rows) and rows[0].previous > sequence,
        )

    @translated
    def put(self, key: RequestKey, message: Progress, *, previous: int) -> None:
        """Keep a message; called twice for one sequence, the latter stands. For `MessageLog`."""
        data = encode(message)
        if len(data) > MAX_KEPT_BYTES:
            data = encode(msgspec.structs.replace(message, metadata=None))
        self._database.write(
            Put(
                RequestMessage(
                    **key.components,
                    number=_number(message.sequence),
                    previous=previous,
                    data=data.decode(),
                    expires_at=int(self._clock.now()) + MESSAGE_TTL_S,
                )
            )
        )

    @translated
    def find_last_sequence(self, key: RequestKey) -> int | None:
        """Return the highest sequence of what is kept of a request, or None."""
        query = Query(RequestMessage, _range(key, 0, _LAST), consistent=True, descending=True, limit=1)
        rows = [*self._database.query(query, include_expired=True, on_unreadable=lambda _item, _error: None)]
        return rows[0].sequence if rows else None

    @translated
    def delete(self, key: RequestKey, sequence: int) -> None:
        """Forget a message. Idempotent."""
        self._database.write(Delete(RequestMessage.at(**key.components, number=_number(sequence))))


class MessageLog:
    """Keeps the messages of one attempt: at most `MAX_KEPT_MESSAGES`, each knowing the one before it.

    Not thread-safe: the attempt's messages go out one after the other anyway.
    """

    def __init__(self, store: MessageStore, key: RequestKey, *, first: bool) -> None:
        self._store = store
        self._key = key
        self._previous: int | None = 0 if first else None
        self._kept: deque[int] = deque()

    def append(self, message: Progress) -> None:
        """Keep a message; its sequence is higher than those before.

        Raises:
            ServiceUnavailable: the table does not answer; whatever comes next may still be kept.
        """
        if self._previous is None:
            self._previous = self._store.find_last_sequence(self._key) or 0
        self._store.put(self._key, message, previous=self._previous)
        self._previous = message.sequence
        self._kept.append(message.sequence)
        if len(self._kept) > MAX_KEPT_MESSAGES:
            self._store.delete(self._key, self._kept.popleft())


def _number(sequence: int) -> str:
    return f"{sequence:0{_DIGITS}d}"


def _range(key: RequestKey, low: int, high: int) -> Condition:
    """Return the condition of a query for the messages with sequences in `low` to `high`."""
    first, last = (
        RequestMessage.at(**key.components, number=_number(sequence)).values for sequence in (low, high)
    )
    partition, sort = REQUESTS.key_names()
    return Comparison((partition,), "=", first[partition]) & Between((sort,), first[sort], last[sort])
