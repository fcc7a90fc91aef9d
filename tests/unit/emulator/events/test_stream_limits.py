import pytest

from emulator.application import Destination, StreamMapping
from emulator.errors import InvalidApplication
from emulator.events.stream_limits import check, check_all

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


def test_a_pair_of_table_and_function_has_one_mapping():
    """Two functions may read one stream and one function two, but none the same stream twice."""
    check_all([StreamMapping("t", "f"), StreamMapping("t", "g"), StreamMapping("u", "f")])
    with pytest.raises(InvalidApplication, match="one of a pair"):
        check_all([StreamMapping("t", "f"), StreamMapping("t", "f", batch_size=5)])
