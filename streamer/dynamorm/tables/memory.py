"""Tables in memory, for tests of what plans and applies: declarations without items."""

from streamer.dynamorm.errors import InvalidRequest, TableBusy, TableNotFound
from streamer.dynamorm.schema import Table
from streamer.dynamorm.tables.descriptions import TableDescription
from streamer.dynamorm.tables.steps import CreateTable, Step


class MemoryTables:
    """Every step is done at once. Items are `memory.MemoryDynamoDB`'s, which asks for no tables."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}

    def find(self, table: Table) -> TableDescription | None:
        found = self._tables.get(table.name)
        if found is None:
            return None
        return TableDescription(found, ttl_status="DISABLED" if found.ttl_attribute is None else "ENABLED")

    def carry_out(self, step: Step) -> None:
        name = step.table.name
        if isinstance(step, CreateTable):
            if name in self._tables:
                raise TableBusy(f"Table {name} exists already; plan again.")
            self._tables[name] = step.apply_to(None)
        else:
            self._tables[name] = step.apply_to(self._get(step.table))

    def delete(self, table: Table) -> None:
        if self._get(table).deletion_protection:
            raise InvalidRequest(f"Table {table.name} is protected; apply deletion_protection=False first.")
        del self._tables[table.name]

    def _get(self, table: Table) -> Table:
        found = self._tables.get(table.name)
        if found is None:
            raise TableNotFound(f"{table.name} does not exist; create it from its declaration.")
        return found
