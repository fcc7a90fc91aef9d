"""Pages of the lists that the sandbox's own AWS APIs answer with. Pure.

Source:
    Lambda API reference, `ListFunctions` and others: `Marker`, `MaxItems` and `NextMarker`.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from emulator.aws_validation import invalid, refuse_violations

MAX_ITEMS = 10_000
"""What `MaxItems` may be at most. Lambda API reference."""


def page(
    member: str, items: Sequence[Mapping[str, Any]], query: Mapping[str, list[str]], *, key: str, most: int
) -> dict[str, Any]:
    """Return the page of `items` that `Marker` and `MaxItems` ask for, with `NextMarker` where more follow.

    A marker names the item that comes next, so that the end of an earlier one moves none past it.

    Args:
        key: the member by which an item is known in the list.
        most: items that a page has at most, whatever is asked for.

    Raises:
        ApiError: the marker names no item of the list, or the number is out of range.
    """
    keys = [str(item[key]) for item in items]
    marker = _argument(query, "Marker")
    first = _position(marker, keys) if marker else 0
    last = first + min(_max_items(query) or most, most)
    answer: dict[str, Any] = {member: list(items[first:last])}
    if last < len(items):
        answer["NextMarker"] = base64.urlsafe_b64encode(keys[last].encode()).decode()
    return answer


def _max_items(query: Mapping[str, list[str]]) -> int | None:
    value = _argument(query, "MaxItems")
    if value is None:
        return None
    try:
        size = int(value)
    except ValueError:
        raise invalid(f"MaxItems is {value!r}; it may be a whole number.") from None
    if not 1 <= size <= MAX_ITEMS:
        bound = f"less than or equal to {MAX_ITEMS}" if size > MAX_ITEMS else "greater than or equal to 1"
        refuse_violations(
            f"Value '{size}' at 'maxItems' failed to satisfy constraint: Member must have value {bound}"
        )
    return size


def _position(marker: str, keys: Sequence[str]) -> int:
    try:
        return keys.index(base64.urlsafe_b64decode(marker.encode()).decode())
    except ValueError:
        raise invalid("Marker is not one that a page of this list gave; begin without one.") from None


def _argument(query: Mapping[str, list[str]], name: str) -> str | None:
    values = query.get(name)
    return values[0] if values else None
