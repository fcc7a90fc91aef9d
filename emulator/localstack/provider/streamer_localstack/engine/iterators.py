"""Shard iterators as values: everything a read needs is in the text, so that none is kept."""

import base64
import json
from dataclasses import dataclass

ITERATOR_LIFE_S = 900.0
"""Seconds for which an iterator can be used. Amazon DynamoDB Streams API reference, `GetRecords`."""

OLDEST = 0
"""The position of `TRIM_HORIZON`: whatever record is the oldest when the iterator is used."""


class InvalidIterator(Exception):
    """The text is not one of our iterators."""


@dataclass(frozen=True, slots=True)
class Iterator:
    """A place in a stream.

    Attributes:
        stream_arn: the stream that is read.
        position: sequence number of the next record, or `OLDEST`.
        issued_at: epoch seconds at which it was given out.
    """

    stream_arn: str
    position: int
    issued_at: float

    def is_expired(self, now: float) -> bool:
        """Tell whether the iterator was given out too long before `now` (epoch seconds)."""
        return now - self.issued_at > ITERATOR_LIFE_S

    def encode(self) -> str:
        """Return the text that a client holds, in AWS's form `arn|1|opaque`."""
        opaque = json.dumps([self.position, round(self.issued_at, 3)]).encode()
        return f"{self.stream_arn}|1|{base64.b64encode(opaque).decode()}"


def decode(text: str) -> Iterator:
    """Return the iterator that `encode` made `text` from. Raises InvalidIterator."""
    try:
        stream_arn, version, opaque = text.split("|")
        position, issued_at = json.loads(base64.b64decode(opaque, validate=True))
        if version != "1" or not isinstance(position, int):
            raise ValueError(version)
        return Iterator(stream_arn, position, float(issued_at))
    except (ValueError, TypeError) as error:
        raise InvalidIterator(text) from error
