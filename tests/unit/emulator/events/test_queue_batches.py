import json

import pytest

from emulator.application import QueueMapping
from emulator.errors import InvalidApplication
from emulator.events.batches import NotReached, Verdict
from emulator.events.queue_batches import MOST_BATCHES, Gathering, Scale, check, decide
from emulator.events.queues import Message
from emulator.invocation import InvocationResult

MAPPING = QueueMapping("q", "f")
REPORTING = QueueMapping("q", "f", report_batch_item_failures=True)


def message(name, *, received_at=0.0, size=10):
    return Message(name, f"handle-{name}", received_at, {"messageId": name}, b"x" * size)


def names(messages):
    return [one.id for one in messages]


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"batch_size": 0}, "from 1 to 10000"),
        ({"batch_size": 10_001, "maximum_batching_window_s": 1}, "from 1 to 10000"),
        ({"batch_size": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"maximum_batching_window_s": 301}, "from 0 to 300"),
        ({"maximum_batching_window_s": 0.5}, "whole number"),
        ({"maximum_concurrency": 1}, "from 2 to 1000"),
        ({"maximum_concurrency": 1001}, "from 2 to 1000"),
    ],
)
@pytest.mark.row("SQS.BatchSize", "SQS.concurrency", "SQS.window")
def test_refuses_what_lambda_refuses(mapping, said):
    """A mapping out of Lambda's ranges is refused with the range."""
    with pytest.raises(InvalidApplication, match=said):
        check(QueueMapping("q", "f", **mapping), visibility_timeout_s=30, timeout_s=3)


@pytest.mark.parametrize("mapping", [{"batch_size": 11}, {"maximum_batching_window_s": 1}], ids=str)
@pytest.mark.row("SQS.fifo")
def test_refuses_what_a_fifo_queue_does_not_have(mapping):
    """No batching window, and no batch of more than one receive."""
    check(QueueMapping("q.fifo", "f"), visibility_timeout_s=30, timeout_s=3)
    with pytest.raises(InvalidApplication, match="FIFO queue"):
        check(QueueMapping("q.fifo", "f", **mapping), visibility_timeout_s=30, timeout_s=3)


def test_refuses_a_visibility_timeout_below_the_functions():
    """A queue that shows messages again while the function may still run is refused in Lambda's words."""
    with pytest.raises(
        InvalidApplication,
        match="Queue visibility timeout: 3 seconds is less than Function timeout: 30 seconds",
    ):
        check(MAPPING, visibility_timeout_s=3, timeout_s=30)
    check(MAPPING, visibility_timeout_s=30, timeout_s=30)


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"batch_size": 10_000, "maximum_batching_window_s": 300, "maximum_concurrency": 1000},
        {"batch_size": 1, "maximum_concurrency": 2},
    ],
)
def test_takes_what_lambda_takes(mapping):
    """The ends of the ranges are fine."""
    check(QueueMapping("q", "f", **mapping), visibility_timeout_s=3, timeout_s=3)


def test_without_a_window_what_was_received_is_a_batch():
    """A batch is due as soon as there is a message."""
    gathering = Gathering(MAPPING)
    assert gathering.take(now=0) is None
    gathering.add([message("a"), message("b")])
    assert names(gathering.take(now=0)) == ["a", "b"]
    assert gathering.take(now=0) is None


def test_a_window_closes_after_the_first_message():
    """With a window a batch waits for its size, or until the window that the first message opened is over."""
    gathering = Gathering(QueueMapping("q", "f", batch_size=3, maximum_batching_window_s=5))
    gathering.add([message("a", received_at=10.0)])
    assert (gathering.take(now=14.9), gathering.closes_at()) == (None, 15.0)
    gathering.add([message("b", received_at=14.0)])
    assert names(gathering.take(now=15.0)) == ["a", "b"]
    gathering.add([message(name, received_at=16.0) for name in "cdef"])
    assert names(gathering.take(now=16.0)) == ["c", "d", "e"]
    assert gathering.take(now=16.0) is None


def test_asks_for_no_more_than_the_batch_takes():
    """A receive may bring what is missing, ten at most."""
    gathering = Gathering(QueueMapping("q", "f", batch_size=13, maximum_batching_window_s=5))
    assert gathering.wanted() == 10
    gathering.add([message(str(number)) for number in range(10)])
    assert gathering.wanted() == 3


def test_six_megabytes_close_a_batch():
    """A batch is delivered when another message would make its event larger than 6 MB (row F41)."""
    gathering = Gathering(QueueMapping("q", "f", batch_size=100, maximum_batching_window_s=300))
    gathering.add([message(str(number), size=1_000_000) for number in range(6)])
    assert gathering.take(now=0) is None
    gathering.add([message("6", size=1_000_000)])
    assert names(gathering.take(now=0)) == ["0", "1", "2", "3", "4", "5"]
    assert names(gathering.take_all()) == ["6"]
    assert len(gathering) == 0


BATCH = [message("a"), message("b"), message("c")]


@pytest.mark.parametrize(
    ("mapping", "result", "verdict", "finished"),
    [
        (MAPPING, InvocationResult("r", b"null"), Verdict.SUCCEEDED, ["a", "b", "c"]),
        (MAPPING, InvocationResult("r", b"{}", "Unhandled"), Verdict.FUNCTION_FAILED, []),
        (REPORTING, InvocationResult("r", b"{}", "Unhandled"), Verdict.FUNCTION_FAILED, []),
        (MAPPING, NotReached("TooManyRequests"), Verdict.NOT_REACHED, []),
        (
            REPORTING,
            InvocationResult("r", json.dumps({"batchItemFailures": [{"itemIdentifier": "b"}]}).encode()),
            Verdict.PARTLY_FAILED,
            ["a", "c"],
        ),
        (
            REPORTING,
            InvocationResult("r", json.dumps({"batchItemFailures": [{"itemIdentifier": "z"}]}).encode()),
            Verdict.PARTLY_FAILED,
            [],
        ),
    ],
    ids=["success", "error", "error though reporting", "throttled", "reported", "unknown id"],
)
def test_what_becomes_of_a_batch(mapping, result, verdict, finished):
    """What succeeded is deleted, the rest stays, nothing is both."""
    outcome = decide(BATCH, result, mapping)
    assert (outcome.verdict, names(outcome.finished)) == (verdict, finished)
    assert sorted(names(outcome.finished + outcome.returned)) == ["a", "b", "c"]


@pytest.mark.row("SQS.scaling")
def test_begins_with_five_batches_and_rises_while_there_are_messages():
    """Five batches run at once at first, 300 more each minute, never over the most."""
    scale = Scale(MAPPING)
    assert scale.batches == 5
    scale.received(now=0.0, any_message=True)
    scale.received(now=1.0, any_message=True)
    assert scale.batches == 10
    scale.received(now=100.0, any_message=True)
    assert scale.batches == MOST_BATCHES
    scale.received(now=101.0, any_message=False)
    assert scale.batches == 5


def test_a_maximum_concurrency_bounds_the_batches():
    """A maximum concurrency holds from the first batch on."""
    scale = Scale(QueueMapping("q", "f", maximum_concurrency=2))
    assert scale.batches == 2
    scale.received(now=0.0, any_message=True)
    scale.received(now=100.0, any_message=True)
    assert scale.batches == 2


@pytest.mark.row("SQS.scaling")
def test_failures_make_room_smaller():
    """An error or a throttle halves the batches at once; one always goes on."""
    scale = Scale(MAPPING)
    scale.ended(Verdict.FUNCTION_FAILED)
    assert scale.batches == 2
    for _ in range(10):
        scale.ended(Verdict.NOT_REACHED)
    assert scale.batches == 1
    scale.ended(Verdict.SUCCEEDED)
    assert scale.batches == 1


@pytest.mark.row("SQS.scaling")
def test_reported_failures_do_not():
    """With ReportBatchItemFailures only throttles slow the mapping down, as Lambda documents."""
    scale = Scale(REPORTING)
    scale.ended(Verdict.PARTLY_FAILED)
    scale.ended(Verdict.FUNCTION_FAILED)
    assert scale.batches == 5
    scale.ended(Verdict.NOT_REACHED)
    assert scale.batches == 2
