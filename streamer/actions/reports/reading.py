"""A ledger's lines to its rows, one at a time. Pure."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from streamer.actions.source_lines import invalid
from streamer.texts import cut

MAX_CATEGORY_LENGTH = 200
"""Characters of a category's name. Ours: it bounds the memory that a report takes."""

_AMOUNT = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,6})?")
"""Plain decimals only; sums of 10^7 such amounts are exact in 28 digits, which is Decimal's default."""


class Row(NamedTuple):
    """One entry of a ledger.

    Attributes:
        line: where it ends in the file.
        currency: empty where the file has no such column.
    """

    line: int
    day: date
    category: str
    amount: Decimal
    currency: str


def read_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Read CSV with a header that names at least `date`, `category` and `amount`, in any order and case.

    Blank lines are skipped. Of a column `currency` the rows are given their cell.

    Raises:
        ActionFailed: `SOURCE_INVALID`, with the line.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        columns = _Columns(header)
        for cells in reader:
            if cells:
                yield columns.read(cells, reader.line_num)
    except csv.Error as error:
        raise invalid(reader.line_num, "is not CSV; look at its quotes") from error


class _Columns:
    def __init__(self, header: list[str]) -> None:
        if not header:
            raise invalid(None, "is empty; its first line names the columns")
        for name in ("date", "category", "amount"):
            if name not in header:
                found = cut(", ".join(header), 200)
                raise invalid(None, f"has no column {name}; its columns are {found}")
        self._count = len(header)
        self._date, self._category, self._amount = map(header.index, ("date", "category", "amount"))
        self._currency = header.index("currency") if "currency" in header else None

    def read(self, cells: list[str], line: int) -> Row:
        if len(cells) != self._count:
            raise invalid(line, f"has {len(cells)} fields where the header has {self._count}")
        day = _parse_day(cells[self._date])
        if day is None:
            raise invalid(line, f"has the date {cells[self._date][:40]!r}; write YYYY-MM-DD")
        amount = cells[self._amount].strip()
        if _AMOUNT.fullmatch(amount) is None:
            raise invalid(line, f"has the amount {amount[:40]!r}; write a number like -1234.56")
        category = cells[self._category].strip()
        if len(category) > MAX_CATEGORY_LENGTH:
            raise invalid(line, f"has a category of over {MAX_CATEGORY_LENGTH} characters")
        currency = "" if self._currency is None else cells[self._currency].strip()
        return Row(line, day, category, Decimal(amount), currency)


@lru_cache(maxsize=4096)
def _parse_day(text: str) -> date | None:
    text = text.strip()
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        return None  # fromisoformat knows forms without dashes, too
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
