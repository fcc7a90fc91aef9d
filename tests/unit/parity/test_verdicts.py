"""How marks become verdicts, and verdicts a table."""

import pytest

from scripts.parity_harness.table import BEGIN, END, Mark, Row, build, markdown, put_into

ROWS = [Row("A1", "A", "H", "it opens"), Row("A2", "A", "U", "it says a|b"), Row("B1", "B", "H/U", "it ends")]


def mark(row: str, *, gap: str | None = None, switch: str | None = None, test: str = "test_it") -> Mark:
    return Mark(row, "tests/parity/test_x.py", test, gap, switch)


@pytest.mark.parametrize(
    ("row", "marks", "outside", "verdict"),
    [
        ("A1", [mark("A1")], {}, "as on AWS"),
        ("A2", [mark("A2", switch="S.x")], {}, "default, behind `S.x`"),
        ("A2", [mark("A2")], {}, "default"),
        ("A1", [mark("A1", gap="not yet")], {}, "gap: not yet"),
        ("A1", [mark("A1"), mark("A1", gap="not that")], {}, "in part; gap: not that"),
        ("A1", [], {"A1": "no such thing here"}, "outside: no such thing here"),
        ("A1", [], {}, "missing"),
        ("B1", [mark("B1")], {}, "as on AWS"),
    ],
    ids=["certain", "switch", "uncertain", "gap", "in-part", "outside", "missing", "certain-in-part"],
)
def test_verdict(row: str, marks: list[Mark], outside: dict[str, str], verdict: str) -> None:
    """The verdict of a row follows from its marks, its certainty and the list of what is outside."""
    table = build(ROWS, marks, outside)
    (standing,) = [standing for standing in table.standings if standing.row.name == row]
    assert standing.verdict == verdict
    assert not table.problems


def test_rows_without_a_word_are_missing() -> None:
    """Rows with neither test nor reason are listed in their order."""
    assert build(ROWS, [mark("A2")], {}).missing == ["A1", "B1"]


@pytest.mark.parametrize(
    ("marks", "outside"),
    [([mark("Z9")], {}), ([], {"Z9": "why"}), ([mark("A1")], {"A1": "why"})],
    ids=["unknown-row", "unknown-outside", "tested-and-outside"],
)
def test_marks_that_do_not_fit_are_problems(marks: list[Mark], outside: dict[str, str]) -> None:
    """An unknown name, or a row that is outside and has a test, is a problem that names the row."""
    (problem,) = build(ROWS, marks, outside).problems
    assert (marks or [mark("Z9")])[0].row in problem


def test_table_counts_and_names_the_tests() -> None:
    """The table counts verdicts by section, escapes bars, and names three tests of a row at most."""
    marks = [mark("A1", test=f"test_{number}") for number in range(5)]
    text = markdown(build(ROWS, marks, {"B1": "why"}))
    assert "| **All** | 1 |  |  |  | 1 | 1 | 3 |" in text
    assert "it says a\\|b" in text
    assert "[test_2](../tests/parity/test_x.py), and 2 more |" in text
    assert "test_3" not in text


def test_table_replaces_the_one_before() -> None:
    """What stands between the comments is replaced, what is around it stays; without them it is an error."""
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert put_into(document, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="parity:begin"):
        put_into("nothing", "new")
