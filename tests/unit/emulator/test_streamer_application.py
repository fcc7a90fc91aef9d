"""The adapter translates the whole stack, and adds only what a sandbox needs."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from emulator.application import Application, Destination
from emulator.applications.source import load
from emulator.applications.streamer import Source, table_of
from emulator.errors import InvalidApplication
from emulator.resources import table_request
from streamer.dynamorm import Index, KeyAttribute, Projection, Table
from streamer.dynamorm.tables.requests import create_table
from streamer.stack import stack


@pytest.fixture(scope="module")
def application() -> Application:
    return Source().application()


def test_every_part_of_the_stack_is_there(application: Application) -> None:
    """What is declared for AWS is what the sandbox creates, name by name."""
    declared = stack()
    assert [f.name for f in application.functions] == [f.name for f in declared.functions]
    assert [t.name for t in application.tables] == [t.name for t in declared.tables]
    assert [s.name for s in application.schedules] == [s.name for s in declared.schedules]
    assert [q.name for q in application.queues] == list(declared.queues)
    assert list(application.buckets) == list(declared.buckets)
    assert [asdict(r) for r in application.lifecycle_rules] == [asdict(r) for r in declared.lifecycle_rules]
    assert {s.name for s in application.secrets} >= set(declared.secrets)
    assert [r.key for r in application.apis[0].routes] == [r.key for r in declared.api.routes]


def test_tables_are_created_as_dynamorm_plans_them(application: Application) -> None:
    """The laptop's tables are the ones that DynamORM would create on AWS, indexes and stream with them."""
    for ours, declared in zip(application.tables, stack().tables, strict=True):
        assert table_request(ours) == create_table(declared, declared.name)


def test_an_index_keeps_its_projection() -> None:
    """An index holds on the laptop what it holds on AWS, whether everything, keys or some attributes."""
    declared = Table(
        "shop",
        KeyAttribute("pk"),
        indexes=(
            Index("keys", KeyAttribute("owner"), projection=Projection.KEYS_ONLY),
            Index("some", KeyAttribute("owner"), projection=("total", "note")),
        ),
    )
    assert table_request(table_of(declared)) == create_table(declared, "shop")


def test_functions_keep_their_limits(application: Application) -> None:
    """Timeout, memory, environment and failure destination are those of the declaration."""
    for ours, declared in zip(application.functions, stack().functions, strict=True):
        assert (ours.handler, ours.timeout_s, ours.memory_mb) == (
            declared.handler,
            declared.timeout_s,
            declared.memory_mb,
        )
        assert ours.environment == declared.environment
        if declared.asynchronous is not None:
            assert ours.asynchronous.on_failure == Destination.function(declared.asynchronous.on_failure)
            assert ours.asynchronous.maximum_retry_attempts == declared.asynchronous.maximum_retry_attempts


def test_tables_keep_keys_indexes_stream_and_ttl(application: Application) -> None:
    """A table is created as its models declare it."""
    for ours, declared in zip(application.tables, stack().tables, strict=True):
        assert ours.partition_key.name == declared.partition_key.name
        assert (ours.sort_key and ours.sort_key.name) == (declared.sort_key and declared.sort_key.name)
        assert [index.name for index in ours.indexes] == [index.name for index in declared.indexes]
        assert ours.ttl_attribute == declared.ttl_attribute
        assert ours.stream_view_type == declared.stream


def test_the_public_key_alone_is_what_functions_may_read(application: Application) -> None:
    """The functions' secret holds no private part; the development key is a secret of its own."""
    secrets = {secret.name: json.loads(secret.value) for secret in application.secrets}
    (public,) = secrets[stack().settings.jwt_keys_secret]["keys"]
    assert "d" not in public
    assert "d" in secrets["streamer/development-key"]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("nothing", {}, "no application source"),
        ("streamer", {"colour": "red"}, "does not take"),
        ("streamer", {"action_modules": ["no_such_module"]}, "python_path"),
    ],
    ids=["unknown-application", "unknown-option", "unknown-action-module"],
)
def test_what_cannot_be_loaded_is_told(name: str, options: dict[str, Any], words: str) -> None:
    """A wrong name or option is one sentence."""
    with pytest.raises(InvalidApplication, match=words):
        load(name, options)
