"""The parity table: rows, what the tests say of them, and how that is written. Values only."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "tests" / "parity" / "rows.toml"
OUTSIDE = ROOT / "tests" / "parity" / "outside.toml"

BEGIN = "<!-- parity:begin -->"
END = "<!-- parity:end -->"

SHOWN_TESTS = 3
"""Tests of a row that the table names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the behaviour table.

    Attributes:
        certainty: H, M, L or U; of the row's first part and of the rest, where they differ.
    """

    name: str
    section: str
    certainty: str
    behaviour: str

    @property
    def is_uncertain(self) -> bool:
        """Whether nobody outside AWS knows any part of it."""
        return not {"H", "M"} & set(self.certainty.split("/"))


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A test's mark, for one row.

    Attributes:
        path: of the test's file, relative to the repository.
        gap: why the row is not emulated, or None.
        switch: the setting that changes the behaviour, or None.
    """

    row: str
    path: str
    test: str
    gap: str | None = None
    switch: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one row.

    Attributes:
        outside: why no emulator can have it, or None.
    """

    row: Row
    marks: Sequence[Mark] = ()
    outside: str | None = None

    @property
    def gaps(self) -> list[str]:
        return sorted({mark.gap for mark in self.marks if mark.gap is not None})

    @property
    def switches(self) -> list[str]:
        return sorted({mark.switch for mark in self.marks if mark.switch is not None})

    @property
    def asserted(self) -> bool:
        """Whether a test asserts the behaviour itself."""
        return any(mark.gap is None for mark in self.marks)

    @property
    def kind(self) -> str:
        """The verdict in a word, for counting; a column of the counts."""
        if self.outside is not None:
            return "outside"
        if self.asserted:
            return "in part" if self.gaps else "default" if self._is_a_default else "as on AWS"
        return "gap" if self.gaps else "missing"

    @property
    def _is_a_default(self) -> bool:
        return self.row.is_uncertain or bool(self.switches)

    @property
    def verdict(self) -> str:
        """The verdict as the table has it."""
        behind = ", ".join(f"`{switch}`" for switch in self.switches)
        match self.kind:
            case "outside":
                return f"outside: {self.outside}"
            case "in part":
                return f"in part; gap: {'; '.join(self.gaps)}"
            case "gap":
                return f"gap: {'; '.join(self.gaps)}"
            case "default":
                return f"default, behind {behind}" if behind else "default"
            case kind:
                return kind


KINDS = ("as on AWS", "default", "in part", "gap", "outside", "missing")


@dataclass(frozen=True, slots=True)
class Table:
    """Every row, and what is wrong with the marks."""

    standings: Sequence[Standing]
    problems: Sequence[str] = field(default=())

    @property
    def missing(self) -> list[str]:
        """Rows that nothing is said about."""
        return [standing.row.name for standing in self.standings if standing.kind == "missing"]


def read_rows(path: Path = ROWS) -> list[Row]:
    """Read the rows in their order."""
    sections = tomllib.loads(path.read_text())
    return [
        Row(name, section, certainty, behaviour)
        for section, rows in sections.items()
        for name, (certainty, behaviour) in rows.items()
    ]


def read_outside(path: Path = OUTSIDE) -> Mapping[str, str]:
    """Read which rows no emulator can have, each with its reason."""
    return tomllib.loads(path.read_text())


def marks_in(test: Mapping[str, Any]) -> Iterable[Mark]:
    """Read the marks of one test, as `collecting` writes them."""
    for mark in test["marks"]:
        for row in mark["rows"]:
            yield Mark(row, test["path"], test["test"], mark["gap"], mark["switch"])


def build(rows: Sequence[Row], marks: Iterable[Mark], outside: Mapping[str, str]) -> Table:
    """Put together what is said of each row."""
    known = {row.name for row in rows}
    by_row: dict[str, set[Mark]] = {}
    for mark in marks:
        by_row.setdefault(mark.row, set()).add(mark)
    problems = [
        f"{mark.path}::{mark.test} names the row {mark.row!r}, which is not in rows.toml."
        for name in sorted(by_row.keys() - known)
        for mark in sorted(by_row[name], key=_key)
    ]
    problems += [
        f"outside.toml names {name!r}, which is not in rows.toml." for name in sorted(outside.keys() - known)
    ]
    problems += [
        f"{name} stands in outside.toml and has a test: take one of them away."
        for name in sorted(outside.keys() & by_row.keys())
    ]
    standings = [
        Standing(row, sorted(by_row.get(row.name, ()), key=_key), outside.get(row.name)) for row in rows
    ]
    return Table(standings, problems)


def _key(mark: Mark) -> tuple[str, str, str, str]:
    return (mark.path, mark.test, mark.gap or "", mark.switch or "")


def markdown(table: Table) -> str:
    """Write the counts and the rows for `emulator/README.md`."""
    lines = [
        "| Section | " + " | ".join(KINDS) + " | rows |",
        "|---|" + "---|" * (len(KINDS) + 1),
    ]
    sections = [
        (name, list(rows)) for name, rows in groupby(table.standings, lambda standing: standing.row.section)
    ]
    lines += [_counts(name, standings) for name, standings in sections]
    lines.append(_counts("**All**", table.standings))
    for name, standings in sections:
        lines += [
            "",
            f"### {name}",
            "",
            "| Row | On AWS | Certainty | Here | Test |",
            "|---|---|---|---|---|",
        ]
        lines += [_line(standing) for standing in standings]
    return "\n".join(lines)


def _counts(name: str, standings: Sequence[Standing]) -> str:
    counts = [sum(standing.kind == kind for standing in standings) for kind in KINDS]
    return f"| {name} | " + " | ".join(str(count or "") for count in (*counts, len(standings))) + " |"


def _line(standing: Standing) -> str:
    row = standing.row
    tests = list(dict.fromkeys((mark.path, mark.test) for mark in standing.marks))
    shown = [f"[{test}](../{path})" for path, test in tests[:SHOWN_TESTS]]
    if len(tests) > SHOWN_TESTS:
        shown.append(f"and {len(tests) - SHOWN_TESTS} more")
    cells = (row.name, row.behaviour, row.certainty, standing.verdict, ", ".join(shown))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def put_into(document: str, text: str) -> str:
    """Replace what stands between the two comments of a document. Raises ValueError without them."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The document lacks the comments {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"
