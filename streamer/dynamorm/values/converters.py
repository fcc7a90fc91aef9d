"""Converters: how a type of one's own, or a type in another form, is stored. Pure: no I/O.

```python
Expiry = Annotated[datetime, EPOCH_SECONDS]
Colour = Annotated[RGB, Converter(str, write=RGB.hex, read=RGB.from_hex)]
```
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from streamer.dynamorm.frozen import dataclass

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Converter(Generic[T, S]):
    """Stands in `Annotated[T, converter]` wherever a type does: attributes, members of lists, fields.

    Attributes:
        stored: the type that is stored in its place.
        write: from the value to what is stored.
        read: the inverse. Both raise TypeError or ValueError for what they cannot take.
    """

    stored: type[S]
    write: Callable[[T], S]
    read: Callable[[S], T]


def _to_seconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("a time needs a time zone; give it tzinfo")
    return int(moment.timestamp())


def _from_seconds(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


EPOCH_SECONDS = Converter(int, write=_to_seconds, read=_from_seconds)
"""A `datetime` as whole epoch seconds, as a TTL attribute needs it; parts of a second are dropped."""
