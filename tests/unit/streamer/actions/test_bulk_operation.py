"""Many records are written in batches; what fails is told item by item, and stops nothing else."""

from typing import Any

import pytest

from streamer.actions import ActionContext, bulk_operation
from streamer.actions.bulk import tally as tally_module
from streamer.actions.running import run
from streamer.dynamorm.errors import BatchWriteUnfinished
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.errors import ActionFailed, ContinueLater, InvalidMessage
from streamer.store.records import RecordStore
from streamer.testing import MemoryS3, RecordedProgress, make_context


@pytest.fixture
def database() -> MemoryDynamoDB:
    return MemoryDynamoDB()


def bulk(database: MemoryDynamoDB, operation: str, items: Any, **options: Any) -> dict[str, Any]:
    """Run the operation on users; `options` are the context's and the payload's `batch_size`."""
    payload: dict[str, Any] = {"operation_type": operation, "entity_type": "user"}
    payload |= {"items": items} if isinstance(items, list) else {"source": items}
    if "batch_size" in options:
        payload["batch_size"] = options.pop("batch_size")
    clients = {"dynamodb": database} | options.pop("clients", {})
    context: ActionContext = make_context(clients=clients, **options)
    result: dict[str, Any] = run(bulk_operation, bulk_operation.parse(payload), context)
    return result


def kept(database: MemoryDynamoDB, record_id: str, tenant: str = "acme") -> dict[str, Any] | None:
    context = make_context()
    return RecordStore(
        database, context.settings, context.clock, tenant_id=tenant, entity_type="user", written_by="test"
    ).find(record_id)


def users(*names: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"id": name, **fields} for name in names]


def test_records_are_created(database: MemoryDynamoDB) -> None:
    """The fields are kept as they came, and every item is counted."""
    result = bulk(database, "create", [{"id": "ada", "age": 36, "tags": ["x", None, 1.5]}, {"id": "bob"}])
    assert result == {
        "operation_type": "create",
        "entity_type": "user",
        "total_items": 2,
        "succeeded": 2,
        "failed": 0,
        "success_rate": 100.0,
        "failures": [],
        "failures_omitted": 0,
    }
    assert kept(database, "ada") == {"age": 36, "tags": ["x", None, 1.5]}
    assert kept(database, "bob") == {}


@pytest.mark.parametrize(
    ("operation", "failures", "age"),
    [
        ("create", [(0, "ada", "ALREADY_EXISTS")], 1),
        ("update", [(1, "eve", "NOT_FOUND")], 2),
        ("put", [], 2),
        ("delete", [], None),
    ],
)
def test_what_cannot_be_done_to_one_is_told_of_it(
    database: MemoryDynamoDB, operation: str, failures: list[Any], age: int | None
) -> None:
    """The others are written; the answer names place, id and reason."""
    bulk(database, "create", users("ada", age=1), request_id="before")
    result = bulk(database, operation, users("ada", "eve", age=2))
    assert [(f["index"], f["id"], f["code"]) for f in result["failures"]] == failures
    assert (result["total_items"], result["failed"]) == (2, len(failures))
    found = kept(database, "ada")
    assert (found and found["age"]) == age


def test_an_item_that_is_none_fails_alone(database: MemoryDynamoDB) -> None:
    """Without an id, or too large for an item."""
    items = [{"id": "a"}, {"name": "b"}, {"id": 5}, {"id": ""}, {"id": "c", "x": "x" * 400_000}, {"id": "d"}]
    result = bulk(database, "put", items)
    assert [(f["index"], f["code"]) for f in result["failures"]] == [
        (n, "INVALID_ITEM") for n in (1, 2, 3, 4)
    ]
    assert result["success_rate"] == pytest.approx(33.33)
    assert kept(database, "d") == {}


def test_records_belong_to_their_tenant(database: MemoryDynamoDB) -> None:
    """Two tenants may have a record of the same kind and id, and neither touches the other's."""
    bulk(database, "create", users("ada", age=1))
    assert bulk(database, "create", users("ada", age=2), tenant="rival")["failed"] == 0
    bulk(database, "delete", users("ada"), tenant="rival")
    assert kept(database, "ada") == {"age": 1}
    assert kept(database, "ada", "rival") is None


def test_a_repeated_attempt_finds_its_own_records(database: MemoryDynamoDB) -> None:
    """What the first attempt created counts as created, not as in the way."""
    bulk(database, "create", users("ada", "bob"))
    assert bulk(database, "create", users("ada", "bob"), attempt=2)["failed"] == 0
    assert bulk(database, "create", users("ada"), request_id="another")["failed"] == 1
    assert bulk(database, "create", users("ada"), user="eve")["failed"] == 1


def test_an_id_that_is_used_again_overwrites_nothing(database: MemoryDynamoDB) -> None:
    """Another payload under the same id is another request: what the first one created is in its way."""
    bulk(database, "create", users("ada", "bob", age=1))
    again = bulk(database, "create", users("ada", "eve", age=2))
    assert [(failure["id"], failure["code"]) for failure in again["failures"]] == [("ada", "ALREADY_EXISTS")]
    assert (kept(database, "ada"), kept(database, "eve")) == ({"age": 1}, {"age": 2})
    assert bulk(database, "create", users("ada", "eve", age=2))["failed"] == 1


def test_what_goes_on_from_a_checkpoint_finds_its_own_records(database: MemoryDynamoDB) -> None:
    """A batch that was written and whose checkpoint was lost is written again, and counts as created."""
    items = users("ada", "bob", "eve")
    checkpoints: list[Any] = []
    bulk(database, "create", items, batch_size=1, checkpoint=checkpoints.append)
    result = bulk(database, "create", items, batch_size=1, restored=checkpoints[0], attempt=2)
    assert (result["total_items"], result["failed"]) == (3, 0)


def test_of_two_items_for_one_record_the_latter_stands(database: MemoryDynamoDB) -> None:
    """It is never left to chance."""
    for operation in ("create", "put", "update"):
        bulk(database, operation, [*users("ada", age=1), *users("ada", age=2)])
        assert kept(database, "ada") == {"age": 2}


def test_each_batch_is_reported_and_safe(database: MemoryDynamoDB) -> None:
    """Progress and checkpoint follow the batches."""
    progress, checkpoints = RecordedProgress(), []
    items = users(*(f"u{n}" for n in range(7)))
    bulk(database, "put", items, batch_size=3, progress=progress, checkpoint=checkpoints.append)
    assert [round(update[0]) for update in progress.updates] == [0, 43, 86, 100, 100]
    assert [update[2].get("current_batch") for update in progress.updates] == [None, 1, 2, 3, None]
    assert [state["done"] for state in checkpoints] == [3, 6, 7]


def test_the_next_invocation_goes_on_behind_the_last_batch(database: MemoryDynamoDB) -> None:
    """Nothing is done twice, and the figures are those of the whole."""
    bulk(database, "create", users("u1"), request_id="before")
    items = users(*(f"u{n}" for n in range(6)))
    kept_state: list[Any] = []

    def near_the_end(state: Any) -> None:
        kept_state.append(state)
        raise ContinueLater(state)

    with pytest.raises(ContinueLater):
        bulk(database, "create", items, batch_size=3, checkpoint=near_the_end)
    assert kept(database, "u3") is None
    result = bulk(database, "create", items, batch_size=3, restored=kept_state[0])
    assert (result["total_items"], result["succeeded"]) == (6, 5)
    assert [f["id"] for f in result["failures"]] == ["u1"]


def test_items_may_come_as_a_source(database: MemoryDynamoDB) -> None:
    """More than a message carries are read from a file, a line each."""
    data = b"".join(b'{"id": "u%d", "n": %d.5}\n' % (n, n) for n in range(1_000))
    s3 = MemoryS3({("test-bucket", "tenants/acme/sources/users.jsonl"): data})
    progress = RecordedProgress()
    result = bulk(database, "put", "users.jsonl", clients={"s3": s3}, batch_size=100, progress=progress)
    assert (result["total_items"], result["failed"]) == (1_000, 0)
    assert kept(database, "u999") == {"n": 999.5}
    percentages = [update[0] for update in progress.updates]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 100


@pytest.mark.parametrize("line", [b"[1]", b"{", b'{"id": "\\ud800"}', b"NaN"], ids=repr)
def test_a_source_that_cannot_be_read_names_its_line(database: MemoryDynamoDB, line: bytes) -> None:
    """What came before it is written, as far as its batch was full."""
    s3 = MemoryS3({("test-bucket", "tenants/acme/sources/users.jsonl"): b'{"id": "a"}\n\n' + line})
    with pytest.raises(ActionFailed) as caught:
        bulk(database, "put", "users.jsonl", clients={"s3": s3}, batch_size=1)
    assert (caught.value.code, caught.value.details) == ("SOURCE_INVALID", {"line": 3})
    assert kept(database, "a") == {}


def test_a_source_that_is_not_there(database: MemoryDynamoDB) -> None:
    """The client is told where it is looked for."""
    with pytest.raises(ActionFailed) as caught:
        bulk(database, "put", "users.jsonl", clients={"s3": MemoryS3()})
    assert caught.value.code == "SOURCE_NOT_FOUND"


def test_what_the_table_does_not_take_is_told(
    database: MemoryDynamoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is left undone through all attempts names its items."""

    def refuse_one(self: Any, actions: Any) -> None:
        raise BatchWriteUnfinished("…", requests=[[*actions][1]], attempts=5, waited_s=1.0)

    monkeypatch.setattr("streamer.dynamorm.Database.batch_write", refuse_one)
    for operation in ("put", "delete"):
        result = bulk(database, operation, users("a", "b#%", "c"))
        assert [(f["id"], f["code"]) for f in result["failures"]] == [("b#%", "NOT_WRITTEN")]


def test_failures_are_told_one_by_one_up_to_a_limit(
    database: MemoryDynamoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest are counted."""
    monkeypatch.setattr(tally_module, "MAX_REPORTED", 2)
    result = bulk(database, "update", users("a", "b", "c"))
    assert (result["failed"], len(result["failures"]), result["failures_omitted"]) == (3, 2, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"items": []},
        {"items": None},
        {"source": "a.jsonl"},
        {"items": None, "source": "a.csv"},
        {"operation_type": "explode"},
        {"entity_type": "Not A Name"},
        {"batch_size": 101},
        {"batch_size": 0},
    ],
    ids=str,
)
def test_a_payload_that_cannot_be_meant_is_refused(change: dict[str, Any]) -> None:
    """Before anything is queued."""
    with pytest.raises(InvalidMessage):
        bulk_operation.parse(
            {"operation_type": "put", "entity_type": "user", "items": [{"id": "a"}]} | change
        )


@pytest.mark.parametrize(("count", "is_long"), [(250, False), (251, True)])
def test_few_items_are_answered_at_once(count: int, is_long: bool) -> None:
    """The estimate is made of their number."""
    payload = {"operation_type": "put", "entity_type": "user", "items": users(*map(str, range(count)))}
    assert bulk_operation.is_long(bulk_operation.parse(payload)) is is_long
