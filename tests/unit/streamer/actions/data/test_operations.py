"""What each step of `process_data` does to rows, and what it refuses."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.actions.data import operations as operations_module
from streamer.actions.data.operations import apply
from streamer.actions.data.rows import read_rows, write_rows
from streamer.actions.data_payload import DataPayload, Operation
from streamer.errors import ActionFailed

PEOPLE = [
    {"name": "Ada", "age": "36", "city": "London"},
    {"name": "Bob", "age": "7", "city": ""},
    {"name": "Cy", "age": "old", "city": "Paris"},
]


def steps(*given: dict[str, Any]) -> list[Operation]:
    payload = {"source": "a.csv", "operations": [*given]}
    return msgspec.convert(payload, DataPayload).operations


def done(rows: list[dict[str, Any]], *given: dict[str, Any]) -> list[dict[str, Any]]:
    return [*apply(rows, steps(*given))]


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ({"field": "name", "is": "equal", "value": "Ada"}, ["Ada"]),
        ({"field": "age", "is": "equal", "value": 36.0}, ["Ada"]),
        ({"field": "age", "is": "not_equal", "value": 36}, ["Bob", "Cy"]),
        ({"field": "age", "is": "less", "value": 36}, ["Bob"]),
        ({"field": "age", "is": "at_most", "value": 36}, ["Ada", "Bob"]),
        ({"field": "age", "is": "more", "value": 7}, ["Ada"]),
        ({"field": "age", "is": "at_least", "value": 7}, ["Ada", "Bob"]),
        ({"field": "age", "is": "less", "value": "4"}, ["Ada"]),
        ({"field": "city", "is": "contains", "value": "on"}, ["Ada"]),
        ({"field": "name", "is": "one_of", "value": ["Ada", "Cy"]}, ["Ada", "Cy"]),
        ({"field": "city", "is": "present"}, ["Ada", "Cy"]),
        ({"field": "city", "is": "absent"}, ["Bob"]),
        ({"field": "nothing", "is": "absent"}, ["Ada", "Bob", "Cy"]),
        ({"field": "nothing", "is": "less", "value": 1}, []),
    ],
    ids=str,
)
def test_a_filter_keeps_what_fits(rule: dict[str, Any], names: list[str]) -> None:
    """A number in the rule compares numbers, text compares text; what is neither does not fit."""
    kept = done(PEOPLE, {"operation": "filter", **rule})
    assert [row["name"] for row in kept] == names


@pytest.mark.parametrize(
    ("step", "row"),
    [
        ({"field": "a", "function": "number"}, {"a": Decimal("12.5"), "b": " X "}),
        (
            {"field": "a", "function": "multiply", "value": 2, "to": "c"},
            {"a": "12.5", "b": " X ", "c": Decimal("25.0")},
        ),
        ({"field": "a", "function": "divide", "value": 5}, {"a": Decimal("2.5"), "b": " X "}),
        ({"field": "a", "function": "add", "other": "a"}, {"a": Decimal("25.0"), "b": " X "}),
        ({"field": "a", "function": "subtract", "value": 0.5}, {"a": Decimal("12.0"), "b": " X "}),
        ({"field": "b", "function": "trim"}, {"a": "12.5", "b": "X"}),
        ({"field": "b", "function": "lower", "to": "c"}, {"a": "12.5", "b": " X ", "c": " x "}),
        ({"field": "a", "function": "rename", "to": "z"}, {"z": "12.5", "b": " X "}),
        ({"field": "a", "function": "rename", "to": "b"}, {"b": "12.5"}),
        ({"field": "b", "function": "drop"}, {"a": "12.5"}),
        ({"field": "none", "function": "drop"}, {"a": "12.5", "b": " X "}),
        ({"field": "c", "function": "set", "value": None}, {"a": "12.5", "b": " X ", "c": None}),
    ],
    ids=str,
)
def test_a_transform_changes_one_field(step: dict[str, Any], row: dict[str, Any]) -> None:
    """The rest of the row stays, and so does the order of its fields."""
    [changed] = done([{"a": "12.5", "b": " X "}], {"operation": "transform", **step})
    assert [*changed.items()] == [*row.items()]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"field": "b", "function": "number"}, "Row 2 has no number in the field b."),
        ({"field": "c", "function": "upper"}, "Row 1 has no field c."),
        ({"field": "a", "function": "divide", "value": 0}, "Row 1 cannot divide: the result is no number."),
        (
            {"field": "a", "function": "multiply", "value": 1e80},
            "Row 1 cannot multiply: the result has too many",
        ),
    ],
    ids=["no-number", "no-field", "by-zero", "too-large"],
)
def test_what_cannot_be_done_to_a_row_names_it(step: dict[str, Any], words: str) -> None:
    """The client learns which row, and why."""
    rows = [{"a": "12", "b": "1"}, {"a": "3", "b": "many"}]
    with pytest.raises(ActionFailed) as caught:
        done(rows, {"operation": "transform", **step})
    assert str(caught.value).startswith(words)
    assert caught.value.code == "ROW_INVALID"


def test_an_aggregation_makes_a_row_of_each_group() -> None:
    """Figures are exact; what lacks the field counts for nothing; groups come as they were met."""
    rows = [
        {"k": "x", "v": "0.1"},
        {"k": "y", "v": "5"},
        {"k": "x", "v": "0.2"},
        {"k": "x", "v": ""},
    ]
    measures = [{"function": "count"}] + [
        {"function": f, "field": "v"} for f in ("sum", "mean", "min", "max")
    ]
    assert done(rows, {"operation": "aggregate", "group_by": ["k"], "measures": measures}) == [
        {
            "k": "x",
            "count": 3,
            "sum_v": Decimal("0.3"),
            "mean_v": Decimal("0.15"),
            "min_v": Decimal("0.1"),
            "max_v": Decimal("0.2"),
        },
        {"k": "y", "count": 1, "sum_v": 5, "mean_v": 5, "min_v": 5, "max_v": 5},
    ]


def test_all_rows_are_one_group_also_when_there_are_none() -> None:
    """The sum of nothing is nought, its mean is absent."""
    measures = [
        {"function": "count", "name": "n"},
        {"function": "sum", "field": "v"},
        {"function": "mean", "field": "v"},
    ]
    assert done([], {"operation": "aggregate", "measures": measures}) == [
        {"n": 0, "sum_v": 0, "mean_v": None}
    ]


def test_a_sort_puts_absent_before_numbers_before_text() -> None:
    """Several fields, each in its direction; rows that agree stay as they are."""
    rows = [
        {"id": 1, "a": "b"},
        {"id": 2, "a": 10},
        {"id": 3, "a": None},
        {"id": 4, "a": 9},
        {"id": 5},
        {"id": 6, "a": Decimal("9.0")},
    ]
    by = [{"field": "a"}, {"field": "id", "descending": True}]
    assert [row["id"] for row in done(rows, {"operation": "sort", "by": by})] == [5, 3, 6, 4, 2, 1]


@pytest.mark.parametrize(("by", "kept"), [(["a"], [1, 3]), ([], [1, 2, 3]), (["a", "b"], [1, 2, 3])], ids=str)
def test_the_first_of_equal_rows_is_kept(by: list[str], kept: list[int]) -> None:
    """Equal in the named fields, or in all; 1 and 1.0 are equal, 1 and "1" are not."""
    rows = [{"a": 1, "b": "x"}, {"a": Decimal("1.0"), "b": "y"}, {"a": "1", "b": "x"}, {"b": "x", "a": 1}]
    found = done(rows, {"operation": "deduplicate", "by": by})
    assert [rows.index(row) + 1 for row in found] == kept


@pytest.mark.parametrize(
    ("limit", "step"),
    [
        ("MAX_SORTED_ROWS", {"operation": "sort", "by": [{"field": "a"}]}),
        ("MAX_GROUPS", {"operation": "aggregate", "group_by": ["a"], "measures": [{"function": "count"}]}),
        ("MAX_DISTINCT", {"operation": "deduplicate"}),
    ],
)
def test_what_must_be_kept_is_bounded(
    monkeypatch: pytest.MonkeyPatch, limit: str, step: dict[str, Any]
) -> None:
    """More than memory holds is a loud error before memory is full."""
    monkeypatch.setattr(operations_module, limit, 3)
    assert len(done([{"a": n} for n in range(3)], step)) == 3
    with pytest.raises(ActionFailed) as caught:
        done([{"a": n} for n in range(4)], step)
    assert caught.value.code == "DATA_TOO_LARGE"


@pytest.mark.parametrize(
    "step",
    [
        {"operation": "sort", "by": [{"field": "n"}]},
        {"operation": "aggregate", "group_by": ["a"], "measures": [{"function": "count"}]},
    ],
    ids=["sort", "aggregate"],
)
@pytest.mark.parametrize("cell", ["x" * 40, [[]] * 20], ids=["text", "nested"])
def test_few_rows_that_are_long_are_bounded_too(
    monkeypatch: pytest.MonkeyPatch, step: dict[str, Any], cell: Any
) -> None:
    """What counts is what memory holds, not how many rows it is in."""
    monkeypatch.setattr(operations_module, "MAX_KEPT_CHARACTERS", 200)
    with pytest.raises(ActionFailed) as caught:
        done([{"n": n, "a": [n, cell] if isinstance(cell, list) else f"{n}{cell}"} for n in range(9)], step)
    assert caught.value.code == "DATA_TOO_LARGE"


def test_rows_pass_one_at_a_time() -> None:
    """Filter, transform and deduplicate take no further row before the one before is gone."""
    taken = []

    def rows() -> Any:
        for number in range(3):
            taken.append(number)
            yield {"a": number}

    passing = apply(
        rows(),
        steps(
            {"operation": "filter", "field": "a", "is": "at_least", "value": 0},
            {"operation": "transform", "field": "a", "function": "add", "value": 1},
            {"operation": "deduplicate"},
        ),
    )
    assert next(passing) == {"a": 1}
    assert taken == [0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}\n[1]\n", "Line 2 of the source is no JSON object."),
        ("{", "Line 1 of the source is not JSON; write one object a line."),
        ('{"a": NaN}', "Line 1 of the source is not JSON; write one object a line."),
        ('{"a": 1e99}', "Line 1 of the source is not JSON; write one object a line."),
        ('{"a": "\\ud800"}', "Line 1 of the source is not JSON; write one object a line."),
    ],
)
def test_json_that_is_none_names_its_line(text: str, words: str) -> None:
    """Also a number that is too long, and a text that UTF-8 has no form for."""
    with pytest.raises(ActionFailed) as caught:
        [*read_rows(text.splitlines(keepends=True), "jsonl")]
    assert (str(caught.value), caught.value.code) == (words, "SOURCE_INVALID")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The source is empty; its first line names the columns."),
        ("a,a\n1,2\n", "Line 1 of the source names a column twice."),
        ("a,b\n1\n", "Line 2 of the source has 1 fields where the header has 2."),
        ('a\n"x\n', "Line 2 of the source is not CSV; look at its quotes."),
    ],
    ids=["empty", "twice", "short", "quote"],
)
def test_csv_that_is_none_names_its_line(text: str, words: str) -> None:
    """The words are ours, whatever the reader said."""
    with pytest.raises(ActionFailed) as caught:
        [*read_rows(text.splitlines(keepends=True), "csv")]
    assert str(caught.value) == words


def test_csv_has_the_fields_of_its_first_row() -> None:
    """A row that lacks one has an empty cell; one that has more is refused."""
    rows: list[dict[str, Any]] = [{"a": 1, "b": True}, {"a": Decimal("0.10")}]
    assert b"".join(write_rows(rows, "csv")) == b"a,b\n1,true\n0.10,\n"
    with pytest.raises(ActionFailed, match="Row 2 has the field c"):
        [*write_rows([{"a": 1}, {"c": 2}], "csv")]


cells = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=5)


@given(st.lists(st.dictionaries(st.text(max_size=3), cells, max_size=3)))
def test_json_lines_come_back_as_they_were(rows: list[dict[str, Any]]) -> None:
    """What is written is read as the same rows."""
    lines = [line.decode() for line in write_rows(rows, "jsonl")]
    assert [*read_rows(lines, "jsonl")] == rows


@given(st.lists(st.integers(-5, 5)))
def test_steps_agree_with_the_plain_way(numbers: list[int]) -> None:
    """Filter, deduplicate and sort together give what Python gives."""
    found = done(
        [{"n": number} for number in numbers],
        {"operation": "filter", "field": "n", "is": "more", "value": -2},
        {"operation": "deduplicate"},
        {"operation": "sort", "by": [{"field": "n", "descending": True}]},
    )
    assert [row["n"] for row in found] == sorted({n for n in numbers if n > -2}, reverse=True)
