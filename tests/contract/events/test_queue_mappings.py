import asyncio
import hashlib
import json
import uuid
from pathlib import Path
from random import Random

import pytest

from emulator import resources
from emulator.alarm import Alarm
from emulator.application import Application, Function, Queue, QueueMapping
from emulator.clock import SandboxClock
from emulator.destinations import AwsDestinations
from emulator.errors import TooManyRequests
from emulator.events.service import EventSources
from emulator.events.services import Services
from emulator.events.settings import EventSettings
from emulator.faults import Faults
from emulator.invocation import InvocationResult

RAISED = InvocationResult("a-request", b'{"errorMessage": "no"}', function_error="Unhandled")
SHORT = {"visibility_timeout_s": 3}


def body_of(record):
    return record["body"]


class QueueWorld:
    """A queue with a dead-letter queue on a real back end, and event sources on them."""

    def __init__(self, world):
        self.world = world
        self.invoker = world.invoker
        self.clock = SandboxClock()
        self.alarm = Alarm(self.clock)
        self.clock.listen(self.alarm.poke)
        suffix = uuid.uuid4().hex[:8]
        self.queue, self.dead = f"source-{suffix}", f"dead-{suffix}"

    def declared(self, queue=None, **mapping):
        return Application(
            "contract",
            functions=[Function("f", "a.b", Path(), timeout_s=1)],
            queues=[
                Queue(self.queue, dead_letter_queue=self.dead, **{"max_receive_count": 2, **(queue or {})}),
                Queue(self.dead),
            ],
            queue_mappings=[QueueMapping(self.queue, "f", **mapping)],
        )

    async def create(self, queue=None):
        await asyncio.to_thread(resources.create, self.declared(queue), self.world.clients)

    async def start(self, *, queue=None, endpoint_url=None, **mapping):
        application = self.declared(queue, **mapping)
        await self.create(queue)
        endpoint_url = endpoint_url or self.world.endpoint_url
        sources = EventSources(
            application,
            Services(
                invoker=self.invoker,
                clock=self.clock,
                alarm=self.alarm,
                faults=Faults(),
                destinations=AwsDestinations(lambda: endpoint_url),
                timeline=self.world.timeline,
                random=Random(1),
                settings=EventSettings(retry_first_s=0.01, retry_longest_s=0.05),
            ),
            backend_endpoint_url=endpoint_url,
            waits_for_records=True,
        )
        await sources.start()
        self.world.stack.push_async_callback(sources.stop)
        return sources

    async def url(self, queue=None):
        return (await self.world.call("sqs", "get_queue_url", QueueName=queue or self.queue))["QueueUrl"]

    async def send(self, *bodies, **more):
        url = await self.url()
        for body in bodies:
            await self.world.call("sqs", "send_message", QueueUrl=url, MessageBody=body, **more)

    async def depth(self, queue=None):
        """Return how many messages the queue holds: visible, hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = await self.world.call(
            "sqs", "get_queue_attributes", QueueUrl=await self.url(queue), AttributeNames=names
        )
        return tuple(int(answer["Attributes"][name]) for name in names)

    async def holds(self, *depth):
        """Wait until the queue has so many messages: visible, hidden."""
        async with asyncio.timeout(20):
            while await self.depth() != depth:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def dead_letter(self):
        answer = await self.world.call(
            "sqs", "receive_message", QueueUrl=await self.url(self.dead), WaitTimeSeconds=15
        )
        (message,) = answer["Messages"]
        return message["Body"]

    @property
    def bodies(self):
        return [body_of(record) for record in self.invoker.records]


@pytest.fixture
async def queue(world):
    return QueueWorld(world)


async def test_a_message_invokes_with_an_event_like_awss_and_is_deleted(queue):
    """A message arrives with Lambda's keys in Lambda's order, and is gone when its batch succeeded."""
    sources = await queue.start()
    attributes = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    await queue.send("hello", MessageAttributes=attributes)
    await queue.invoker.until(lambda: len(queue.invoker.records) == 1)
    (record,) = queue.invoker.records
    assert list(record) == [
        "messageId",
        "receiptHandle",
        "body",
        "attributes",
        "messageAttributes",
        "md5OfMessageAttributes",
        "md5OfBody",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
    ]
    assert list(record["attributes"]) == [
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    ]
    assert record["messageAttributes"] == {
        "kind": {
            "stringValue": "order",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        },
        "raw": {
            "binaryValue": "AAE=",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "Binary",
        },
    }
    assert record["md5OfBody"] == hashlib.md5(b"hello").hexdigest()
    assert record["eventSourceARN"] == f"arn:aws:sqs:us-east-1:000000000000:{queue.queue}"
    await sources.stop()
    assert await queue.depth() == (0, 0)


@pytest.mark.row("SQS.failure", "SQS.redrive")
async def test_a_failing_message_ends_in_the_dead_letter_queue(queue):
    """A poison message is delivered as often as the redrive policy says, and later ones go on."""
    queue.invoker.answer = lambda records: RAISED if body_of(records[0]) == "poison" else None
    await queue.start(queue=SHORT, batch_size=1)
    await queue.send("poison", "good")
    assert await queue.dead_letter() == "poison"
    assert sorted(queue.bodies) == ["good", "poison", "poison"]
    await queue.holds(0, 0)


async def test_only_reported_messages_come_again(queue):
    """Of a batch with a reported failure the others are deleted at once."""
    queue.invoker.answer = lambda records: {
        "batchItemFailures": [
            {"itemIdentifier": record["messageId"]}
            for record in records
            if body_of(record) == "b" and record["attributes"]["ApproximateReceiveCount"] == "1"
        ]
    }
    await queue.create(SHORT)
    await queue.send("a", "b", "c")
    await queue.start(queue=SHORT, report_batch_item_failures=True)
    await queue.invoker.until(lambda: queue.bodies.count("b") == 2)
    assert sorted(queue.bodies) == ["a", "b", "b", "c"]
    assert len(queue.invoker.batches[0]) == 3


async def test_a_window_gathers_what_several_receives_bring(queue):
    """A batch of more than ten messages is gathered until its size is reached, whatever the window is."""
    await queue.start(batch_size=25, maximum_batching_window_s=300)
    await queue.send(*(str(number) for number in range(25)))
    await queue.invoker.until(lambda: queue.invoker.batches)
    assert [len(batch) for batch in queue.invoker.batches] == [25]


async def test_an_advanced_clock_closes_the_window(queue):
    """A batch of one message is delivered as soon as the clock shows the end of its window."""
    sources = await queue.start(maximum_batching_window_s=300)
    await queue.send("lonely")
    await queue.holds(0, 1)
    assert queue.invoker.batches == []
    queue.clock.advance(300)
    await queue.invoker.until(lambda: queue.bodies == ["lonely"])
    await sources.stop()


async def test_filtered_messages_are_deleted(queue):
    """What no filter lets through is gone without an invocation, a body that is no JSON likewise."""
    sources = await queue.start(filters=[{"body": {"kind": ["order"]}}])
    await queue.send('{"kind": "noise"}', "no json", '{"kind": "order"}')
    await queue.invoker.until(lambda: len(queue.invoker.records) == 1)
    await queue.world.happened("queue.filtered")
    await sources.stop()
    assert queue.bodies == ['{"kind": "order"}']
    assert await queue.depth() == (0, 0)


async def test_a_throttled_batch_is_tried_again(queue):
    """Messages of a throttled function are delivered when it has room, with their first receive."""
    answers = iter([TooManyRequests("f", "ReservedFunctionConcurrentInvocationLimitExceeded")] * 3)

    def answer(_):
        for error in answers:
            raise error

    queue.invoker.answer = answer
    await queue.start()
    await queue.send("a")
    await queue.invoker.until(lambda: len(queue.invoker.batches) == 4)
    assert {record["attributes"]["ApproximateReceiveCount"] for record in queue.invoker.records} == {"1"}


async def test_stopping_gives_gathered_messages_back(queue):
    """A message that waits in a window is visible again when its mapping stops, long before its timeout."""
    sources = await queue.start(maximum_batching_window_s=300)
    await queue.send("waiting")
    await queue.holds(0, 1)
    await sources.stop()
    await queue.holds(1, 0)  # one that had just arrived follows in a moment


async def test_a_receive_that_nobody_waits_for_gives_its_messages_back(queue):
    """A message that reaches a receive of a stopped mapping is delivered by the next start."""
    sources = await queue.start()
    await queue.send("before")
    await queue.invoker.until(lambda: queue.bodies == ["before"])
    await sources.stop()
    await sources.start()
    await queue.send("after")
    await queue.invoker.until(lambda: "after" in queue.bodies)
    assert queue.bodies == ["before", "after"]


async def test_a_back_end_that_was_away_is_read_on(queue, forwarder):
    """What was sent while the back end could not be reached is delivered afterwards, once."""
    await queue.start(endpoint_url=forwarder.url)
    await queue.send("a")
    await queue.invoker.until(lambda: queue.bodies == ["a"])
    await forwarder.shut()
    await queue.world.happened("queue.unreachable")
    await queue.send("b")
    await forwarder.open()
    await queue.invoker.until(lambda: "b" in queue.bodies)
    assert queue.bodies == ["a", "b"]


async def test_a_queue_that_is_deleted_and_made_again_is_read(queue):
    """A queue that goes away is waited for; messages of the new one are delivered."""
    await queue.start()
    await queue.send("a")
    await queue.invoker.until(lambda: queue.bodies == ["a"])
    await queue.world.call("sqs", "delete_queue", QueueUrl=await queue.url())
    await queue.world.happened("queue.unreachable")
    await queue.create()
    await queue.send("b")
    await queue.invoker.until(lambda: "b" in queue.bodies)
    assert queue.bodies == ["a", "b"]


async def test_large_messages_share_no_event_over_six_megabytes(queue):
    """Messages of 1 MB, the most that SQS takes, are delivered in events of at most 6 MB."""
    await queue.create()
    await queue.send(*[json.dumps({"filler": "x" * 1_000_000})] * 7)
    await queue.start(batch_size=10)
    await queue.invoker.until(lambda: len(queue.invoker.records) == 7)
    assert all(len(json.dumps({"Records": batch})) <= 6_291_456 for batch in queue.invoker.batches)
    assert max(map(len, queue.invoker.batches)) > 1
