"""What is done with rows: each step takes them one by one and gives them on. Pure.

Only a sort, the groups of an aggregation and the different rows of a deduplication are kept, bounded.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import reduce
from typing import Any

import msgspec

from streamer.actions.data.rows import MAX_DIGITS, Row, number_of, row_invalid, text_of
from streamer.actions.data_payload import (
    Aggregate,
    Deduplicate,
    Filter,
    Measure,
    Operation,
    Scalar,
    Sort,
    Transform,
)
from streamer.errors import ActionFailed

DATA_TOO_LARGE = "DATA_TOO_LARGE"
"""Error code of data that a step would have to keep more of than it may."""

MAX_SORTED_ROWS = 200_000
"""Rows that one sort takes. Ours: about 100 MB of memory for rows of 500 bytes."""

MAX_KEPT_CHARACTERS = 100_000_000
"""Characters of the rows that one sort keeps, or of what names its groups. Ours: a row may have 64 KB, and a
function has 1 GB."""

NESTED_FACTOR = 16
"""How much more memory a list or an object in a cell takes than its text. Ours."""

MAX_GROUPS = 100_000
"""Groups of one aggregation. Ours."""

MAX_DISTINCT = 500_000
"""Different rows that one deduplication knows. Ours: about 50 MB of memory."""

_EXACT = Context(prec=100, traps=[DivisionByZero, InvalidOperation, Overflow])
_MEAN = Context(prec=28)

Compare = Callable[[Any, Any], bool]

_ORDERED: dict[str, Compare] = {
    "less": lambda left, right: left < right,
    "at_most": lambda left, right: left <= right,
    "more": lambda left, right: left > right,
    "at_least": lambda left, right: left >= right,
}

_TEXT: dict[str, Callable[[str], str]] = {"upper": str.upper, "lower": str.lower, "trim": str.strip}

_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "add": _EXACT.add,
    "subtract": _EXACT.subtract,
    "multiply": _EXACT.multiply,
    "divide": _MEAN.divide,
}


def apply(rows: Iterable[Row], operations: Sequence[Operation]) -> Iterator[Row]:
    """Pass rows through the steps, in their order.

    Raises:
        ActionFailed: `ROW_INVALID`, `DATA_TOO_LARGE`.
    """
    return iter(reduce(_step, operations, rows))


def _step(rows: Iterable[Row], operation: Operation) -> Iterable[Row]:
    match operation:
        case Filter():
            return (row for row in rows if _passes(row.get(operation.field), operation))
        case Transform():
            return (_changed(row, operation, number) for number, row in enumerate(rows, 1))
        case Aggregate():
            return _aggregated(rows, operation)
        case Sort():
            return _sorted(rows, operation)
        case Deduplicate():
            return _deduplicated(rows, operation)


def _passes(cell: Any, rule: Filter) -> bool:
    match rule.is_:
        case "present":
            return cell not in (None, "")
        case "absent":
            return cell in (None, "")
        case "equal":
            return _equal(cell, rule.value)
        case "not_equal":
            return not _equal(cell, rule.value)
        case "one_of":
            return any(_equal(cell, value) for value in rule.value or ())  # type: ignore[union-attr]
        case "contains":
            return cell is not None and text_of(rule.value) in text_of(cell)
        case order:
            left, right = _comparable(cell, rule.value)
            return left is not None and _ORDERED[order](left, right)


def _equal(cell: Any, value: Scalar | list[Scalar]) -> bool:
    if value is None or isinstance(value, bool):
        return cell is value or (isinstance(value, bool) and cell == text_of(value))
    left, right = _comparable(cell, value)
    return bool(left == right)


def _comparable(cell: Any, value: Any) -> tuple[Any, Any]:
    """Return both as numbers where `value` is one, else as text; None for a cell that is nothing such."""
    if isinstance(value, str):
        return None if cell is None else text_of(cell), value
    return number_of(cell), Decimal(str(value))


def _changed(row: Row, step: Transform, number: int) -> Row:
    field, target = step.field, step.to or step.field
    if step.function == "set":
        return {**row, target: Decimal(str(step.value)) if isinstance(step.value, float) else step.value}
    if field not in row:
        if step.function in ("rename", "drop"):
            return row
        raise row_invalid(number, f"has no field {field[:40]}")
    if step.function in ("rename", "drop"):
        rest = {name: value for name, value in row.items() if name == field or name != target}
        if step.function == "drop":
            del rest[field]
            return rest
        return {target if name == field else name: value for name, value in rest.items()}
    return {**row, target: _result(row, step, number)}


def _result(row: Row, step: Transform, number: int) -> Any:
    cell = row[step.field]
    match step.function:
        case "text":
            return text_of(cell)
        case "number":
            return _number(cell, step.field, number)
        case "upper" | "lower" | "trim":
            return _TEXT[step.function](text_of(cell))
        case function:
            left = _number(cell, step.field, number)
            right = (
                Decimal(str(step.value))
                if step.other is None
                else _number(row.get(step.other), step.other, number)
            )
            return _computed(function, left, right, number)


def _computed(function: str, left: Decimal, right: Decimal, number: int) -> Decimal:
    try:
        result = _ARITHMETIC[function](left, right)
    except ArithmeticError as error:
        raise row_invalid(number, f"cannot {function}: the result is no number") from error
    if abs(result.adjusted()) > 2 * MAX_DIGITS:
        raise row_invalid(number, f"cannot {function}: the result has too many digits")
    return result


def _number(cell: Any, field: str, number: int) -> Decimal:
    found = number_of(cell)
    if found is None:
        raise row_invalid(number, f"has no number in the field {field[:40]}")
    return found


def _aggregated(rows: Iterable[Row], step: Aggregate) -> Iterator[Row]:
    groups: dict[tuple[str, ...], tuple[Row, list[_Tally]]] = {}
    size = 0
    for number, row in enumerate(rows, 1):
        key = tuple(_identity(row.get(name)) for name in step.group_by)
        if key not in groups:
            size += 2 * sum(map(len, key))
            _check(len(groups) < MAX_GROUPS, f"more than {MAX_GROUPS:,} groups")
            _check(size <= MAX_KEPT_CHARACTERS, f"groups with more than {MAX_KEPT_CHARACTERS:,} characters")
            shown = {name: row.get(name) for name in step.group_by}
            groups[key] = shown, [_Tally(measure) for measure in step.measures]
        for tally in groups[key][1]:
            tally.add(row, number)
    if not groups and not step.group_by:
        groups[()] = {}, [_Tally(measure) for measure in step.measures]
    for shown, tallies in groups.values():
        yield shown | {tally.measure.title: tally.value() for tally in tallies}


class _Tally:
    """One figure of one group, as far as it is."""

    __slots__ = ("_best", "_count", "_total", "measure")

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self._count = 0
        self._total = Decimal(0)
        self._best: Decimal | None = None

    def add(self, row: Row, number: int) -> None:
        """Count a row; one without the field counts for nothing."""
        field = self.measure.field
        if field is None:
            self._count += 1
            return
        cell = row.get(field)
        if cell in (None, ""):
            return
        self._count += 1
        if self.measure.function == "count":
            return
        amount = _number(cell, field, number)
        self._total = _EXACT.add(self._total, amount)
        if self._best is None or (amount < self._best) is (self.measure.function == "min"):
            self._best = amount

    def value(self) -> Any:
        """Return the figure; None for the mean or the extreme of nothing."""
        match self.measure.function:
            case "count":
                return self._count
            case "sum":
                return self._total
            case "mean":
                return _MEAN.divide(self._total, Decimal(self._count)) if self._count else None
            case "min" | "max":
                return self._best


def _sorted(rows: Iterable[Row], step: Sort) -> Iterator[Row]:
    kept: list[Row] = []
    size = 0
    for row in rows:
        size += sum(map(_length, row.values()))
        _check(len(kept) < MAX_SORTED_ROWS, f"more than {MAX_SORTED_ROWS:,} rows to sort")
        _check(size <= MAX_KEPT_CHARACTERS, f"more than {MAX_KEPT_CHARACTERS:,} characters to sort")
        kept.append(row)
    for key in reversed(step.by):
        kept.sort(key=lambda row: _rank(row.get(key.field)), reverse=key.descending)  # at once
    yield from kept


def _rank(cell: Any) -> tuple[int, Any]:
    if cell in (None, ""):
        return 0, 0
    if isinstance(cell, int | Decimal) and not isinstance(cell, bool):
        return 1, cell
    return 2, text_of(cell)


def _deduplicated(rows: Iterable[Row], step: Deduplicate) -> Iterator[Row]:
    seen: set[bytes] = set()
    for row in rows:
        names = step.by or sorted(row)
        text = msgspec.json.encode([(name, _identity(row.get(name))) for name in names])
        digest = hashlib.blake2b(text, digest_size=16).digest()
        if digest in seen:
            continue
        _check(len(seen) < MAX_DISTINCT, f"more than {MAX_DISTINCT:,} different rows")
        seen.add(digest)
        yield row


def _identity(cell: Any) -> str:
    """Return what tells a cell from others: its kind and its text; 1 and 1.0 are one number."""
    if isinstance(cell, int | Decimal) and not isinstance(cell, bool):
        return f"n{Decimal(cell).normalize(_EXACT):f}"
    return f"{type(cell).__name__[0]}{text_of(cell)}"


def _length(cell: Any) -> int:
    if isinstance(cell, dict | list):
        return NESTED_FACTOR * len(text_of(cell))
    return len(cell) if isinstance(cell, str) else 0


def _check(fits: bool, what: str) -> None:
    if not fits:
        raise ActionFailed(f"The data has {what}; filter it first, or split the source.", code=DATA_TOO_LARGE)
