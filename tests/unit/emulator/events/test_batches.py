import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.application import StreamMapping
from emulator.events.batches import Batch, Condition, NotReached, Verdict, decide, expire, first_failure
from emulator.events.records import StreamRecord
from emulator.events.settings import EventSettings
from emulator.invocation import InvocationResult

NOW = 1_700_000_000.0
MAPPING = StreamMapping("t", "f", report_batch_item_failures=True, maximum_retry_attempts=1)
BISECTING = replace(MAPPING, bisect_batch_on_function_error=True)
RAISED = InvocationResult("r", b'{"errorMessage": "no"}', function_error="Unhandled")


def batch(*numbers, **more):
    return Batch(tuple(StreamRecord(str(number), NOW, {}, b"{}") for number in numbers), **more)


def numbers(pending):
    return [[record.sequence_number for record in one.records] for one in pending]


def answered(answer):
    return InvocationResult("r", json.dumps(answer).encode())


def reported(*identifiers):
    return answered({"batchItemFailures": [{"itemIdentifier": one} for one in identifiers]})


def decided(what, outcome, mapping=MAPPING, jitter=0.0, **settings):
    return decide(what, outcome, mapping, settings=EventSettings(**settings), jitter=jitter)


@pytest.mark.parametrize(
    "answer",
    [[], None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"statusCode": 200}],
    ids=json.dumps,
)
def test_an_answer_without_failures_is_success(answer):
    """Empty and null answers, and a null or empty list of failures, finish the whole batch."""
    decision = decided(batch(1, 2, 3), answered(answer))
    assert (decision.verdict, decision.checkpoint, decision.pending) == (Verdict.SUCCEEDED, "3", ())


def test_an_empty_payload_is_success():
    """A function that answers with nothing at all has not reported a failure."""
    assert first_failure(batch(1), InvocationResult("r", b""), report_batch_item_failures=True) is None


@pytest.mark.parametrize(
    "result",
    [
        RAISED,
        reported(""),
        reported(None),
        reported("123"),
        reported("3", "123"),
        reported(2),
        answered({"batchItemFailures": [{"foo": "2"}]}),
        answered({"batchItemFailures": ["2"]}),
        answered({"batchItemFailures": "2"}),
        answered("done"),
        InvocationResult("r", b"not json"),
    ],
    ids=lambda result: result.payload.decode(),
)
def test_an_odd_answer_fails_the_whole_batch(result):
    """An identifier that is empty, null, unknown or under another key, and an error, fail every record."""
    assert first_failure(batch(1, 2, 3), result, report_batch_item_failures=True) == 0


def test_the_lowest_reported_failure_is_the_checkpoint():
    """The first reported record and everything after it come again; what is before is finished."""
    decision = decided(batch(1, 2, 3, 4), reported("4", "3"))
    assert (decision.checkpoint, numbers(decision.pending)) == ("2", [["3", "4"]])


def test_a_failing_first_record_moves_no_checkpoint():
    """When nothing of the batch is finished the checkpoint stays where it is."""
    decision = decided(batch(1, 2), reported("1"))
    assert (decision.checkpoint, numbers(decision.pending)) == (None, [["1", "2"]])


def test_reports_count_only_where_they_are_asked_for():
    """Without ReportBatchItemFailures an answer that looks like a report is an answer."""
    decision = decided(batch(1, 2), reported("1"), replace(MAPPING, report_batch_item_failures=False))
    assert decision.verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_n_retries_are_n_plus_one_invocations(retries):
    """The function is invoked once more than it may be retried, then everything left is given up."""
    mapping = replace(MAPPING, maximum_retry_attempts=retries)
    pending, invocations = batch(1, 2), 0
    while True:
        decision = decided(pending, RAISED, mapping)
        invocations += 1
        if not decision.pending:
            break
        (pending,) = decision.pending
    assert invocations == retries + 1
    assert decision.given_up is not None
    assert decision.given_up.condition is Condition.RETRY_ATTEMPTS_EXHAUSTED
    assert decision.given_up.batch.invocations == retries + 1
    assert decision.checkpoint == "2"


@pytest.mark.row("F3.MaximumRetryAttempts", "F45")
def test_without_a_maximum_it_goes_on():
    """-1 means that only the age of the records ends the retries."""
    decision = decided(batch(1, retries=500), RAISED, replace(MAPPING, maximum_retry_attempts=-1))
    assert numbers(decision.pending) == [["1"]]


@pytest.mark.row("F57")
def test_progress_restores_no_attempts():
    """A batch that gets shorter with every attempt has no more attempts than another."""
    (rest,) = decided(batch(1, 2, 3), reported("2")).pending
    decision = decided(rest, reported("3"))
    assert decision.given_up is not None
    assert numbers([decision.given_up.batch]) == [["3"]]
    assert decision.given_up.batch.invocations == 2


@pytest.mark.row("F57", switch="EventSettings.progress_restores_attempts")
def test_progress_restores_attempts_where_that_is_asked_for():
    """By default the attempts of a batch are counted through; with the switch progress begins them anew."""
    (rest,) = decided(batch(1, 2, 3), reported("2")).pending
    assert decided(rest, reported("3")).given_up is not None
    again = decided(rest, reported("3"), progress_restores_attempts=True)
    assert (again.given_up, numbers(again.pending), again.pending[0].retries) == (None, [["3"]], 1)
    assert decided(again.pending[0], reported("3"), progress_restores_attempts=True).given_up is not None


@pytest.mark.row("F46")
def test_a_throttle_uses_up_no_attempt():
    """What did not reach the function comes again however few attempts there are, and is no invocation."""
    mapping = replace(MAPPING, maximum_retry_attempts=0)
    decision = decided(batch(1), NotReached("TooManyRequests"), mapping)
    (again,) = decision.pending
    assert (decision.verdict, again.retries, again.invocations) == (Verdict.NOT_REACHED, 0, 0)


@pytest.mark.row("F56", switch="EventSettings.retry_first_s")
def test_waits_grow_with_failures_in_a_row():
    """1 s doubled with each failure, to 60 s; jitter takes away up to half; the figures can be set."""
    delays = [decided(batch(1, failures=failures), NotReached("x")).delay_s for failures in range(8)]
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]
    assert decided(batch(1, failures=7), NotReached("x"), jitter=0.5).delay_s == 45
    assert decided(batch(1, failures=7), NotReached("x"), retry_first_s=0.1, retry_longest_s=5.0).delay_s == 5


def test_bisecting_halves_a_failed_batch_and_uses_up_no_attempt():
    """A failed batch is split in two that are delivered apart, each with the attempts it had."""
    decision = decided(batch(1, 2, 3), RAISED, BISECTING)
    assert numbers(decision.pending) == [["1", "2"], ["3"]]
    assert {part.retries for part in decision.pending} == {0}


def test_bisecting_splits_at_the_reported_record():
    """With a report the split is where it points, and only the rest is delivered again."""
    decision = decided(batch(1, 2, 3, 4), reported("3"), BISECTING)
    assert (decision.checkpoint, numbers(decision.pending)) == ("2", [["3", "4"]])
    assert decision.pending[0].retries == 0


@pytest.mark.parametrize("outcome", ["raises", "reports"])
@given(length=st.integers(1, 40), data=st.data())
@pytest.mark.row("F48")
def test_bisecting_gives_up_the_poison_alone(outcome, length, data):
    """However a batch fails on one record, that record alone is given up and every other is finished."""
    poison = str(data.draw(st.integers(1, length)))
    pending, given_up, finished = [batch(*range(1, length + 1))], [], []
    for _ in range(500):
        if not pending:
            break
        one = pending.pop(0)
        is_poisoned = any(record.sequence_number == poison for record in one.records)
        bad = RAISED if outcome == "raises" else reported(poison)
        decision = decided(one, bad if is_poisoned else answered(None), BISECTING)
        if decision.checkpoint is not None:
            finished.append(int(decision.checkpoint))
        if decision.given_up is not None:
            given_up += numbers([decision.given_up.batch])
        pending = [*decision.pending, *pending]
    assert not pending
    assert given_up == [[poison]]
    assert finished == sorted(finished)
    assert finished[-1] == length


def aged(*ages, **more):
    records = [StreamRecord(str(place), NOW - age, {}, b"{}") for place, age in enumerate(ages, 1)]
    return Batch(tuple(records), **more)


def test_records_that_are_too_old_are_given_up_before_they_are_delivered():
    """What is older than the maximum age goes to the on-failure destination, the rest stays."""
    decision = expire(aged(100, 61, 60, 5), replace(MAPPING, maximum_record_age_s=60), now=NOW)
    assert decision is not None
    assert decision.given_up is not None
    assert decision.given_up.condition is Condition.RECORD_AGE_EXCEEDED
    assert numbers([decision.given_up.batch]) == [["1", "2"]]
    assert (decision.checkpoint, numbers(decision.pending)) == ("2", [["3", "4"]])


def test_a_batch_that_is_too_old_leaves_nothing():
    """When every record is too old the checkpoint moves behind the last one."""
    decision = expire(aged(100, 90), replace(MAPPING, maximum_record_age_s=60), now=NOW)
    assert decision is not None
    assert (decision.checkpoint, decision.pending) == ("2", ())


@pytest.mark.parametrize("maximum", [-1, 604_800])
@pytest.mark.row("F45", "F3.MaximumRecordAgeInSeconds")
def test_no_record_lives_longer_than_its_stream_keeps_it(maximum):
    """A stream trims its records after a day, whatever age the mapping allows."""
    mapping = replace(MAPPING, maximum_record_age_s=maximum)
    assert expire(aged(86_400), mapping, now=NOW) is None
    assert expire(aged(86_401), mapping, now=NOW) is not None
