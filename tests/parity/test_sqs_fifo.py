"""Row SQS.fifo: the order of a message group."""

import uuid
from typing import Any

import pytest

from scripts.parity_harness.queues import bodies

pytestmark = pytest.mark.row("SQS.fifo")


async def send(queue: Any, group: str, *texts: str) -> None:
    """Send messages of a group, which are no duplicates of any."""
    for text in texts:
        await queue.send(text, MessageGroupId=group, MessageDeduplicationId=uuid.uuid4().hex)


@pytest.fixture
async def fifo(map_queue: Any) -> Any:
    """A FIFO queue."""
    return await map_queue(fifo=True)


async def test_message_has_group_sequence_and_deduplication(parity: Any, fifo: Any) -> None:
    """The attributes are those of a standard queue and three more, in AWS's order."""
    await send(fifo, "a", "hello")
    await fifo.map()
    (record,) = (await parity.function("on-mapped").event())["Records"]
    assert list(record["attributes"]) == [
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SequenceNumber",
        "MessageGroupId",
        "SenderId",
        "MessageDeduplicationId",
        "ApproximateFirstReceiveTimestamp",
    ]
    assert record["attributes"]["MessageGroupId"] == "a"


async def test_group_is_delivered_in_its_order_one_batch_at_a_time(parity: Any, fifo: Any) -> None:
    """While a batch of a group runs, no other message of it is delivered; other groups are."""
    await send(fifo, "a", "a1", "a2", "a3")
    await send(fifo, "b", "b1")
    function = parity.function("on-mapped").holds()
    await fifo.map(BatchSize=1)
    first, second = await function.invocation(), await function.invocation()
    assert sorted(bodies(first.event) + bodies(second.event)) == ["a1", "b1"]
    parity.let_go()
    assert [bodies(await function.event()) for _ in range(2)] == [["a2"], ["a3"]]
    await fifo.holds(0, 0)


async def test_failed_messages_come_again_before_what_follows_them(parity: Any, fifo: Any) -> None:
    """A group waits until what failed of it succeeds."""
    await send(fifo, "a", "a1", "a2")
    function = parity.function("on-mapped").raises("not yet", once=True)
    await fifo.map(BatchSize=1)
    failed = await function.event()
    assert bodies(failed) == ["a1"]
    await fifo.holds(1, 1)
    await fifo.show(failed)
    assert [bodies(await function.event()) for _ in range(2)] == [["a1"], ["a2"]]
    await fifo.holds(0, 0)
