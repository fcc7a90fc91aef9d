import pytest

from emulator.application import Destination, QueueMapping, StreamMapping
from emulator.errors import InvalidApplication
from emulator.events.mapping_limits import check, check_all

ALLOWED = [
    {"batch_size": 1},
    {"batch_size": 10_000},
    {"maximum_batching_window_s": 300},
    {"parallelization_factor": 10},
    {"maximum_retry_attempts": -1},
    {"maximum_retry_attempts": 10_000},
    {"maximum_record_age_s": -1},
    {"maximum_record_age_s": 60},
    {"maximum_record_age_s": 604_800},
]
REFUSED = [
    {"batch_size": 0},
    {"batch_size": 10_001},
    {"maximum_batching_window_s": 301},
    {"parallelization_factor": 0},
    {"parallelization_factor": 11},
    {"maximum_retry_attempts": -2},
    {"maximum_record_age_s": 59},
    {"maximum_record_age_s": 604_801},
    {"on_failure": Destination.function("g")},
]


@pytest.mark.parametrize("fields", ALLOWED, ids=str)
def test_takes_what_lambda_takes(fields):
    """Both ends of each range are allowed."""
    check(StreamMapping("t", "f", **fields))


@pytest.mark.parametrize("fields", REFUSED, ids=str)
def test_refuses_what_lambda_refuses(fields):
    """A number out of its range, or a function as destination, is refused."""
    with pytest.raises(InvalidApplication, match=r"must be|destination"):
        check(StreamMapping("t", "f", **fields))


@pytest.mark.parametrize("kind", [StreamMapping, QueueMapping])
def test_a_pair_of_source_and_function_has_one_mapping(kind):
    """Two functions may read one source and one function two, but none the same source twice."""
    check_all([kind("t", "f"), kind("t", "g"), kind("u", "f")])
    with pytest.raises(InvalidApplication, match="one of a pair"):
        check_all([kind("t", "f"), kind("t", "f", batch_size=5)])


def test_a_stream_and_a_queue_may_have_one_name():
    """A table and a queue of the same name are two sources."""
    check_all([StreamMapping("t", "f"), QueueMapping("t", "f")])
