"""Values in DynamoDB's low-level form, and what writes and reads them. Pure: no I/O."""

from collections.abc import Callable, Mapping, Set
from typing import Any

from streamer.dynamorm.frozen import dataclass

AttributeValue = dict[str, Any]
"""One value as DynamoDB's low-level API writes it: `{"S": "a"}`, `{"N": "1"}`, `{"M": {…}}`."""

Item = dict[str, AttributeValue]
"""An item as DynamoDB's low-level API writes it."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How the values of one attribute are written and read.

    Attributes:
        encode: raises TypeError, ValueError, AttributeError or OverflowError for a value that cannot
            be stored.
        decode: raises KeyError, TypeError, ValueError or ArithmeticError for a stored value of another
            type.
        empty: for sets, the value that is stored as the attribute's absence, because DynamoDB has no
            empty set; None for all other types.
        kind: DynamoDB's type of what it writes; None: any.
        member: how the members of a set, list or map are written; None: it has none of one type.
        fields: of a struct or a tuple, how each part is called in the item and written.
    """

    encode: Callable[[Any], AttributeValue]
    decode: Callable[[AttributeValue], Any]
    empty: Set[Any] | None = None
    kind: str | None = None
    member: "Codec | None" = None
    fields: "Mapping[str | int, tuple[str | int, Codec]] | None" = None

    def inside(self, part: str | int) -> "tuple[str | int, Codec] | None":
        """Return how a part of the value is called in the item and written; None: there is no such part."""
        if self.kind is None:
            return part, self
        if self.fields is not None:
            return self.fields.get(part)
        if self.member is not None and self.kind == ("L" if isinstance(part, int) else "M"):
            return part, self.member
        return None
