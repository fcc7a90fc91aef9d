import asyncio
import itertools
from random import Random

import pytest

from emulator.application import QueueMapping
from emulator.errors import BackendFailed, PayloadTooLarge, QueueNotFound, TooManyRequests
from emulator.events.checkpoints import Checkpoints
from emulator.events.queue_poller import QueuePoller
from emulator.events.services import Services
from emulator.events.settings import EventSettings
from emulator.events.status import State
from emulator.faults import Faults
from emulator.invocation import InvocationResult

VISIBILITY_TIMEOUT_S = 30
RAISED = InvocationResult("a-request", b'{"errorMessage": "no"}', function_error="Unhandled")
THROTTLED = TooManyRequests("f", "ReservedFunctionConcurrentInvocationLimitExceeded")


class FakeQueues:
    """One queue in memory that behaves as `Queues` promises; hidden messages stay so until `show`.

    Attributes:
        failure: what every call raises, or None.
        system: attributes of every message; a group is not hidden here while messages of it are.
    """

    def __init__(self):
        self.visible, self.hidden, self.deleted = [], {}, []
        self.failure = None
        self.system = {"ApproximateReceiveCount": "1"}
        self.receives = 0
        self._ids = itertools.count(1)
        self._changed = asyncio.Event()

    def send(self, *bodies):
        self.visible += [(f"m{next(self._ids)}", body) for body in bodies]
        self._wake()

    def show(self):
        """Let every visibility timeout end."""
        self.visible += self.hidden.values()
        self.hidden.clear()
        self._wake()

    def _wake(self):
        self._changed.set()
        self._changed = asyncio.Event()

    def fail(self, error):
        self.failure = error
        self._wake()

    async def receive(self, queue, *, limit, wait_s):
        self.receives += 1
        while not self.visible and not self.failure:
            await self._changed.wait()
        if self.failure:
            raise self.failure
        taken, self.visible = self.visible[:limit], self.visible[limit:]
        found = []
        for id_, body in taken:
            handle = f"handle-{next(self._ids)}"
            self.hidden[handle] = (id_, body)
            found.append(
                {
                    "MessageId": id_,
                    "ReceiptHandle": handle,
                    "Body": body,
                    "MD5OfBody": "digest",
                    "Attributes": dict(self.system),
                }
            )
        return found

    async def delete(self, queue, receipt_handles):
        if self.failure:
            raise self.failure
        self.deleted += [self.hidden.pop(handle)[1] for handle in receipt_handles]
        self._wake()

    async def release(self, queue, receipt_handles):
        if self.failure:
            raise self.failure
        self.visible += [self.hidden.pop(handle) for handle in receipt_handles]


@pytest.fixture
def queues():
    return FakeQueues()


@pytest.fixture
async def poll(world, queues):
    async def start(**mapping):
        services = Services(
            invoker=world.invoker,
            destinations=world.destinations,
            clock=world.clock,
            alarm=world.alarm,
            timeline=world.timeline,
            random=Random(1),
            ids=lambda: "new-id",
            checkpoints=Checkpoints(),
            settings=EventSettings(retry_first_s=1.0, retry_longest_s=8.0),
            faults=Faults(),
        )
        poller = QueuePoller(
            QueueMapping("q", "f", **mapping),
            queues=queues,
            services=services,
            visibility_timeout_s=VISIBILITY_TIMEOUT_S,
        )
        assert await poller.start(ready_within_s=1)
        world.stack.push_async_callback(poller.stop)
        return poller

    yield start
    await world.stack.aclose()
    await asyncio.sleep(0)
    left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("queue")]
    assert left == []


def bodies(world):
    return [[record["body"] for record in batch] for batch in world.invoker.batches]


async def test_a_batch_that_succeeded_is_deleted(world, queues, poll):
    """Messages are delivered together and deleted after success."""
    queues.send("a", "b")
    await poll()
    await world.until(lambda: queues.deleted == ["a", "b"])
    assert bodies(world) == [["a", "b"]]
    (facts,) = await world.happened("queue.batch")
    assert facts == {"queue": "q", "function": "f", "messages": 2, "received": 1}


async def test_a_batch_that_failed_stays_hidden(world, queues, poll):
    """Messages of a failed batch are left to the visibility timeout, and delivered again after it."""
    world.invoker.answer = lambda records: RAISED
    queues.send("a", "b")
    poller = await poll()
    (facts,) = await world.happened("queue.returned")
    assert facts == {"queue": "q", "function": "f", "reason": "function failed", "messages": 2}
    assert (len(queues.hidden), queues.deleted) == (2, [])
    assert poller.status().last_result == "function failed"
    world.invoker.answer = lambda records: None
    queues.show()
    await world.until(lambda: queues.deleted == ["a", "b"])


async def test_no_payload_is_recorded_or_logged(world, queues, poll, caplog):
    """Neither the timeline nor the log has what a message says, also when its function fails."""
    world.invoker.answer = lambda records: RAISED
    queues.send("a secret")
    await poll()
    await world.happened("queue.returned")
    assert "secret" not in str([entry.facts for entry in world.timeline.entries()])
    assert "secret" not in str([vars(record) for record in caplog.records])
    assert [record.action for record in caplog.records] == ["queue.returned"]


async def test_at_most_the_maximum_concurrency_runs_at_once(world, queues, poll):
    """No message is received while as many batches as allowed are with the function."""
    gate = asyncio.Event()

    async def wait(_):
        await gate.wait()

    world.invoker.answer = wait
    queues.send(*"abcde")
    poller = await poll(batch_size=1, maximum_concurrency=2)
    await world.until(lambda: poller.status().batches == 2)
    await asyncio.sleep(0)
    assert (len(world.invoker.batches), len(queues.visible)) == (2, 3)
    assert poller.status().state is State.INVOKING
    gate.set()
    await world.until(lambda: len(queues.deleted) == 5)


@pytest.mark.row("SQS.fifo")
@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
async def test_batches_of_one_group_follow_each_other(world, queues, poll, fails):
    """A second batch of a group waits for the first; where that fails, it goes back to the queue."""
    gate = asyncio.Event()

    async def wait(_):
        await gate.wait()
        return RAISED if fails else None

    world.invoker.answer = wait
    queues.system["MessageGroupId"] = "group"
    queues.send("a1", "a2")
    await poll(batch_size=1)
    await world.until(lambda: len(queues.hidden) == 2)
    await asyncio.sleep(0)
    assert bodies(world) == [["a1"]]
    world.invoker.answer = lambda records: None
    gate.set()
    if fails:
        await world.happened("queue.returned")
    await world.until(lambda: queues.deleted == (["a2"] if fails else ["a1", "a2"]))
    assert bodies(world) == [["a1"], ["a2"]]


async def test_a_throttled_batch_waits_and_is_tried_again(world, queues, poll):
    """A throttled batch is delivered after a backoff, from the same receive."""
    answers = [THROTTLED, THROTTLED]

    def answer(_):
        if answers:
            raise answers.pop()

    world.invoker.answer = answer
    queues.send("a")
    await poll()
    for times in (1, 2):
        await world.happened("queue.throttled", times)
        await asyncio.sleep(0)
        await world.let_time_pass(4)
    await world.until(lambda: queues.deleted == ["a"])
    assert len(world.invoker.batches) == 3
    assert queues.receives <= 2


@pytest.mark.row("SQS.throttle")
async def test_a_throttled_batch_returns_after_its_visibility_timeout(world, queues, poll):
    """Where the function stays throttled, messages are left when the queue shows them again."""

    def answer(_):
        raise THROTTLED

    world.invoker.answer = answer
    queues.send("a")
    await poll()
    await world.happened("queue.throttled")
    await asyncio.sleep(0)
    await world.let_time_pass(VISIBILITY_TIMEOUT_S)
    (facts,) = await world.happened("queue.returned")
    assert facts["reason"] == "not reached"
    assert queues.deleted == []


async def test_an_event_that_is_too_large_is_not_tried_again_at_once(world, queues, poll):
    """What Lambda refuses for its size is left to the redrive policy."""

    def answer(_):
        raise PayloadTooLarge("too large")

    world.invoker.answer = answer
    queues.send("a")
    await poll()
    await world.happened("queue.returned")
    assert len(world.invoker.batches) == 1


async def test_what_is_filtered_out_is_deleted(world, queues, poll):
    """Messages that no filter lets through are deleted and invoke nothing."""
    queues.send('{"kind": "noise"}', "text", '{"kind": "order"}')
    await poll(filters=[{"body": {"kind": ["order"]}}])
    await world.until(lambda: len(queues.deleted) == 3)
    assert bodies(world) == [['{"kind": "order"}']]
    assert (await world.happened("queue.filtered"))[0]["messages"] == 2


async def test_the_window_is_the_clocks(world, queues, poll):
    """A batch waits for its window, and what arrives within it goes along."""
    await poll(maximum_batching_window_s=60)
    queues.send("a")
    await world.until(lambda: len(queues.hidden) == 1)
    await world.let_time_pass(30)
    queues.send("b")
    await world.until(lambda: len(queues.hidden) == 2)
    await asyncio.sleep(0)
    assert bodies(world) == []
    await world.let_time_pass(30)
    await world.until(lambda: queues.deleted == ["a", "b"])
    assert bodies(world) == [["a", "b"]]


@pytest.mark.parametrize("error", [BackendFailed("away"), QueueNotFound("gone")], ids=["back end", "queue"])
async def test_goes_on_when_its_queue_is_back(world, queues, poll, error):
    """A back end or a queue that is away is told once, and waited for."""
    poller = await poll()
    await world.until(lambda: queues.receives == 1)
    queues.fail(error)
    await world.happened("queue.unreachable")
    assert poller.status().state is State.UNREACHABLE
    queues.failure = None
    queues.send("a")
    await world.happened("queue.reachable")
    await world.until(lambda: queues.deleted == ["a"])
    assert len(await world.happened("queue.unreachable")) == 1


async def test_a_deletion_is_tried_until_it_works(world, queues, poll):
    """A batch that was processed while the back end went away is deleted when it is back."""

    def answer(_):
        queues.failure = BackendFailed("away")

    world.invoker.answer = answer
    queues.send("a")
    await poll()
    await world.happened("queue.unreachable")
    queues.failure = None
    queues._wake()
    await world.until(lambda: queues.deleted == ["a"])
    assert len(world.invoker.batches) == 1


async def test_stopping_gives_back_what_was_gathered(world, queues, poll):
    """Messages that wait in a window are visible again at once."""
    poller = await poll(maximum_batching_window_s=60)
    queues.send("a", "b")
    await world.until(lambda: len(queues.hidden) == 2)
    await poller.stop()
    assert [body for _, body in queues.visible] == ["a", "b"]
    assert poller.status().state is State.STOPPED


async def test_stopping_lets_an_invocation_finish(world, queues, poll):
    """A batch whose invocation ends soon after the stop is deleted."""
    gate = asyncio.Event()

    async def wait(_):
        await gate.wait()

    world.invoker.answer = wait
    queues.send("a")
    poller = await poll()
    await world.until(lambda: len(world.invoker.batches) == 1)
    stopping = asyncio.create_task(poller.stop())
    await asyncio.sleep(0)
    gate.set()
    await stopping
    assert queues.deleted == ["a"]


async def test_finishing_waits_for_an_invocation_however_long(world, queues, poll, monkeypatch):
    """A poller that finishes receives nothing more, and what runs is deleted when it has succeeded."""
    monkeypatch.setattr("emulator.events.queue_poller.STOP_GRACE_S", 0)
    gate = asyncio.Event()
    world.invoker.answer = lambda records: gate.wait()
    queues.send("a")
    poller = await poll()
    await world.until(lambda: len(world.invoker.batches) == 1)
    finishing = asyncio.create_task(poller.finish())
    await world.until(lambda: poller.status().state is State.STOPPED)
    queues.send("b")
    assert not finishing.done()
    gate.set()
    await finishing
    await poller.stop()
    assert (queues.deleted, bodies(world)) == (["a"], [["a"]])


async def test_can_be_started_again(world, queues, poll):
    """A poller that was stopped reads on after another start."""
    poller = await poll()
    await poller.stop()
    await poller.stop()
    await poller.start(ready_within_s=1)
    queues.send("a")
    await world.until(lambda: queues.deleted == ["a"])
