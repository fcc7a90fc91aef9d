"""A ledger is read row by row, and what is wrong with it is told with its line."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.actions.reports.reading import Row, read_rows
from streamer.actions.source_lines import MAX_LINE_BYTES, split_lines
from streamer.errors import ActionFailed

HEADER = b"date,category,amount\n"


def read(*chunks: bytes) -> list[Row]:
    return list(read_rows(split_lines(chunks)))


def test_columns_are_found_by_name_in_any_order_and_case() -> None:
    """Further columns are allowed; a currency is passed on."""
    rows = read(b"Amount, CATEGORY ,note,date,Currency\n-1.50,a,x,2024-02-29,EUR\n")
    assert rows == [Row(2, date(2024, 2, 29), "a", Decimal("-1.50"), "EUR")]


@pytest.mark.parametrize(
    "text",
    [
        b"date,category,amount\r\n2024-01-01,a,1\r\n",
        b"\xef\xbb\xbfdate,category,amount\n2024-01-01,a,1",
        b'date,category,amount\n\n"2024-01-01","a","1"\n\n',
        b"date,category,amount\n 2024-01-01 , a , 1 \n",
    ],
    ids=["CRLF", "BOM and no last line end", "blank lines and quotes", "spaces"],
)
def test_harmless_differences_are_read(text: bytes) -> None:
    """What spreadsheets write is the same ledger."""
    assert [row[1:] for row in read(text)] == [(date(2024, 1, 1), "a", Decimal(1), "")]


@given(st.lists(st.integers(1, 60), max_size=20))
def test_it_does_not_matter_where_chunks_are_cut(cuts: list[int]) -> None:
    """A chunk may end inside a line, a quoted field or a character."""
    text = 'date,category,amount\n2024-01-01,"gr\nößer, ""x""",1.5\n2024-01-02,b,2\n'.encode()
    chunks, start = [], 0
    for cut in cuts:
        chunks.append(text[start : start + cut])
        start += cut
    assert read(*chunks, text[start:]) == [
        Row(3, date(2024, 1, 1), 'gr\nößer, "x"', Decimal("1.5"), ""),
        Row(4, date(2024, 1, 2), "b", Decimal(2), ""),
    ]


def test_no_more_is_read_than_the_rows_need() -> None:
    """Rows come out while the source is still being read: memory doesn't grow with it."""
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        yield HEADER
        while True:
            taken += 1
            yield b"2024-01-01,a,1\n" * 10

    rows = read_rows(split_lines(chunks()))
    for number in range(1, 1001):
        next(rows)
        assert taken == (number + 9) // 10


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "The source is empty; its first line names the columns."),
        (b"day,category,amount\n", "The source has no column date; its columns are day, category, amount."),
        (b"date,amount\n", "The source has no column category; its columns are date, amount."),
        (
            HEADER + b"2024-01-01,a,1\n\n2024-13-01,a,1\n",
            "Line 4 of the source has the date '2024-13-01'; write YYYY-MM-DD.",
        ),
        (HEADER + b"20240101,a,1\n", "Line 2 of the source has the date '20240101'; write YYYY-MM-DD."),
        (HEADER + b"2024-W01-1,a,1\n", "Line 2 of the source has the date '2024-W01-1'; write YYYY-MM-DD."),
        (
            HEADER + b'2024-01-01,a,"1,50"\n',
            "Line 2 of the source has the amount '1,50'; write a number like -1234.56.",
        ),
        (
            HEADER + b"2024-01-01,a,NaN\n",
            "Line 2 of the source has the amount 'NaN'; write a number like -1234.56.",
        ),
        (
            HEADER + b"2024-01-01,a,1e999\n",
            "Line 2 of the source has the amount '1e999'; write a number like -1234.56.",
        ),
        (HEADER + b"2024-01-01,a,1,50\n", "Line 2 of the source has 4 fields where the header has 3."),
        (HEADER + b"2024-01-01,\xff,1\n", "Line 2 of the source is not UTF-8."),
        (
            HEADER + b'2024-01-01,"a"b,1\n',
            "Line 2 of the source is not CSV; look at its quotes.",
        ),
        (HEADER + b'2024-01-01,"a,1\n', "Line 2 of the source is not CSV; look at its quotes."),
        (
            HEADER + b"2024-01-01," + b"a" * 201 + b",1\n",
            "Line 2 of the source has a category of over 200 characters.",
        ),
    ],
    ids=[
        "empty",
        "no date",
        "no category",
        "bad date",
        "date without dashes",
        "week date",
        "comma",
        "not a number",
        "exponent",
        "too many fields",
        "bytes",
        "quotes",
        "open quote",
        "long category",
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: bytes, sentence: str) -> None:
    """One sentence that a person can act on, and the code SOURCE_INVALID."""
    with pytest.raises(ActionFailed) as caught:
        read(text)
    assert str(caught.value) == sentence
    assert caught.value.code == "SOURCE_INVALID"
    assert not caught.value.retryable


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["endless", "ended"])
def test_a_line_without_end_is_refused_before_it_fills_the_memory(end: bytes) -> None:
    """A file that is no text is given up after one line's worth of bytes."""
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        yield HEADER
        for _ in range(1000):
            taken += 1
            yield b"x" * (MAX_LINE_BYTES // 2 + 1)
            if taken == 2:
                yield end

    with pytest.raises(ActionFailed, match=r"^Line 2 of the source has over 65536 bytes"):
        list(read_rows(split_lines(chunks())))
    assert taken <= 3
