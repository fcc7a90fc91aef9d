"""The records of tenants, on both implementations."""

from collections.abc import Callable
from typing import Any

import pytest

from streamer.dynamorm import Engine
from streamer.errors import InvalidMessage
from streamer.settings import Settings
from streamer.store.records import RecordStore

Open = Callable[..., RecordStore]


@pytest.fixture
def records(engine: Engine, settings: Settings, clock: Any) -> Open:
    """Open the records of a tenant and kind."""

    def records(
        tenant_id: str = "acme", entity_type: str = "user", written_by: str = "ada#r1"
    ) -> RecordStore:
        return RecordStore(
            engine, settings, clock, tenant_id=tenant_id, entity_type=entity_type, written_by=written_by
        )

    return records


def test_fields_come_back_exactly(records: Open) -> None:
    """What JSON has is kept as it is."""
    fields = {"n": 1, "f": 1.5, "t": "ü", "l": [None, True, {}]}
    assert records().create("a", fields)
    assert records().find("a") == fields
    assert records().find("b") is None


def test_a_record_is_created_once_by_different_requests(records: Open) -> None:
    """A repetition of the same request finds its own record in no way."""
    assert records().create("a", {"n": 1})
    assert records().create("a", {"n": 2})
    assert not records(written_by="ada#r2").create("a", {"n": 3})
    assert records().find("a") == {"n": 2}


def test_only_a_record_that_is_there_is_updated(records: Open) -> None:
    """The new fields take the place of all that were there."""
    assert not records().update("a", {"n": 1})
    assert records().find("a") is None
    records().create("a", {"n": 1, "m": 2})
    assert records(written_by="ada#r2").update("a", {"n": 3})
    assert records().find("a") == {"n": 3}


def test_batches_are_of_any_size(records: Open) -> None:
    """More than one call carries are written and deleted, whether or not they were there."""
    names = [f"r{number}" for number in range(60)]
    assert records().put_all({name: {"name": name} for name in names}) == frozenset()
    assert records().put_all({name: {"again": name} for name in names}) == frozenset()
    assert records().find("r59") == {"again": "r59"}
    assert records().delete_all([*names, "never-there"]) == frozenset()
    assert [records().find(name) for name in names] == [None] * 60


def test_tenants_and_kinds_do_not_meet(records: Open) -> None:
    """The same id is another record in another tenant, and as another kind."""
    records().create("a", {"n": 1})
    for other in (records(tenant_id="rival"), records(entity_type="order")):
        assert other.find("a") is None
        other.delete_all(["a"])
    assert records().find("a") == {"n": 1}


def test_what_no_item_holds_is_refused(records: Open) -> None:
    """Before anything is written."""
    with pytest.raises(InvalidMessage, match="The item has"):
        records().create("a", {"x": "x" * 400_000})
    assert records().find("a") is None
