import json

import pytest

from emulator.application import QueueMapping, StreamMapping
from emulator.aws_api import ApiError
from emulator.events.filters import MAX_PATTERN_CHARACTERS
from emulator.events.mapping_fields import Source, patterns

LONG = json.dumps({"body": ["x" * MAX_PATTERN_CHARACTERS]})


def test_refusal_names_each_filter_that_is_too_long():
    """Filters are counted from one, and all that do not fit are named at once."""
    criteria = {"Filters": [{"Pattern": text} for text in ("{}", LONG, LONG)]}
    with pytest.raises(ApiError, match="2 validation errors") as refused:
        patterns({"FilterCriteria": criteria})
    assert [f"filters.{place}.member" in str(refused.value) for place in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize(
    ("mapping", "source"), [(StreamMapping("s", "f"), "dynamodb"), (QueueMapping("s", "f"), "sqs")]
)
def test_source_of_a_mapping(mapping, source):
    """A source is named by its service, as in its ARN."""
    assert Source.of(mapping) is Source(source)
