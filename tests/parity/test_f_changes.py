"""Rows F44, F45 and F62: several mappings, and mappings that are changed while they run."""

import uuid
from typing import Any

import pytest

from scripts.parity_harness.streams import keys


@pytest.mark.row("F62")
async def test_disabled_mapping_keeps_its_place(parity: Any, stream: Any) -> None:
    """What is written meanwhile comes when the mapping is enabled, and nothing twice."""
    mapping_id = await stream.map()
    await stream.put("a")
    assert keys(await parity.function("on-mapped").event()) == ["a"]
    assert (await stream.update(mapping_id, Enabled=False))["State"] == "Disabling"
    assert (await stream.get(mapping_id))["State"] == "Disabled"
    await stream.put("b")
    assert (await stream.update(mapping_id, Enabled=True))["State"] == "Enabling"
    assert keys(await parity.function("on-mapped").event()) == ["b"]
    assert (await stream.get(mapping_id))["State"] == "Enabled"


@pytest.mark.row("F62")
@pytest.mark.parametrize("fields", [{"Enabled": False}, {"BatchSize": 7}], ids=["disabled", "updated"])
async def test_invocation_under_way_finishes(parity: Any, stream: Any, fields: Any) -> None:
    """A change waits for the invocation, whose records are done: they do not come again."""
    function = parity.function("on-mapped").holds(once=True)
    await stream.put("a")
    mapping_id = await stream.map()
    held = await function.invocation()
    update = stream.client.update_event_source_mapping
    answer = await parity.call(update, UUID=mapping_id, **fields)
    await stream.put("b")
    with pytest.raises(stream.client.exceptions.ResourceInUseException):
        await parity.call(update, UUID=mapping_id, BatchSize=9)
    assert (await stream.get(mapping_id))["State"] == answer["State"]
    held.release()
    await stream.settled(mapping_id)
    await stream.update(mapping_id, Enabled=True)
    assert keys(await function.event()) == ["b"]


@pytest.mark.row("F62")
async def test_batch_that_waits_for_its_retry_comes_when_enabled(parity: Any, stream: Any) -> None:
    """A failing batch neither gets lost nor holds up the change."""
    parity.function("on-mapped").raises("no", once=True)
    await stream.put("a")
    mapping_id = await stream.map(Enabled=True)
    assert keys(await parity.function("on-mapped").event()) == ["a"]
    await stream.update(mapping_id, Enabled=False)
    await stream.update(mapping_id, Enabled=True)
    assert keys((await stream.again()).event) == ["a"]


@pytest.mark.row("F45")
async def test_two_mappings_of_one_stream_know_nothing_of_each_other(parity: Any, stream: Any) -> None:
    """Both get every record; where one fails, the other goes on."""
    parity.function("on-mapped").raises("no", once=True)
    await stream.map(BatchSize=1)
    await stream.map("on-mapped-too", BatchSize=1)
    await stream.put("a", "b")
    others = await parity.function("on-mapped-too").events(2)
    assert [keys(event) for event in others] == [["a"], ["b"]]
    assert keys(await parity.function("on-mapped").event()) == ["a"]
    assert [keys((await stream.again()).event) for _ in range(2)] == [["a"], ["b"]]


@pytest.mark.row("F44")
async def test_declared_mappings_are_mappings_like_others(parity: Any) -> None:
    """What the application declares delivers from the start on and can be looked up."""
    sort_key = uuid.uuid4().hex
    item = {"pk": {"S": "p"}, "sk": {"S": sort_key}}
    await parity.call(parity.boto3("dynamodb").put_item, TableName="declared", Item=item)
    event = await parity.function("on-declared").event(lambda event: sort_key in keys(event))
    client = parity.boto3("lambda")
    listed = await parity.call(client.list_event_source_mappings, FunctionName="on-declared")
    (mapping,) = listed["EventSourceMappings"]
    assert (mapping["EventSourceArn"], mapping["State"]) == (event["Records"][0]["eventSourceARN"], "Enabled")


@pytest.mark.row("F44")
async def test_another_function_goes_on_where_the_first_was(parity: Any, stream: Any) -> None:
    """An update may name another function, which gets what was not delivered yet."""
    mapping_id = await stream.map()
    await stream.put("a")
    assert keys(await parity.function("on-mapped").event()) == ["a"]
    answer = await stream.update(mapping_id, FunctionName="on-mapped-too")
    assert answer["FunctionArn"].endswith(":function:on-mapped-too")
    await stream.put("b")
    assert keys(await parity.function("on-mapped-too").event()) == ["b"]


@pytest.mark.row("F44")
async def test_deleted_mapping_is_gone_with_its_place(parity: Any, stream: Any) -> None:
    """It is `Deleting`, then not found; another one for the same stream begins at its own start."""
    mapping_id = await stream.map()
    await stream.put("a")
    assert keys(await parity.function("on-mapped").event()) == ["a"]
    answer = await parity.call(stream.client.delete_event_source_mapping, UUID=mapping_id)
    assert (answer["State"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("Deleting", 202)
    await stream.end_mappings()
    with pytest.raises(stream.client.exceptions.ResourceNotFoundException):
        await stream.get(mapping_id)
    await stream.map()
    assert keys(await parity.function("on-mapped").event()) == ["a"]
