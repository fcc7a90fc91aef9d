"""Text to rows and back, one at a time. Pure.

A row is a dictionary. The cells of CSV are text; JSON's numbers are exact.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

from streamer.actions.data_payload import Format
from streamer.actions.source_lines import invalid
from streamer.errors import ActionFailed

Row = dict[str, Any]

ROW_INVALID = "ROW_INVALID"
"""Error code of a row that a step cannot be done to."""

MAX_DIGITS = 40
"""Digits of a number that is read. Ours: sums stay exact."""

_NUMBER = re.compile(rf"[+-]?[0-9]{{1,{MAX_DIGITS}}}(\.[0-9]{{1,{MAX_DIGITS}}})?")

_encoder = msgspec.json.Encoder(decimal_format="number")


def row_invalid(number: int, what: str) -> ActionFailed:
    """Return the error that tells a client which row is the matter, counted from 1 as its step sees them."""
    return ActionFailed(f"Row {number} {what}.", code=ROW_INVALID, details={"row": number})


def read_rows(lines: Iterable[str], kind: Format) -> Iterator[Row]:
    """Read the lines of a source; blank ones are skipped.

    Raises:
        ActionFailed: `SOURCE_INVALID`, with the line.
    """
    return _read_csv(lines) if kind == "csv" else _read_json(lines)


def write_rows(rows: Iterable[Row], kind: Format) -> Iterator[bytes]:
    """Write rows as UTF-8, each as a line. The header of CSV are the fields of the first row.

    Raises:
        ActionFailed: `ROW_INVALID`: a row has a field that the header lacks.
    """
    if kind == "jsonl":
        return (_encoder.encode(row) + b"\n" for row in rows)
    return _write_csv(rows)


def number_of(value: Any) -> Decimal | None:
    """Return a cell as a number; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Decimal | int):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(text := value.strip()):
        return Decimal(text)
    return None


def text_of(value: Any) -> str:
    """Return a cell as text, as it is written into CSV."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case int():
            return str(value)
        case _:
            return _encoder.encode(value).decode()


def _read_csv(lines: Iterable[str]) -> Iterator[Row]:
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        if not header:
            raise invalid(None, "is empty; its first line names the columns")
        if len(set(header)) != len(header):
            raise invalid(1, "names a column twice")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise invalid(reader.line_num, f"has {len(cells)} fields where the header has {len(header)}")
            yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise invalid(reader.line_num, "is not CSV; look at its quotes") from error


def _read_json(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_float=_bounded, parse_int=_bounded, parse_constant=_refuse)
            if "\\u" in line:
                _encoder.encode(row)  # a lone surrogate has no UTF-8
        except (ValueError, RecursionError) as error:
            raise invalid(number, "is not JSON; write one object a line") from error
        if not isinstance(row, dict):
            raise invalid(number, "is no JSON object")
        yield row


def _bounded(text: str) -> int | Decimal:
    if len(text) > MAX_DIGITS:
        raise ValueError
    value = Decimal(text)
    if abs(value.adjusted()) > MAX_DIGITS:
        raise ValueError
    return int(text) if text.lstrip("-").isdigit() else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError


def _write_csv(rows: Iterable[Row]) -> Iterator[bytes]:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    header: list[str] | None = None
    for number, row in enumerate(rows, 1):
        if header is None:
            header = [*row]
            writer.writerow(header)
        elif not row.keys() <= set(header):
            [*more] = row.keys() - set(header)
            raise row_invalid(
                number, f"has the field {min(more)[:40]}, which the first row lacks; ask for jsonl"
            )
        writer.writerow([text_of(row.get(name)) for name in header])
        yield file.getvalue().encode()
        file.seek(0)
        file.truncate()
