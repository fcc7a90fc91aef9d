"""The seam: who describes and changes tables."""

from typing import Protocol

from streamer.dynamorm.schema import Table
from streamer.dynamorm.tables.descriptions import TableDescription
from streamer.dynamorm.tables.steps import Step


class Administration(Protocol):
    """Describes and changes tables.

    Every method raises the errors of `streamer.dynamorm.errors` and no others. The implementations are
    `tables.aws.DynamoDBTables` and `tables.memory.MemoryTables`; one suite of contract tests holds for both.
    """

    def find(self, table: Table) -> TableDescription | None:
        """Return the table as it is, or None where there is none of its name."""
        ...

    def carry_out(self, step: Step) -> None:
        """Begin one step; it may take minutes after this returns.

        Raises:
            TableBusy: another change is going on.
            TableNotFound: there is no such table to change.
        """
        ...

    def delete(self, table: Table) -> None:
        """Begin to delete a table with all its items.

        Raises:
            TableBusy: it is being created or changed.
            TableNotFound: there is none.
        """
        ...
