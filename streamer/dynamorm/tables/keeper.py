"""Plans what tables need and carries it out, a step at a time."""

import time
from collections.abc import Callable

from streamer.dynamorm.errors import LossRefused, TableBusy, TableNotFound
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.models.model import Model
from streamer.dynamorm.schema import Table
from streamer.dynamorm.tables.administration import Administration
from streamer.dynamorm.tables.comparison import compare
from streamer.dynamorm.tables.descriptions import TableDescription
from streamer.dynamorm.tables.plans import Plan
from streamer.dynamorm.tables.steps import CreateTable, Step

TIMEOUT_S = 3_600.0
"""How long one step may take; an index over many items takes long. Ours."""

UNSEEN_S = 60.0
"""How long a change that was accepted may stay unseen in a table that is not busy; descriptions lag by
seconds. Ours."""

POLL_S = 2.0
"""Between two looks at a table that is being changed, at most. Ours."""

FIRST_POLL_S = 0.05
"""Before the second look; it doubles from there, so that a local DynamoDB is not waited for. Ours."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Tells where an `apply` is.

    Attributes:
        position, steps: `position` of so many, from 1.
        busy: what is waited for; empty: the step is done.
        elapsed_s: since the step began.
    """

    step: Step
    position: int
    steps: int
    busy: tuple[str, ...]
    elapsed_s: float


class Tables:
    """Describes, plans and changes the tables of models.

    A plan is made from what is there and carried out step by step: before each, the table is looked at
    again, and what is done already is passed over. So applying twice, or again after an interruption, is
    safe. DynamoDB makes one change of a table at a time; each is waited for.
    """

    def __init__(
        self,
        administration: Administration,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Take an administration.

        Args:
            sleep, now: how to wait between two looks, and seconds that only rise.
            timeout_s: how long one step may take.
        """
        self._administration = administration
        self._sleep = sleep
        self._now = now
        self._timeout_s = timeout_s

    def find(self, declared: Table | type[Model]) -> TableDescription | None:
        """Return the table as it is, or None."""
        return self._administration.find(_table(declared))

    def get(self, declared: Table | type[Model]) -> TableDescription:
        """Return the table as it is.

        Raises:
            TableNotFound: there is none.
        """
        found = self.find(declared)
        if found is None:
            raise TableNotFound(f"{_table(declared).name} does not exist; plan and apply its declaration.")
        return found

    def plan(self, *declared: Table | type[Model]) -> Plan:
        """Compare tables with what is there. Nothing is changed.

        Args:
            declared: tables, or models whose tables are meant; each table is planned once.

        Raises:
            TableCannotChange: a table has other keys than its declaration.
        """
        plan = Plan()
        for table in dict.fromkeys(map(_table, declared)):
            plan += compare(table, self._administration.find(table))
        return plan

    def apply(
        self,
        plan: Plan,
        *,
        allow_losses: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Carry out a plan, each step when the one before is done.

        Args:
            allow_losses: whether steps that take something away are done too.
            progress: is told of each step's begin, of what it waits for, and of its end.

        Raises:
            LossRefused: the plan has such a step and they are not allowed; nothing was done.
            TableBusy: a step took longer than `timeout_s`, or has no effect that can be seen; it may go
                on, apply a new plan later.
        """
        if plan.losses and not allow_losses:
            first = plan.losses[0]
            raise LossRefused(
                f"The plan takes something away: {first.table.name}, {first.loss}. Look at the plan, then"
                " apply it with allow_losses=True."
            )
        for position, step in enumerate(plan.steps, 1):
            self._carry_out(step, position, len(plan.steps), progress or _silent)

    def create(self, *declared: Table | type[Model]) -> None:
        """Make tables that are not there, and what is not there of the others; nothing is taken away.

        Raises:
            LossRefused: a table is there and differs in what could only be taken away.
        """
        self.apply(self.plan(*declared))

    def delete(self, declared: Table | type[Model]) -> None:
        """Delete a table with all its items, and wait until it is gone.

        Raises:
            TableNotFound: there is none.
        """
        table = _table(declared)
        began = self._now()
        self._wait(table, lambda found: found is None or not found.busy, began, None)
        self._administration.delete(table)
        self._wait(table, lambda found: found is None, began, None)

    def _carry_out(self, step: Step, position: int, steps: int, progress: Callable[[Progress], None]) -> None:
        began = self._now()

        def report(busy: tuple[str, ...]) -> None:
            progress(Progress(step, position, steps, busy, self._now() - began))

        found = self._wait(step.table, lambda found: found is None or not found.busy, began, report)
        if found is None and not isinstance(step, CreateTable):
            raise TableNotFound(f"{step.table.name} does not exist any more; make a new plan.")
        if found is None or not step.is_done(found.table):
            report(("the step begins",))
            self._administration.carry_out(step)
            self._wait(
                step.table,
                lambda found: found is not None and not found.busy and step.is_done(found.table),
                began,
                report,
            )
        report(())

    def _wait(
        self,
        table: Table,
        fits: Callable[[TableDescription | None], bool],
        began: float,
        report: Callable[[tuple[str, ...]], None] | None,
    ) -> TableDescription | None:
        pause_s = FIRST_POLL_S
        unseen_s = 0.0
        while True:
            found = self._administration.find(table)
            if fits(found):
                return found
            busy = found.busy if found is not None else ()
            unseen_s = 0.0 if busy else unseen_s + pause_s
            busy = busy or ("the change is not seen",)
            if self._now() - began > self._timeout_s or unseen_s > UNSEEN_S:
                raise TableBusy(
                    f"Table {table.name} is not ready after {self._now() - began:.0f} s ({', '.join(busy)});"
                    " look at it, then apply a new plan."
                )
            if report is not None:
                report(busy)
            self._sleep(pause_s)
            pause_s = min(POLL_S, pause_s * 2)


def _table(declared: Table | type[Model]) -> Table:
    return declared if isinstance(declared, Table) else declared.__schema__.table


def _silent(progress: Progress) -> None:
    return None
