"""The promises of the tables' administration, on every implementation of it: what one does, the others do."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from streamer.dynamorm import (
    Index,
    InvalidRequest,
    KeyAttribute,
    KeyType,
    LossRefused,
    Projection,
    StreamView,
    Table,
    TableCannotChange,
    TableNotFound,
    Throughput,
)
from streamer.dynamorm.tables import Administration, MemoryTables, Tables
from streamer.dynamorm.tables.aws import DynamoDBTables

BY_OWNER = Index("by-owner", KeyAttribute("owner"), KeyAttribute("day", KeyType.NUMBER))
BY_DAY = Index("by-day", KeyAttribute("day", KeyType.NUMBER), projection=("total",))


@pytest.fixture
def administration(client: Any) -> Administration:
    """Each implementation of the seam."""
    return MemoryTables() if client is None else DynamoDBTables(client)


@pytest.fixture
def tables(administration: Administration) -> Tables:
    return Tables(administration, timeout_s=60)


@pytest.fixture
def table(tables: Tables) -> Iterator[Table]:
    """A declaration that no other test has; what a test made of it is deleted."""
    declared = Table(
        f"test-{uuid.uuid4().hex[:12]}", KeyAttribute("pk"), KeyAttribute("sk"), indexes=(BY_OWNER,)
    )
    yield declared
    found = tables.find(declared)
    if found is not None:
        tables.apply(tables.plan(replace(found.table, deletion_protection=False)))
        tables.delete(declared)


def test_a_table_is_made_as_declared(tables: Tables, table: Table) -> None:
    """Keys, indexes, projections, stream and TTL are found as they were declared."""
    declared = replace(
        table,
        indexes=(BY_DAY, BY_OWNER),
        stream=StreamView.NEW_AND_OLD_IMAGES,
        ttl_attribute="expires_at",
        deletion_protection=True,
    )
    assert tables.find(declared) is None
    tables.create(declared)
    found = tables.get(declared)
    assert found.table == declared
    assert (found.status, found.busy) == ("ACTIVE", ())
    assert not tables.plan(declared)


CHANGES: dict[str, dict[str, Any]] = {
    "an index more": {"indexes": (BY_DAY, BY_OWNER)},
    "an index less": {"indexes": ()},
    "an index of other keys": {"indexes": (Index("by-owner", KeyAttribute("owner")),)},
    "an index that holds less": {"indexes": (replace(BY_OWNER, projection=Projection.KEYS_ONLY),)},
    "one index for another": {"indexes": (BY_DAY,)},
    "a stream": {"stream": StreamView.KEYS_ONLY},
    "a TTL": {"ttl_attribute": "expires_at"},
    "throughput": {"throughput": Throughput(5, 2)},
    "throughput of an index": {
        "throughput": Throughput(5, 2),
        "indexes": (BY_DAY, replace(BY_OWNER, throughput=Throughput(7, 7))),
    },
    "protection": {"deletion_protection": True},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_change_and_back(tables: Tables, table: Table, changes: dict[str, Any]) -> None:
    """A table becomes what is declared, and what it was; after each the plan is empty."""
    tables.create(table)
    for declared in (replace(table, **changes), table):
        tables.apply(tables.plan(declared), allow_losses=True)
        assert not tables.plan(declared)
        assert tables.get(declared).table == declared


def test_another_stream(tables: Tables, table: Table) -> None:
    """A stream that shows something else is another stream."""
    tables.create(replace(table, stream=StreamView.NEW_IMAGE))
    declared = replace(table, stream=StreamView.OLD_IMAGE)
    tables.apply(tables.plan(declared), allow_losses=True)
    assert tables.get(declared).table.stream is StreamView.OLD_IMAGE


def test_another_ttl(tables: Tables, table: Table) -> None:
    """One attribute goes with the first plan, the other comes with the next."""
    tables.create(replace(table, ttl_attribute="until"))
    declared = replace(table, ttl_attribute="expires_at")
    first = tables.plan(declared)
    assert first.later
    tables.apply(first)
    tables.create(declared)
    assert tables.get(declared).table.ttl_attribute == "expires_at"


def test_a_plan_is_applied_twice(tables: Tables, table: Table) -> None:
    """What is done already is passed over."""
    plan = tables.plan(replace(table, ttl_attribute="until"))
    tables.apply(plan)
    tables.apply(plan)
    changed = tables.plan(replace(table, indexes=(BY_DAY,), ttl_attribute="until"))
    tables.apply(changed, allow_losses=True)
    tables.apply(changed, allow_losses=True)
    assert tables.get(table).table.indexes == (BY_DAY,)


def test_nothing_is_taken_away_unasked(tables: Tables, table: Table) -> None:
    """A table keeps its index until losses are allowed."""
    tables.create(table)
    with pytest.raises(LossRefused):
        tables.create(replace(table, indexes=()))
    assert tables.get(table).table == table


def test_keys_stay(tables: Tables, table: Table) -> None:
    """A table of other keys is another table."""
    tables.create(table)
    with pytest.raises(TableCannotChange):
        tables.plan(replace(table, sort_key=None))


def test_a_table_is_deleted(tables: Tables, table: Table) -> None:
    """It is gone when the call returns; a protected one stays; an absent one is said to be absent."""
    protected = replace(table, deletion_protection=True)
    tables.create(protected)
    with pytest.raises(InvalidRequest):
        tables.delete(protected)
    tables.apply(tables.plan(table))
    tables.delete(table)
    assert tables.find(table) is None
    with pytest.raises(TableNotFound):
        tables.delete(table)


@pytest.mark.parametrize(
    "changes", [{"kms_key": "alias/aws/dynamodb"}, {"point_in_time_recovery": True}], ids=["key", "recovery"]
)
def test_encryption_and_recovery(tables: Tables, table: Table, changes: dict[str, Any]) -> None:
    """A table is made with them, also where DynamoDB Local has not; then there is nothing left to do."""
    declared = replace(table, **changes)
    tables.create(declared)
    assert not tables.plan(declared)
