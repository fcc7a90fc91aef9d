"""What the processor makes of a batch of stream records."""

import json
import logging
from typing import Any

import pytest

from streamer.processing.dispatch import Dispatcher


def record(number: int, **image: Any) -> dict[str, Any]:
    """A record of a STATE item; an attribute that is None is not there."""
    ids = {"tenant_id": "acme", "user_id": "ada", "request_id": f"r{number}", "correlation_id": "c1"}
    attributes = {name: {"S": value} for name, value in ids.items()} | image
    return {
        "dynamodb": {
            "SequenceNumber": str(number),
            "NewImage": {name: value for name, value in attributes.items() if value is not None},
        }
    }


@pytest.mark.parametrize(
    "broken",
    [{"tenant_id": None}, {"tenant_id": {"N": "5"}}, {"request_id": {"NULL": True}}],
    ids=["an-id-is-missing", "an-id-is-a-number", "an-id-is-null"],
)
def test_a_record_that_can_never_be_read_does_not_hold_up_the_others(
    broken: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Reading it again cannot mend it, and a failed record blocks its shard: it is logged and passed over."""
    sent: list[Any] = []
    dispatcher = Dispatcher(lambda payload: sent.append(json.loads(payload)), logging.getLogger("test"))
    answer = dispatcher.dispatch([record(1), record(2, **broken), record(3)])
    assert answer == {"batchItemFailures": []}
    assert {work["request_id"] for work in sent} == {"r1", "r3"}
    assert [line.action for line in caplog.records if line.levelno == logging.ERROR] == [
        "request.record_unreadable"
    ]


def test_a_record_whose_executor_could_not_be_invoked_comes_again() -> None:
    """What may go well the next time is reported as failed, and nothing else is."""

    def invoke(payload: bytes) -> None:
        if b"r2" in payload:
            raise ConnectionError("the Lambda API is away")

    answer = Dispatcher(invoke, logging.getLogger("test")).dispatch([record(1), record(2), record(3)])
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
