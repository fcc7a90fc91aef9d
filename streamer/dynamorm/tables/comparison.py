"""From a declared table and the one that was found to a plan. Pure: no I/O."""

from dataclasses import replace

from streamer.dynamorm.errors import TableBusy, TableCannotChange
from streamer.dynamorm.schema import KeyAttribute, Table
from streamer.dynamorm.tables.descriptions import CHANGING_TTL, DELETING, TableDescription, normalized
from streamer.dynamorm.tables.plans import Plan
from streamer.dynamorm.tables.steps import (
    CreateIndex,
    CreateTable,
    DeleteIndex,
    SetDeletionProtection,
    SetEncryption,
    SetRecovery,
    SetStream,
    SetThroughput,
    SetTimeToLive,
    Step,
    is_same_key,
)


def compare(declared: Table, found: TableDescription | None) -> Plan:
    """Return what makes the found table as it is declared; empty where it is.

    Local secondary indexes, tags, capacity limits and replicas are no part of a declaration: they stay as
    they are.

    Raises:
        TableCannotChange: the keys differ, which DynamoDB never changes.
        TableBusy: the table is being deleted.
    """
    declared = normalized(declared)
    if found is None:
        return Plan((CreateTable(declared), *_after_creation(declared)))
    if found.status == DELETING:
        raise TableBusy(f"Table {declared.name} is being deleted; plan again when it is gone.")
    _check_keys(declared, found.table)
    steps = _Steps(normalized(found.table))
    if declared.deletion_protection != found.table.deletion_protection:
        steps.add(SetDeletionProtection(declared))
    _compare_indexes(declared, steps)
    if declared.stream != found.table.stream:
        if found.table.stream is not None:
            steps.add(SetStream(declared, None))
        if declared.stream is not None:
            steps.add(SetStream(declared, declared.stream))
    if not is_same_key(declared.kms_key, found.table.kms_key):
        steps.add(SetEncryption(declared))
    later = _compare_ttl(declared, found, steps)
    if declared.point_in_time_recovery != found.table.point_in_time_recovery:
        steps.add(SetRecovery(declared))
    return Plan(tuple(steps.steps), later)


class _Steps:
    """Collects steps, and the table as it is after them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.steps: list[Step] = []

    def add(self, step: Step) -> None:
        self.steps.append(step)
        self.table = step.apply_to(self.table)


def _after_creation(declared: Table) -> list[Step]:
    steps: list[Step] = []
    if declared.ttl_attribute is not None:
        steps.append(SetTimeToLive(declared, declared.ttl_attribute, enabled=True))
    if declared.point_in_time_recovery:
        steps.append(SetRecovery(declared))
    return steps


def _check_keys(declared: Table, found: Table) -> None:
    if declared.keys != found.keys:
        raise TableCannotChange(
            f"Table {declared.name} is keyed by {_named(found.keys)}, declared with {_named(declared.keys)};"
            " keys never change: declare a table of another name and copy the items into it."
        )


def _named(keys: tuple[KeyAttribute, ...]) -> str:
    return " and ".join(f"{key.name} ({key.type.value})" for key in keys)


def _compare_indexes(declared: Table, steps: _Steps) -> None:
    """Delete first, so that a limit of indexes is not met, then bill, then build."""
    wanted = {index.name: replace(index, throughput=None) for index in declared.indexes}
    for index in steps.table.indexes:
        if wanted.get(index.name) != replace(index, throughput=None):
            steps.add(DeleteIndex(declared, index))
    kept = {index.name: index for index in steps.table.indexes}
    _compare_throughput(declared, steps)
    for index in declared.indexes:
        if index.name not in kept:
            after = (*steps.table.key_attributes(), *index.keys)
            steps.add(CreateIndex(declared, index, tuple(dict.fromkeys(after))))


def _compare_throughput(declared: Table, steps: _Steps) -> None:
    found = steps.table
    held = {index.name: index.throughput or found.throughput for index in found.indexes}
    indexes = tuple(
        index
        for index in declared.indexes
        if index.name in held
        and declared.throughput is not None
        and held[index.name] != (index.throughput or declared.throughput)
    )
    of_table = declared.throughput != found.throughput
    if of_table or indexes:
        steps.add(SetThroughput(declared, of_table, indexes))


def _compare_ttl(declared: Table, found: TableDescription, steps: _Steps) -> tuple[str, ...]:
    wanted, held = declared.ttl_attribute, found.table.ttl_attribute
    if wanted == held:
        return ()
    if found.ttl_status in CHANGING_TTL:
        return (f"the TTL of {declared.name} is {found.ttl_status}; plan again within the hour.",)
    if held is None:
        assert wanted is not None
        steps.add(SetTimeToLive(declared, wanted, enabled=True))
        return ()
    steps.add(SetTimeToLive(declared, held, enabled=False))
    if wanted is None:
        return ()
    return (f"the TTL of {declared.name} moves to {wanted} when {held} is off; plan again in an hour.",)
