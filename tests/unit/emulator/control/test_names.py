"""Names that lack their beginning."""

import pytest

from emulator.control.names import whole_name
from emulator.errors import EmulatorError


def test_the_last_word_is_enough() -> None:
    """`requests` means `streamer-requests`; a whole name means itself, also where it ends another."""
    assert whole_name(["streamer-requests", "streamer-connections"], "requests", what="table") == (
        "streamer-requests"
    )
    names = ["x-streamer-requests", "streamer-requests"]
    assert whole_name(names, "streamer-requests", what="table") == "streamer-requests"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "There is no table 'nothing'; there are a-jobs, b-jobs."),
        ("jobs", "'jobs' is the end of several names of a table: a-jobs, b-jobs."),
    ],
    ids=["none", "several"],
)
def test_a_name_that_means_no_one_thing_says_what_there_is(name: str, says: str) -> None:
    """The sentence names what could be meant."""
    with pytest.raises(EmulatorError) as refused:
        whole_name(["a-jobs", "b-jobs"], name, what="table")
    assert str(refused.value) == says
