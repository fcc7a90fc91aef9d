"""Items in the order of a key, so that a query looks at what it returns and a scan sorts nothing."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

Held = TypeVar("Held")

Position = tuple[Any, ...]
"""Where an item is among those of its partition; compares as the items are ordered."""


class _Partition(Generic[Held]):
    def __init__(self) -> None:
        self.positions: list[Position] = []
        self.items: list[Held] = []

    def put(self, position: Position, item: Held) -> None:
        at = bisect_left(self.positions, position)
        if at < len(self.positions) and self.positions[at] == position:
            self.items[at] = item
        else:
            self.positions.insert(at, position)
            self.items.insert(at, item)

    def remove(self, position: Position) -> None:
        at = bisect_left(self.positions, position)
        if at < len(self.positions) and self.positions[at] == position:
            del self.positions[at], self.items[at]


class Ordered(Generic[Held]):
    """The items of a table, or of one of its indexes, by partition and position."""

    def __init__(self) -> None:
        self._partitions: dict[Any, _Partition[Held]] = {}
        self._order: list[Any] = []  # the partitions' values, sorted

    def put(self, partition: Any, position: Position, item: Held) -> None:
        """Put an item in its place, over one that is there."""
        if partition not in self._partitions:
            self._partitions[partition] = _Partition()
            insort(self._order, partition)
        self._partitions[partition].put(position, item)

    def remove(self, partition: Any, position: Position) -> None:
        """Take the item away that is in this place, if there is one."""
        held = self._partitions.get(partition)
        if held is None:
            return
        held.remove(position)
        if not held.positions:
            del self._partitions[partition]
            del self._order[bisect_left(self._order, partition)]

    def query(
        self,
        partition: Any,
        *,
        after: Position | None = None,
        is_forward: bool = True,
        comparison: str | None = None,
        operands: Sequence[Any] = (),
    ) -> Iterator[Held]:
        """Iterate over the items of one partition, in order.

        Args:
            after: the position after which, in the direction of reading, it begins.
            comparison: of the first part of the position: `EQ`, `LT`, `LE`, `GT`, `GE`, `BETWEEN` or
                `BEGINS_WITH`.
            operands: one, two of BETWEEN.
        """
        held = self._partitions.get(partition)
        if held is None:
            return
        first, last = (
            (0, len(held.positions)) if comparison is None else _bounds(held.positions, comparison, operands)
        )
        if after is not None:
            if is_forward:
                first = max(first, bisect_right(held.positions, after))
            else:
                last = min(last, bisect_left(held.positions, after))
        steps = range(first, last) if is_forward else range(last - 1, first - 1, -1)
        for at in steps:
            yield held.items[at]

    def scan(self, after: tuple[Any, Position] | None = None) -> Iterator[Held]:
        """Iterate over all items, after a place (partition and position) if one is given."""
        first = 0
        if after is not None:
            partition, position = after
            yield from self.query(partition, after=position)
            first = bisect_right(self._order, partition)
        for partition in self._order[first:]:
            yield from self._partitions[partition].items


def _bounds(positions: list[Position], comparison: str, operands: Sequence[Any]) -> tuple[int, int]:
    def at(side: Callable[..., int], value: Any) -> int:
        return side(positions, value, key=_first)

    low, end = operands[0], len(positions)
    match comparison:
        case "EQ":
            return at(bisect_left, low), at(bisect_right, low)
        case "LT":
            return 0, at(bisect_left, low)
        case "LE":
            return 0, at(bisect_right, low)
        case "GT":
            return at(bisect_right, low), end
        case "GE":
            return at(bisect_left, low), end
        case "BETWEEN":
            return at(bisect_left, low), at(bisect_right, operands[1])
        case "BEGINS_WITH":
            first = last = at(bisect_left, low)
            while last < end and positions[last][0].startswith(low):
                last += 1
            return first, last
    raise ValueError(f"{comparison} is no comparison of a sort key.")


def _first(position: Position) -> Any:
    return position[0]


COMPARISONS: Mapping[str, str] = {"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
"""Signs of key conditions -> names."""
