"""Long diagrams made short: runs of like steps become one row, and a long middle is left out. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from emulator.displays.diagram import Step, Tone

MAX_ROWS_UNFOLDED = 24
"""Rows that are drawn as they are: about a screen. Ours."""

MAX_ROWS = 160
"""Rows that are drawn at all; the list of events has the others. Ours."""

MIN_RUN = 5
"""Like steps in a row that are worth folding: first, last and one row for the others. Ours."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a step, or several that are not shown one by one.

    Attributes:
        step: the step, the first of several.
        hidden: how many steps it stands for that have no row of their own; 0 for a step itself.
        numbers: of all its steps.
    """

    step: Step
    hidden: int
    numbers: tuple[int, ...]


def fold(steps: Sequence[Step]) -> list[Row]:
    """Return the rows in which `steps` are drawn."""
    rows = [Row(step, 0, (step.number,)) for step in steps]
    if len(rows) > MAX_ROWS_UNFOLDED:
        rows = list(_without_runs(steps))
    if len(rows) > MAX_ROWS:
        head, tail = MAX_ROWS * 2 // 3, MAX_ROWS // 3
        rows = [*rows[:head], _hidden(rows[head:-tail]), *rows[-tail:]]
    return rows


def _without_runs(steps: Sequence[Step]) -> Iterator[Row]:
    for _likeness, group in groupby(steps, _likeness_of):
        run = [Row(step, 0, (step.number,)) for step in group]
        if len(run) < MIN_RUN:
            yield from run
        else:
            yield from (run[0], _hidden(run[1:-1]), run[-1])


def _hidden(rows: Sequence[Row]) -> Row:
    return Row(
        rows[0].step,
        sum(max(1, row.hidden) for row in rows),
        tuple(number for row in rows for number in row.numbers),
    )


def _likeness_of(step: Step) -> tuple[str, str, str | None, Tone, str]:
    return step.source, step.target, step.via, step.tone, step.label.partition(",")[0]
